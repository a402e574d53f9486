// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/reserve_one.hpp"
#include "../wait/step.hpp"
#include "media_bounds.hpp"
#include "track_shared.hpp"
#include "../../bytes.hpp"
#include "../../object_extras.hpp"
#include "../../time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// A frame that is written in chunks. Guarded by its track's lock, except for the constant size, timestamp and
/// extras.
///
/// The first chunks are kept as they come. Small ones after these are joined: two neighbours are never less than
/// `merged_size` together, so that a frame that comes a byte at a time takes little more than its bytes.
class FrameState : public std::enable_shared_from_this<FrameState> {
public:
    static constexpr std::size_t kept_as_they_come = 16;
    static constexpr std::size_t merged_size = 4096;

    FrameState(std::shared_ptr<TrackShared> shared, std::uint64_t size, Timestamp timestamp, ObjectExtras extras = {}) noexcept
        : shared_(std::move(shared)), size_(size), timestamp_(timestamp), extras_(std::move(extras)) {}

    const std::shared_ptr<TrackShared> &shared() const noexcept { return shared_; }
    std::uint64_t size() const noexcept { return size_; }
    Timestamp timestamp() const noexcept { return timestamp_; }
    const ObjectExtras &extras() const noexcept { return extras_; }
    std::size_t received() const noexcept { return static_cast<std::size_t>(received_); }
    std::uint64_t missing() const noexcept { return size_ - received_; }
    bool complete() const noexcept { return complete_; }
    std::error_code failure() const noexcept { return failure_; }
    std::size_t chunks() const noexcept { return chunks_.size(); }
    WaitList &waits() noexcept { return waits_; }

    /// The bytes that it takes beside its payload. Constant once the frame is complete.
    std::size_t overhead() const noexcept { return overhead_; }

    /// The received bytes from `offset` on, up to the end of their chunk; empty if there are none.
    Bytes from(std::uint64_t offset) const noexcept {
        const auto after = std::upper_bound(chunks_.begin(), chunks_.end(), offset,
                                            [](std::uint64_t wanted, const Chunk &chunk) { return wanted < chunk.start; });
        if (after == chunks_.begin()) return Bytes();
        const Chunk &chunk = *std::prev(after);
        const auto skip = static_cast<std::size_t>(offset - chunk.start);
        return skip < chunk.bytes.size() ? chunk.bytes.slice(skip) : Bytes();
    }

    /// Makes sure that `append` of this many bytes finds memory.
    void prepare(std::size_t size) {
        if (size == 0) return;
        if (!merges(size)) {
            reserve_one(chunks_);
            return;
        }
        const std::span<const std::byte> last = chunks_.back().bytes.span();
        const std::size_t needed = last.size() + size;
        if (needed <= room_size_) return;
        const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(merged_size, last.size() + missing()));
        const std::size_t room_size = std::min(2 * needed, most);
        auto room = std::make_shared_for_overwrite<std::byte[]>(room_size);
        std::copy(last.begin(), last.end(), room.get());
        room_ = std::move(room);
        room_size_ = room_size;
    }
    /// Appends a chunk for which memory was prepared. Returns the bytes that it replaced, for the caller to free after
    /// unlocking.
    [[nodiscard]] Bytes append(const Bytes &chunk, WakeList &wake) noexcept {
        const std::size_t size = chunk.size();
        Bytes replaced;
        if (size == 0) return replaced;
        if (merges(size)) {
            // The views of this room that readers got before end where the new bytes begin.
            Bytes &last = chunks_.back().bytes;
            const std::size_t held = last.size();
            std::copy(chunk.span().begin(), chunk.span().end(), room_.get() + held);
            replaced = std::exchange(last, Bytes(room_, std::span(room_.get(), held + size)));
        } else {
            chunks_.push_back(Chunk{received_, chunk});
            room_.reset();
            room_size_ = 0;
        }
        received_ += size;
        const std::size_t slack = room_ != nullptr ? room_size_ - chunks_.back().bytes.size() : 0;
        overhead_ = MediaCost::frame_state + chunks_.size() * MediaCost::chunk + slack;
        wake.take(waits_);
        return replaced;
    }
    void set_complete(WakeList &wake) noexcept {
        complete_ = true;
        room_.reset();
        wake.take(waits_);
    }

    struct Chunk {
        std::uint64_t start;
        Bytes bytes;
    };
    /// Fails a frame that is not complete, and returns its chunks for the caller to free after unlocking.
    [[nodiscard]] std::vector<Chunk> fail(std::error_code code, WakeList &wake) noexcept {
        failure_ = code;
        room_.reset();
        wake.take(waits_);
        return std::exchange(chunks_, {});
    }

    // The following functions take the lock.

    /// As `from`.
    Bytes read(std::uint64_t offset) const noexcept {
        Lock lock(shared_->mutex);
        return from(offset);
    }

    /// All of a complete frame in one piece, which replaces its chunks. They are joined at most once, by the first
    /// caller, and not under the track's lock, because a large frame must not hold up the track.
    Bytes whole() {
        Lock joining(joining_);
        // In a complete frame, only this call changes the chunks.
        if (chunks_.empty()) return Bytes();
        if (chunks_.size() > 1) {
            std::vector<std::byte> bytes;
            bytes.reserve(static_cast<std::size_t>(size_));
            for (const Chunk &chunk : chunks_) bytes.insert(bytes.end(), chunk.bytes.span().begin(), chunk.bytes.span().end());
            std::vector<Chunk> joined;
            joined.push_back(Chunk{0, Bytes(std::move(bytes))});
            // Declared after `joined`: the chunks are freed after unlocking.
            Lock lock(shared_->mutex);
            chunks_.swap(joined);
        }
        return chunks_.front().bytes;
    }

private:
    /// True if this many bytes go to the end of the last chunk.
    bool merges(std::size_t size) const noexcept {
        return chunks_.size() >= kept_as_they_come && chunks_.back().bytes.size() + size <= merged_size;
    }

    const std::shared_ptr<TrackShared> shared_;
    const std::uint64_t size_;
    const Timestamp timestamp_;
    const ObjectExtras extras_;
    std::uint64_t received_ = 0;
    bool complete_ = false;
    std::error_code failure_;
    std::vector<Chunk> chunks_;
    // The memory of the last chunk, which may grow, if it was joined.
    std::shared_ptr<std::byte[]> room_;
    std::size_t room_size_ = 0;
    std::size_t overhead_ = MediaCost::frame_state;
    WaitList waits_;
    Mutex joining_;
};

/// A reader's place in a frame: one that came in one piece, or one that is written through a state. The offset is
/// guarded by the track's lock.
struct FrameReader {
    explicit FrameReader(std::shared_ptr<FrameState> read) noexcept
        : shared(read->shared()), frame(std::move(read)), timestamp(frame->timestamp()), extras(frame->extras()),
          size(frame->size()) {}
    FrameReader(std::shared_ptr<TrackShared> of_track, Bytes read, Timestamp at, ObjectExtras beside) noexcept
        : shared(std::move(of_track)), payload(std::move(read)), timestamp(at), extras(std::move(beside)), size(payload.size()) {}

    bool complete() const noexcept { return frame == nullptr || frame->complete(); }
    std::error_code failure() const noexcept { return frame != nullptr ? frame->failure() : std::error_code(); }
    /// The unread bytes, or the first part of them.
    Bytes next() const noexcept {
        if (frame != nullptr) return frame->from(offset);
        return offset < payload.size() ? payload.slice(static_cast<std::size_t>(offset)) : Bytes();
    }
    /// The list where its readers wait. A frame that came in one piece is never waited for.
    WaitList &waits() noexcept { return frame != nullptr ? frame->waits() : no_waits; }

    const std::shared_ptr<TrackShared> shared;
    const std::shared_ptr<FrameState> frame;
    const Bytes payload;
    const Timestamp timestamp;
    const ObjectExtras extras;
    const std::uint64_t size;
    std::uint64_t offset = 0;
    WaitList no_waits;
};

/// Takes the unread bytes of a frame: the next chunk, or the rest of it.
class ChunkRule {
public:
    using value_type = std::optional<Bytes>;
    explicit ChunkRule(std::shared_ptr<FrameReader> reader) noexcept : reader_(std::move(reader)) {}

    Mutex &mutex() const noexcept { return reader_->shared->mutex; }
    WaitList &waits() const noexcept { return reader_->waits(); }
    bool available() const noexcept {
        const FrameReader &at = *reader_;
        return at.complete() || at.failure() || at.offset < at.frame->received();
    }
    Outcome<value_type> take() {
        if (const auto code = reader_->failure()) return code;
        Bytes chunk = reader_->next();
        if (chunk.empty()) return Outcome<value_type>(std::in_place, std::nullopt);
        reader_->offset += chunk.size();
        return Outcome<value_type>(std::in_place, std::move(chunk));
    }

private:
    std::shared_ptr<FrameReader> reader_;
};

/// Completes when there is a chunk, or the end, and takes nothing.
class ChunkThereRule : public ChunkRule {
public:
    using value_type = void;
    using ChunkRule::ChunkRule;
    Outcome<void> take() noexcept { return {}; }
};

/// The rest of a frame when it was taken: in one piece, or to be joined without the lock.
struct RestOfFrame {
    Bytes first;
    std::shared_ptr<FrameReader> reader;
    std::uint64_t offset = 0;
    bool is_all = true;

    Bytes bytes() && {
        if (is_all) return std::move(first);
        return reader->frame->whole().slice(static_cast<std::size_t>(offset));
    }
};

/// Takes the unread rest of a frame, once it is complete.
class WholeFrameRule {
public:
    using value_type = RestOfFrame;
    explicit WholeFrameRule(std::shared_ptr<FrameReader> reader) noexcept : reader_(std::move(reader)) {}

    Mutex &mutex() const noexcept { return reader_->shared->mutex; }
    WaitList &waits() const noexcept { return reader_->waits(); }
    bool available() const noexcept { return reader_->complete() || reader_->failure(); }
    Outcome<value_type> take() {
        if (const auto code = reader_->failure()) return code;
        RestOfFrame rest{reader_->next(), reader_, reader_->offset};
        rest.is_all = rest.offset + rest.first.size() == reader_->size;
        reader_->offset = reader_->size;
        from_ = rest.offset;
        return Outcome<value_type>(std::in_place, std::move(rest));
    }
    /// Puts back the last piece.
    void undo(WakeList &) noexcept { reader_->offset = from_; }

private:
    std::shared_ptr<FrameReader> reader_;
    std::uint64_t from_ = 0;
};

}  // namespace comoq::detail
