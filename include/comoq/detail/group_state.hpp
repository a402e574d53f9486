#pragma once
#include "failure.hpp"
#include "frame_state.hpp"
#include "track_shared.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// One frame in a group: its payload in one piece, or the state that it was written through.
struct FrameSlot {
    Timestamp timestamp;
    Bytes payload;
    std::shared_ptr<FrameState> chunked;

    std::size_t bytes() const noexcept {
        return chunked != nullptr ? static_cast<std::size_t>(chunked->size()) : payload.size();
    }
};

/// What a group that failed has let go of, to be freed after unlocking.
struct Released {
    std::vector<FrameSlot> frames;
    std::vector<Bytes> chunks;
};

/// A frame for a track with that timescale. Throws FrameTooLarge or TimestampMismatch.
inline FrameSlot make_slot(const MediaBounds &bounds, Timescale timescale, Bytes &&payload, Timestamp timestamp) {
    if (payload.size() > bounds.max_frame_size) throw_error(make_error_code(Error::FrameTooLarge));
    return FrameSlot{timestamp.convert(timescale), std::move(payload), nullptr};
}

/// Frames by index, with the oldest dropped from the front. A vector and an offset: an empty one costs nothing, and
/// reading one frame touches one place.
class FrameLog {
public:
    std::size_t first() const noexcept { return first_; }
    std::size_t end() const noexcept { return first_ + (slots_.size() - gone_); }
    const FrameSlot &operator[](std::size_t index) const noexcept { return slots_[gone_ + (index - first_)]; }

    void push(FrameSlot &&slot) { slots_.push_back(std::move(slot)); }

    FrameSlot pop_front() noexcept {
        FrameSlot slot = std::move(slots_[gone_]);
        ++gone_;
        ++first_;
        // Each slot is moved at most once for every time the log has doubled its loss: constant on average.
        if (gone_ > slots_.size() / 2) {
            slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(gone_));
            gone_ = 0;
        }
        return slot;
    }

    /// Takes all frames out; the indices count on.
    std::vector<FrameSlot> release() noexcept {
        first_ = end();
        gone_ = 0;
        return std::exchange(slots_, {});
    }

private:
    std::vector<FrameSlot> slots_;
    std::size_t gone_ = 0;
    std::size_t first_ = 0;
};

/// A group: what its producers write and its readers follow. Guarded by the track's lock.
class GroupState {
public:
    GroupState(std::shared_ptr<TrackShared> shared, std::uint64_t sequence, Timescale timescale) noexcept
        : shared_(std::move(shared)), sequence_(sequence), timescale_(timescale) {
        shared_->bounds->cached_groups.fetch_add(1, std::memory_order_relaxed);
    }
    GroupState(const GroupState &) = delete;
    GroupState &operator=(const GroupState &) = delete;
    ~GroupState() {
        auto &bounds = *shared_->bounds;
        bounds.cached_groups.fetch_sub(1, std::memory_order_relaxed);
        bounds.cached_bytes.fetch_sub(bytes_, std::memory_order_relaxed);
    }

    const std::shared_ptr<TrackShared> &shared() const noexcept { return shared_; }
    Mutex &mutex() const noexcept { return shared_->mutex; }
    std::uint64_t sequence() const noexcept { return sequence_; }
    Timescale timescale() const noexcept { return timescale_; }

    // What follows is called under the lock.

    const FrameLog &frames() const noexcept { return frames_; }
    std::size_t bytes() const noexcept { return bytes_; }
    bool finished() const noexcept { return finished_; }
    std::error_code failure() const noexcept { return failure_; }
    const std::shared_ptr<FrameState> &open_frame() const noexcept { return open_; }
    WaitList &waits() noexcept { return waits_; }
    /// No frame will come any more.
    bool over() const noexcept { return finished_ || failure_; }

    /// Where a new reader begins: at the first frame still held, and of a group whose frames were taken at the first that
    /// there was, so that it is told.
    std::size_t first_index() const noexcept { return released_ ? 0 : frames_.first(); }

    /// How a reader at `index` stands that has no frame to take there: its code, false at a clean end, empty to wait.
    std::optional<std::error_code> end_at(std::size_t index) const noexcept {
        if (finished_ && index >= frames_.end()) return std::error_code();
        if (failure_ && (released_ || index >= frames_.first())) return failure_;
        if (index < frames_.first()) return make_error_code(Error::Lagged);
        return std::nullopt;
    }

    // What follows takes the lock.

    void write(FrameSlot &&slot) {
        std::vector<FrameSlot> dropped;
        WakeList wake;
        Lock lock(mutex());
        throw_unless_writable();
        if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
        push(std::move(slot), dropped, wake);
    }

    /// Makes a group that nobody knows of yet one of a single frame. Under the lock.
    void fill(FrameSlot &&slot) {
        const std::size_t size = slot.bytes();
        frames_.push(std::move(slot));
        account(size);
        finished_ = true;
    }

    std::shared_ptr<FrameState> open(std::uint64_t size, Timestamp timestamp) {
        auto frame = std::make_shared<FrameState>(size, timestamp);
        WakeList wake;
        Lock lock(mutex());
        throw_unless_writable();
        if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
        open_ = frame;
        wake.take(waits_);
        return frame;
    }

    void write_chunk(FrameState &frame, Bytes &&chunk) {
        WakeList wake;
        Lock lock(mutex());
        throw_unless_open(frame);
        if (chunk.size() > frame.missing()) throw_error(make_error_code(Error::WrongSize));
        frame.append(std::move(chunk), wake);
    }

    /// Throws WrongSize, and fails the group with it, if bytes are missing.
    void finish_frame(FrameState &frame) {
        std::vector<FrameSlot> dropped;
        Released released;
        WakeList wake;
        Lock lock(mutex());
        throw_unless_open(frame);
        if (frame.missing() != 0) {
            released = fail(make_error_code(Error::WrongSize), true, wake);
            lock.unlock();
            throw_error(make_error_code(Error::WrongSize));
        }
        push(FrameSlot{frame.timestamp(), Bytes(), open_}, dropped, wake);
        open_.reset();
        frame.set_complete(wake);
    }

    /// Fails the group for the sake of an open frame; nothing if the frame is not open any more.
    void abort_frame(FrameState &frame, std::error_code code) noexcept {
        Released released;
        WakeList wake;
        Lock lock(mutex());
        if (open_.get() == &frame) released = fail(code, true, wake);
    }

    void finish() {
        WakeList wake;
        Lock lock(mutex());
        throw_unless_writable();
        if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
        finished_ = true;
        wake.take(waits_);
        wake.take(shared_->first_frame_waits);
    }

    void abort(std::error_code code) noexcept {
        Released released;
        WakeList wake;
        Lock lock(mutex());
        released = fail(code, false, wake);
    }

    /// Ends the group with `code`, for all but those who have read all of a finished one, and gives its frames to the
    /// caller to free after unlocking. `keep_frames`: its readers first get what is complete. Under the lock.
    [[nodiscard]] Released fail(std::error_code code, bool keep_frames, WakeList &wake) noexcept {
        if (released_ || (keep_frames && over())) return {};
        failure_ = code;
        Released released;
        if (!keep_frames) {
            released.frames = frames_.release();
            released_ = true;
            account(0);
        }
        if (auto frame = std::exchange(open_, nullptr)) released.chunks = frame->fail(code, wake);
        wake.take(waits_);
        wake.take(shared_->first_frame_waits);
        return released;
    }

    Atomic<std::size_t> producers{0};
    void last_producer_gone() noexcept {
        Released released;
        WakeList wake;
        Lock lock(mutex());
        released = fail(make_error_code(Error::Dropped), true, wake);
    }

private:
    void throw_unless_writable() const {
        if (finished_) throw_error(make_error_code(Error::Closed));
        if (failure_) throw_error(failure_);
    }
    void throw_unless_open(const FrameState &frame) const {
        if (failure_) throw_error(failure_);
        if (open_.get() != &frame) throw_error(make_error_code(Error::Closed));
    }

    void push(FrameSlot &&slot, std::vector<FrameSlot> &dropped, WakeList &wake) {
        const std::size_t size = slot.bytes();
        while (frames_.end() > frames_.first() && (frames_.end() - frames_.first() >= MediaBounds::max_group_frames ||
                                                   bytes_ + size > MediaBounds::max_group_bytes)) {
            dropped.emplace_back();
            dropped.back() = frames_.pop_front();
            account(bytes_ - dropped.back().bytes());
        }
        const bool is_first = frames_.end() == 0;
        frames_.push(std::move(slot));
        account(bytes_ + size);
        wake.take(waits_);
        if (is_first) wake.take(shared_->first_frame_waits);
    }

    void account(std::size_t bytes) noexcept {
        shared_->bounds->cached_bytes.fetch_add(bytes - bytes_, std::memory_order_relaxed);
        bytes_ = bytes;
    }

    const std::shared_ptr<TrackShared> shared_;
    const std::uint64_t sequence_;
    const Timescale timescale_;
    FrameLog frames_;
    std::size_t bytes_ = 0;
    bool finished_ = false;
    std::error_code failure_;
    bool released_ = false;  // failed in a way that took the frames as well
    std::shared_ptr<FrameState> open_;
    WaitList waits_;
};

}  // namespace comoq::detail
