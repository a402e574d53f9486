#pragma once
#include "reserve_one.hpp"
#include "step.hpp"
#include "track_shared.hpp"
#include "../bytes.hpp"
#include "../time.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// A frame that is written in chunks. Guarded by its track's lock, but for what never changes: size, timestamp, and the
/// chunks once it is complete.
class FrameState : public std::enable_shared_from_this<FrameState> {
public:
    FrameState(std::uint64_t size, Timestamp timestamp) noexcept : size_(size), timestamp_(timestamp) {}
    /// A frame that is complete already.
    FrameState(Bytes payload, Timestamp timestamp) : size_(payload.size()), timestamp_(timestamp), complete_(true) {
        received_ = payload.size();
        if (!payload.empty()) chunks_.push_back(std::move(payload));
    }

    std::uint64_t size() const noexcept { return size_; }
    Timestamp timestamp() const noexcept { return timestamp_; }
    std::size_t received() const noexcept { return static_cast<std::size_t>(received_); }
    std::uint64_t missing() const noexcept { return size_ - received_; }
    bool complete() const noexcept { return complete_; }
    std::error_code failure() const noexcept { return failure_; }
    const std::vector<Bytes> &chunks() const noexcept { return chunks_; }
    WaitList &waits() noexcept { return waits_; }

    /// Makes sure that the next chunk finds memory.
    void reserve() { reserve_one(chunks_); }
    void append(Bytes &&chunk, WakeList &wake) {
        const auto size = chunk.size();
        if (size == 0) return;
        chunks_.push_back(std::move(chunk));
        received_ += size;
        wake.take(waits_);
    }
    void set_complete(WakeList &wake) noexcept {
        complete_ = true;
        wake.take(waits_);
    }
    /// Fails a frame that is not complete, and gives what it holds to the caller to free after unlocking.
    [[nodiscard]] std::vector<Bytes> fail(std::error_code code, WakeList &wake) noexcept {
        failure_ = code;
        wake.take(waits_);
        return std::exchange(chunks_, {});
    }

    /// All of a complete frame in one piece. The chunks are joined at most once, by whoever asks first, and not under
    /// the track's lock: a large frame must not hold up the track.
    Bytes whole() {
        if (chunks_.empty()) return Bytes();
        if (chunks_.size() == 1) return chunks_.front();
        Lock lock(joining_);
        if (joined_.empty()) {
            std::vector<std::byte> bytes;
            bytes.reserve(static_cast<std::size_t>(size_));
            for (const Bytes &chunk : chunks_) bytes.insert(bytes.end(), chunk.span().begin(), chunk.span().end());
            joined_ = Bytes(std::move(bytes));
        }
        return joined_;
    }

private:
    const std::uint64_t size_;
    const Timestamp timestamp_;
    std::uint64_t received_ = 0;
    bool complete_ = false;
    std::error_code failure_;
    std::vector<Bytes> chunks_;
    WaitList waits_;
    Mutex joining_;
    Bytes joined_;
};

/// A place in a frame. The index is guarded by the track's lock.
struct FrameReader {
    FrameReader(std::shared_ptr<TrackShared> of_track, std::shared_ptr<FrameState> read) noexcept
        : shared(std::move(of_track)), frame(std::move(read)) {}

    std::shared_ptr<TrackShared> shared;
    std::shared_ptr<FrameState> frame;
    std::size_t index = 0;
};

/// Takes the next chunk of a frame.
class ChunkRule {
public:
    using value_type = std::optional<Bytes>;
    explicit ChunkRule(std::shared_ptr<FrameReader> reader) noexcept : reader_(std::move(reader)) {}

    Mutex &mutex() const noexcept { return reader_->shared->mutex; }
    WaitList &waits() const noexcept { return reader_->frame->waits(); }
    bool available() const noexcept {
        const FrameState &frame = *reader_->frame;
        return reader_->index < frame.chunks().size() || frame.complete() || frame.failure();
    }
    Outcome<value_type> take() {
        const FrameState &frame = *reader_->frame;
        if (frame.failure()) return frame.failure();
        if (reader_->index < frame.chunks().size())
            return Outcome<value_type>(std::in_place, frame.chunks()[reader_->index++]);
        return Outcome<value_type>(std::in_place, std::nullopt);
    }

private:
    std::shared_ptr<FrameReader> reader_;
};

/// Waits until a frame is complete.
class WholeFrameRule {
public:
    using value_type = std::shared_ptr<FrameState>;
    explicit WholeFrameRule(std::shared_ptr<FrameReader> reader) noexcept : reader_(std::move(reader)) {}

    Mutex &mutex() const noexcept { return reader_->shared->mutex; }
    WaitList &waits() const noexcept { return reader_->frame->waits(); }
    bool available() const noexcept { return reader_->frame->complete() || reader_->frame->failure(); }
    Outcome<value_type> take() {
        if (reader_->frame->failure()) return reader_->frame->failure();
        return Outcome<value_type>(std::in_place, reader_->frame);
    }

private:
    std::shared_ptr<FrameReader> reader_;
};

}  // namespace comoq::detail
