#pragma once
#include "failure.hpp"
#include "frame_log.hpp"
#include "frame_state.hpp"
#include "intrusive_list.hpp"
#include "media_change.hpp"
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

/// A frame for a track with that timescale. Throws FrameTooLarge or TimestampMismatch.
inline FrameSlot make_slot(const MediaBounds &bounds, Timescale timescale, Bytes &&payload, Timestamp timestamp) {
    if (payload.size() > bounds.max_frame_size) throw_error(make_error_code(Error::FrameTooLarge));
    return FrameSlot{timestamp.convert(timescale), std::move(payload), nullptr};
}

/// A group: what its producers write and its readers follow. Guarded by the track's lock.
class GroupState final : public std::enable_shared_from_this<GroupState>,
                         public ListNode<GroupState>,
                         public MediaPool::Member,
                         public Garbage::Item {
public:
    /// `live`: it was written to the track, and not fetched.
    GroupState(std::shared_ptr<TrackShared> shared, std::uint64_t sequence, Timescale timescale, bool live = true)
        : shared_(std::move(shared)), sequence_(sequence), timescale_(timescale), live_(live), frames_(timescale) {
        shared_->bounds->cached_groups.fetch_add(1, std::memory_order_relaxed);
    }
    ~GroupState() {
        auto &bounds = *shared_->bounds;
        bounds.pool.remove(*this);
        if (released_) return;
        bounds.cached_groups.fetch_sub(1, std::memory_order_relaxed);
        bounds.cached_bytes.fetch_sub(bytes_, std::memory_order_relaxed);
    }

    const std::shared_ptr<TrackShared> &shared() const noexcept { return shared_; }
    Mutex &mutex() const noexcept { return shared_->mutex; }
    std::uint64_t sequence() const noexcept { return sequence_; }
    Timescale timescale() const noexcept { return timescale_; }
    bool live() const noexcept { return live_; }

    // What follows is called under the lock.

    const FrameLog &frames() const noexcept { return frames_; }
    std::size_t bytes() const noexcept { return bytes_; }
    bool finished() const noexcept { return finished_; }
    std::error_code failure() const noexcept { return failure_; }
    const std::shared_ptr<FrameState> &open_frame() const noexcept { return open_; }
    WaitList &waits() noexcept { return waits_; }
    /// No frame will come any more.
    bool over() const noexcept { return finished_ || failure_; }
    /// Failed in a way that took the frames as well.
    bool released() const noexcept { return released_; }

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

    /// When it was written or fetched last, by the origin's clock, and in the order of all such uses.
    TimePoint used_at() const noexcept { return used_at_; }
    std::uint64_t stamp() const noexcept { return stamp_; }
    void set_used(TimePoint at, std::uint64_t stamp) noexcept {
        used_at_ = at;
        stamp_ = stamp;
    }

    /// Kept by the track that holds it: whether it does, and where the group stands among its arrivals.
    bool held = false;
    std::uint64_t arrival = 0;

    /// Makes a group that nobody knows of yet one of a single frame.
    void fill(FrameSlot &&slot) {
        const std::size_t size = slot.bytes();
        frames_.push(std::move(slot));
        account(size);
        finished_ = true;
    }

    /// Ends the group with `code`, for all but those who have read all of a finished one, and lets go of its frames.
    void release(std::error_code code, Garbage &garbage, WakeList &wake) noexcept {
        if (released_) return;
        failure_ = code;
        garbage_frames_ = frames_.release();
        if (auto frame = std::exchange(open_, nullptr)) garbage_chunks_ = frame->fail(code, wake);
        garbage.add(shared_from_this());
        account(0);
        shared_->bounds->cached_groups.fetch_sub(1, std::memory_order_relaxed);
        shared_->bounds->pool.remove(*this);
        released_ = true;
        wake.take(waits_);
        wake.take(shared_->first_frame_waits);
    }

    void free_garbage() noexcept override {
        garbage_frames_ = {};
        garbage_chunks_ = {};
    }

    // What follows takes the lock.

    void write(FrameSlot &&slot) {
        MediaChange change(*shared_->bounds);
        std::vector<FrameSlot> dropped;
        Lock lock(mutex());
        throw_unless_writable(change);
        if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
        const std::size_t size = slot.bytes();
        push(std::move(slot), size, dropped, change.wake);
        written(change);
    }

    std::shared_ptr<FrameState> open(std::uint64_t size, Timestamp timestamp) {
        auto frame = std::make_shared<FrameState>(size, timestamp);
        MediaChange change(*shared_->bounds);
        Lock lock(mutex());
        throw_unless_writable(change);
        if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
        open_ = frame;
        change.wake.take(waits_);
        written(change);
        return frame;
    }

    void write_chunk(FrameState &frame, Bytes &&chunk) {
        MediaChange change(*shared_->bounds);
        std::vector<FrameSlot> dropped;
        const std::size_t size = chunk.size();
        Lock lock(mutex());
        throw_unless_open(frame, change);
        if (size > frame.missing()) throw_error(make_error_code(Error::WrongSize));
        frame.reserve();
        make_room(0, size, dropped);
        frame.append(std::move(chunk), change.wake);
        account(bytes_ + size);
        written(change);
    }

    /// Throws WrongSize, and fails the group with it, if bytes are missing.
    void finish_frame(FrameState &frame) {
        MediaChange change(*shared_->bounds);
        std::vector<FrameSlot> dropped;
        std::vector<Bytes> chunks;
        Lock lock(mutex());
        throw_unless_open(frame, change);
        if (frame.missing() != 0) {
            // Made before anything fails: its text takes memory.
            const std::system_error wrong_size(make_error_code(Error::WrongSize));
            chunks = fail(wrong_size.code(), change.wake);
            lock.unlock();
            throw wrong_size;
        }
        // Its bytes have been counted as they came.
        push(FrameSlot{frame.timestamp(), Bytes(), open_}, 0, dropped, change.wake);
        open_.reset();
        frame.set_complete(change.wake);
        written(change);
    }

    /// Ends the group for the sake of an open frame that was dropped: its readers still get what is complete. Nothing if
    /// the frame is not open any more.
    void drop_frame(FrameState &frame) noexcept {
        std::vector<Bytes> chunks;
        WakeList wake;
        Lock lock(mutex());
        if (open_.get() == &frame) chunks = fail(make_error_code(Error::Dropped), wake);
    }
    /// The same with a code of the writer's own, which takes what is complete along.
    void abort_frame(FrameState &frame, std::error_code code) noexcept {
        ResumeScope scope;
        Garbage garbage;
        WakeList wake;
        Lock lock(mutex());
        if (open_.get() == &frame) release(code, garbage, wake);
    }

    void finish() {
        MediaChange change(*shared_->bounds);
        Lock lock(mutex());
        throw_unless_writable(change);
        if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
        finished_ = true;
        change.wake.take(waits_);
        change.wake.take(shared_->first_frame_waits);
        written(change);
    }

    void abort(std::error_code code) noexcept {
        ResumeScope scope;
        Garbage garbage;
        WakeList wake;
        Lock lock(mutex());
        release(code, garbage, wake);
    }

    Atomic<std::size_t> producers{0};
    void last_producer_gone() noexcept {
        std::vector<Bytes> chunks;
        WakeList wake;
        Lock lock(mutex());
        chunks = fail(make_error_code(Error::Dropped), wake);
    }

    std::optional<std::uint64_t> evict(std::uint64_t stamp) noexcept override {
        ResumeScope scope;
        Garbage garbage;
        WakeList wake;
        Lock lock(mutex());
        if (released_) return std::nullopt;
        if (stamp_ != stamp) return stamp_;
        if (shared_->holder != nullptr && !shared_->holder->let_go(*this, wake)) return std::nullopt;
        count_eviction();
        release(make_error_code(Error::Evicted), garbage, wake);
        return std::nullopt;
    }

    /// One more reader was told that it fell behind. Under the lock.
    void count_lag() noexcept {
        ++shared_->lagged_readers;
        shared_->bounds->lagged_readers.fetch_add(1, std::memory_order_relaxed);
    }

    /// One more that was dropped for its age or for the pool. Under the lock.
    void count_eviction() noexcept {
        ++shared_->evicted_groups;
        shared_->bounds->evicted_groups.fetch_add(1, std::memory_order_relaxed);
    }

private:
    /// What has become too old goes before anything is written to it.
    void throw_unless_writable(MediaChange &change) const {
        if (shared_->holder != nullptr) shared_->holder->expire(change);
        if (finished_) throw_error(make_error_code(Error::Closed));
        if (failure_) throw_error(failure_);
    }
    void throw_unless_open(const FrameState &frame, MediaChange &change) const {
        if (shared_->holder != nullptr) shared_->holder->expire(change);
        if (failure_) throw_error(failure_);
        if (open_.get() != &frame) throw_error(make_error_code(Error::Closed));
    }

    /// Ends the group with `code`; its readers first get what is complete. Gives the chunks of an open frame to the caller
    /// to free after unlocking.
    [[nodiscard]] std::vector<Bytes> fail(std::error_code code, WakeList &wake) noexcept {
        std::vector<Bytes> chunks;
        if (over()) return chunks;
        failure_ = code;
        if (auto frame = std::exchange(open_, nullptr)) {
            account(bytes_ - frame->received());
            chunks = frame->fail(code, wake);
        }
        wake.take(waits_);
        wake.take(shared_->first_frame_waits);
        return chunks;
    }

    /// Drops the oldest frames until `frames` more, of `size` bytes, are within what one group may keep. All or none: what
    /// is dropped is for the caller to free after unlocking, and takes memory until then.
    void make_room(std::size_t frames, std::size_t size, std::vector<FrameSlot> &dropped) {
        const std::size_t present = frames_.end() - frames_.first();
        std::size_t count = 0, bytes = bytes_;
        while (count < present && (present - count + frames > MediaBounds::max_group_frames ||
                                bytes + size > MediaBounds::max_group_bytes))
            bytes -= frames_[frames_.first() + count++].bytes();
        if (count == 0) return;
        dropped.reserve(count);
        while (dropped.size() < count) dropped.push_back(frames_.pop_front());
        account(bytes);
    }

    void push(FrameSlot &&slot, std::size_t size, std::vector<FrameSlot> &dropped, WakeList &wake) {
        frames_.reserve();
        make_room(1, size, dropped);
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

    void written(MediaChange &change) noexcept {
        if (shared_->holder != nullptr) shared_->holder->written(*this, change);
    }

    const std::shared_ptr<TrackShared> shared_;
    const std::uint64_t sequence_;
    const Timescale timescale_;
    const bool live_;
    FrameLog frames_;
    std::size_t bytes_ = 0;  // of the frames, and of what has come of an open one
    bool finished_ = false;
    std::error_code failure_;
    bool released_ = false;
    std::shared_ptr<FrameState> open_;
    WaitList waits_;
    TimePoint used_at_{};
    std::uint64_t stamp_ = 0;
    // Let go of, and not freed yet: for the call that released it, after unlocking.
    std::vector<StoredFrame> garbage_frames_;
    std::vector<Bytes> garbage_chunks_;
};

}  // namespace comoq::detail
