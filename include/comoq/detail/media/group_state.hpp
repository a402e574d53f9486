// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../wait/failure.hpp"
#include "frame_log.hpp"
#include "frame_state.hpp"
#include "../containers/intrusive_list.hpp"
#include "group_objects.hpp"
#include "media_change.hpp"
#include "track_shared.hpp"
#include "../../group_info.hpp"
#include "../../location.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

inline void throw_if_too_large(const MediaBounds &bounds, const Bytes &payload) {
    if (payload.size() > bounds.in_force().max_frame_size) throw_error(make_error_code(Error::FrameTooLarge));
}
/// A frame for a track with that timescale. Throws FrameTooLarge or TimestampMismatch.
inline FrameSlot make_slot(const MediaBounds &bounds, Timescale timescale, Bytes &&payload, Timestamp timestamp) {
    throw_if_too_large(bounds, payload);
    return FrameSlot{timestamp.convert(timescale), std::move(payload), nullptr};
}

/// A group: producers write it, and readers follow it. Guarded by the track's lock.
class GroupState final : public std::enable_shared_from_this<GroupState>,
                         public ListNode<GroupState>,
                         public MediaPool::Member,
                         public Garbage::Item {
public:
    /// `live`: it was written to the track, and not fetched.
    GroupState(std::shared_ptr<TrackShared> shared, std::uint64_t sequence, Timescale timescale, bool live = true,
               const GroupInfo &info = {})
        : shared_(std::move(shared)), sequence_(sequence), timescale_(timescale), live_(live), frames_(timescale) {
        auto &bounds = *shared_->bounds;
        if (info != GroupInfo()) {
            objects_ = std::make_unique<GroupObjects>(info);
            overhead_ += MediaCost::group_objects;
        }
        bounds.cached_groups.add(1);
        bounds.cached_bytes.add(overhead_);
    }
    ~GroupState() {
        auto &bounds = *shared_->bounds;
        bounds.pool.remove(*this);
        bounds.cached_bytes.subtract(bytes_ + overhead_);
        if (!released_) bounds.cached_groups.subtract(1);
    }

    const std::shared_ptr<TrackShared> &shared() const noexcept { return shared_; }
    Mutex &mutex() const noexcept { return shared_->mutex; }
    std::uint64_t sequence() const noexcept { return sequence_; }
    Timescale timescale() const noexcept { return timescale_; }
    bool live() const noexcept { return live_; }

    // The following functions are called under the lock.

    /// Which lane of its group it is.
    std::uint64_t subgroup() const noexcept { return objects_ != nullptr ? objects_->info.subgroup : 0; }

    const FrameLog &frames() const noexcept { return frames_; }
    /// The bytes of its frames.
    std::size_t bytes() const noexcept { return bytes_; }
    /// All bytes that it takes.
    std::size_t cost() const noexcept { return bytes_ + overhead_; }
    bool finished() const noexcept { return finished_; }
    std::error_code failure() const noexcept { return failure_; }
    const std::shared_ptr<FrameState> &open_frame() const noexcept { return open_; }
    WaitList &waits() noexcept { return waits_; }
    /// Subscribers that read the track frame by frame, and wait for the next one of this group.
    CrowdWaits &followers() noexcept { return followers_; }
    GroupInfo info() const noexcept { return objects_ != nullptr ? objects_->info : GroupInfo(); }
    bool is_partial() const noexcept { return objects_ != nullptr && objects_->info.is_partial; }
    /// The object that ended it, once it is finished by one.
    std::optional<EndMarker> end_marker() const noexcept {
        return objects_ != nullptr && finished_ ? objects_->end : std::nullopt;
    }
    /// The object id of the frame with that index, or of one that may come there without a gap; not if its frames were
    /// taken.
    std::uint64_t object_at(std::size_t index) const noexcept { return objects_ != nullptr ? objects_->id_of(index) : index; }
    /// The place of its last frame, if it has any now.
    std::optional<Location> largest() const noexcept {
        if (frames_.first() == frames_.end()) return std::nullopt;
        return Location{sequence_, object_at(frames_.end() - 1)};
    }

    /// True if no frame will come any more.
    bool over() const noexcept { return finished_ || failure_; }
    /// True if it failed in a way that took the frames as well.
    bool released() const noexcept { return released_; }

    /// Where a new reader begins: at the first frame still held; in a group whose frames were taken, at the first frame
    /// that it ever had, so that the reader is told.
    std::size_t first_index() const noexcept { return released_ ? 0 : frames_.first(); }

    /// The state of a reader at `index` without a frame to take there: its code, false at a clean end, empty to wait.
    std::optional<std::error_code> end_at(std::size_t index) const noexcept {
        if (finished_ && index >= frames_.end()) return std::error_code();
        if (failure_ && (released_ || index >= frames_.first())) return failure_;
        if (index < frames_.first()) return make_error_code(Error::Lagged);
        return std::nullopt;
    }

    /// The time of its last write or fetch, by the origin's clock, and its place in the order of all such uses.
    TimePoint used_at() const noexcept { return used_at_; }
    std::uint64_t stamp() const noexcept { return stamp_; }
    void set_used(TimePoint at, std::uint64_t stamp) noexcept {
        used_at_ = at;
        stamp_ = stamp;
    }

    /// True if its track holds it. A group that has failed and dropped its frames counts with its own size for as long
    /// as it is in its track, and leaves the pool only then.
    bool held() const noexcept { return held_; }
    void set_held(bool held) noexcept {
        held_ = held;
        if (!held && released_) leave_pool();
    }
    /// What a reader who comes now finds: a frame to begin with; none, though one may come; or none, and none will come.
    enum class Kind : std::uint8_t { Begun, Empty, Spent };
    Kind kind_now() const noexcept {
        if (frames_.first() != frames_.end()) return Kind::Begun;
        return over() ? Kind::Spent : Kind::Empty;
    }
    /// Kept by the track that holds it: the kind that the track knows, and its place among the track's arrivals.
    Kind kind = Kind::Empty;
    std::uint64_t arrival = 0;

    /// Fills a group that nobody has seen yet with a single frame.
    void fill(FrameSlot &&slot) {
        const std::size_t size = slot.bytes(), overhead = slot.overhead();
        frames_.push(std::move(slot));
        account(size, overhead_ + overhead);
        finished_ = true;
    }

    /// Ends the group with `code`, except for readers that have read all of a finished one, and drops its frames.
    void release(std::error_code code, Garbage &garbage, WakeList &wake) noexcept {
        if (released_) return;
        if (live_) shared_->note_largest(largest());
        failure_ = code;
        garbage_frames_ = frames_.release();
        if (objects_ != nullptr) objects_->release();
        if (auto frame = std::exchange(open_, nullptr)) garbage_chunks_ = frame->fail(code, wake);
        garbage.add(shared_from_this());
        account(0, own_cost());
        shared_->bounds->cached_groups.subtract(1);
        released_ = true;
        sort();
        if (!held_) leave_pool();
        wake_readers(wake);
        shared_->first_frame_waits.wake_all(wake);
    }

    void free_garbage() noexcept override {
        garbage_frames_ = {};
        garbage_chunks_ = {};
    }

    // The following functions take the lock.

    /// A frame in one piece. Throws FrameTooLarge or TimestampMismatch, too.
    void write(Bytes &&payload, Timestamp timestamp) {
        throw_if_too_large(*shared_->bounds, payload);
        const Timestamp at = timestamp.convert(timescale_);
        MediaChange change(*shared_->bounds);
        std::vector<FrameSlot> dropped;
        Lock lock(mutex());
        throw_unless_writable(change);
        if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
        if (objects_ != nullptr) prepare_object({});
        const std::size_t size = payload.size();
        push([&] { frames_.push(at, std::move(payload)); }, size, MediaCost::frame, dropped, change.wake);
        written(change);
    }

    /// The same for a frame with extras. Throws BoundsExceeded, too.
    void write(Bytes &&payload, Timestamp timestamp, ObjectExtras &&extras);

    std::shared_ptr<FrameState> open(std::uint64_t size, Timestamp timestamp, ObjectExtras extras = {});

    void write_chunk(FrameState &frame, Bytes &&chunk) {
        MediaChange change(*shared_->bounds);
        std::vector<FrameSlot> dropped;
        Bytes replaced;
        const std::size_t size = chunk.size();
        Lock lock(mutex());
        throw_unless_open(frame, change);
        if (size > frame.missing()) throw_error(make_error_code(Error::WrongSize));
        frame.prepare(size);
        make_room(0, size, dropped);
        sort();
        const std::size_t others = overhead_ - frame.overhead();
        replaced = frame.append(chunk, change.wake);
        account(bytes_ + size, others + frame.overhead());
        written(change);
    }

    /// Throws WrongSize, and fails the group with it, if bytes are missing.
    void finish_frame(FrameState &frame);

    /// Ends the group because of an open frame, with everything that it holds. Does nothing if the frame is not open
    /// any more.
    void abort_frame(FrameState &frame, std::error_code code) noexcept {
        ResumeScope scope;
        Garbage garbage;
        WakeList wake;
        Lock lock(mutex());
        if (open_.get() == &frame) release(code, garbage, wake);
    }

    /// Another lane of the same group. Throws Dropped once the track has let go of its groups, and as its track does.
    std::shared_ptr<GroupState> create_lane(const GroupInfo &info) const;

    /// Throws ProtocolViolation if the marker says that a frame that is there does not exist.
    void finish(const EndMarker &marker);
    void finish() {
        MediaChange change(*shared_->bounds);
        Lock lock(mutex());
        throw_unless_writable(change);
        if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
        end_well(change);
    }

    void abort(std::error_code code) noexcept {
        ResumeScope scope;
        Garbage garbage;
        WakeList wake;
        Lock lock(mutex());
        release(code, garbage, wake);
    }

    Atomic<std::size_t> producers{0};
    void last_producer_gone() noexcept;

    std::optional<std::uint64_t> evict(std::uint64_t stamp) noexcept override;

    /// Counts one more reader that was told that it fell behind. Under the lock.
    void count_lag() noexcept {
        ++shared_->lagged_readers;
        shared_->bounds->lagged_readers.add(1);
    }

    /// Counts one more group that was dropped for its age or for the pool. Under the lock.
    void count_eviction() noexcept {
        ++shared_->evicted_groups;
        shared_->bounds->evicted_groups.add(1);
    }

private:
    void expire(MediaChange &change) const {
        if (shared_->may_expire(change.now) && shared_->holder != nullptr) shared_->holder->expire(change);
    }
    /// A group that has become too old goes before anything is written to it.
    void throw_unless_writable(MediaChange &change) const {
        expire(change);
        if (finished_) throw_error(make_error_code(Error::Closed));
        if (failure_) throw_error(failure_);
    }
    void throw_unless_open(const FrameState &frame, MediaChange &change) const {
        expire(change);
        if (failure_) throw_error(failure_);
        if (open_.get() != &frame) throw_error(make_error_code(Error::Closed));
    }

    void end_well(MediaChange &change) noexcept {
        finished_ = true;
        sort();
        wake_readers(change.wake);
        shared_->first_frame_waits.wake_for(sequence(), change.wake);
        written(change);
    }
    /// Ends the group with `code`; its readers first get the complete frames. Returns the chunks of an open frame, for
    /// the caller to free after unlocking.
    [[nodiscard]] std::vector<FrameState::Chunk> fail(std::error_code code, WakeList &wake) noexcept;

    /// Drops the oldest frames until `frames` more, of `size` bytes, are within the bounds of one group. All or none:
    /// the caller frees the dropped frames after unlocking, and they take memory until then.
    void make_room(std::size_t frames, std::size_t size, std::vector<FrameSlot> &dropped) {
        const std::size_t present = frames_.end() - frames_.first();
        if (present + frames > MediaBounds::max_group_frames || bytes_ + size > MediaBounds::max_group_bytes)
            drop_oldest(present, frames, size, dropped);
    }
    void drop_oldest(std::size_t present, std::size_t frames, std::size_t size, std::vector<FrameSlot> &dropped);

    /// `add` adds the frame to the others.
    template <class Add>
    void push(Add add, std::size_t size, std::size_t overhead, std::vector<FrameSlot> &dropped, WakeList &wake) {
        frames_.reserve();
        make_room(1, size, dropped);
        const bool is_first = frames_.first() == frames_.end();
        add();
        sort();
        account(bytes_ + size, overhead_ + overhead);
        wake_readers(wake);
        if (is_first) shared_->first_frame_waits.wake_for(sequence(), wake);
    }

    /// Tells the track if the kind has changed.
    COMOQ_INLINED void sort() noexcept {
        if (held_ && live_ && kind_now() != kind && shared_->holder != nullptr) shared_->holder->sort(*this);
    }
    /// What it takes without frames.
    std::size_t own_cost() const noexcept {
        return MediaCost::group + (objects_ != nullptr ? MediaCost::group_objects : 0);
    }
    /// Makes sure that the next frame can leave out this many ids. Throws BoundsExceeded, also if its id would be too high.
    void prepare_object(const ObjectExtras &extras);
    GroupObjects &objects();
    void account(std::size_t bytes, std::size_t overhead) noexcept {
        shared_->bounds->cached_bytes.add(bytes - bytes_ + overhead - overhead_);
        bytes_ = bytes;
        overhead_ = overhead;
    }
    /// Nothing is left that the pool could get back.
    void leave_pool() noexcept {
        account(0, 0);
        shared_->bounds->pool.remove(*this);
    }

    void wake_readers(WakeList &wake) noexcept {
        wake.take(waits_);
        followers_.wake_all(wake);
    }

    void written(MediaChange &change) noexcept {
        if (held_ && shared_->holder != nullptr) shared_->holder->written(*this, change);
    }

    const std::shared_ptr<TrackShared> shared_;
    const std::uint64_t sequence_;
    const Timescale timescale_;
    const bool live_;
    FrameLog frames_;
    std::size_t bytes_ = 0;                       // of the frames, and of the received part of an open one
    std::size_t overhead_ = MediaCost::group;  // all else that the group takes
    std::unique_ptr<GroupObjects> objects_;    // null for a plain group
    bool held_ = false;
    bool finished_ = false;
    std::error_code failure_;
    bool released_ = false;
    std::shared_ptr<FrameState> open_;
    WaitList waits_;
    CrowdWaits followers_;
    TimePoint used_at_{};
    std::uint64_t stamp_ = 0;
    // Dropped, and not freed yet: the call that released the group frees it after unlocking.
    std::vector<StoredFrame> garbage_frames_;
    std::vector<FrameState::Chunk> garbage_chunks_;
};

}  // namespace comoq::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/media/group_state.ipp"
#endif
