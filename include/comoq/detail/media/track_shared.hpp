// SPDX-License-Identifier: MIT
#pragma once
#include "crowd_waits.hpp"
#include "media_bounds.hpp"
#include "../wait/failure.hpp"
#include "../wait/sync.hpp"
#include "../wait/waiter.hpp"
#include "../../location.hpp"
#include "../../subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq {
struct GroupInfo;
}

namespace comoq::detail {

class GroupState;
class MediaChange;

/// The track of a group, as the group sees it. Called under the track's lock.
class GroupHolder {
public:
    /// Drops the groups that have become too old.
    virtual void expire(MediaChange &change) noexcept = 0;
    /// The group was written.
    virtual void written(GroupState &group, MediaChange &change) noexcept = 0;
    /// The group's kind has changed.
    virtual void sort(GroupState &group) noexcept = 0;
    /// Makes another lane of a group that was written, or fetched, as that was. Throws Duplicate, LimitReached.
    virtual std::shared_ptr<GroupState> add_lane(const GroupState &group, const GroupInfo &info, MediaChange &change) = 0;
    /// Takes the group off the track, to make room, for the reason `code`; false if it may not go now.
    virtual bool let_go(GroupState &group, std::error_code code, WakeList &wake) noexcept = 0;

protected:
    ~GroupHolder() = default;
};

/// The state that a track shares with its groups and their frames, and that outlives the track while a reader still has
/// a group. One lock covers all of them, so that no order of two locks is needed inside a track.
struct TrackShared {
    explicit TrackShared(std::shared_ptr<MediaBounds> media_bounds) noexcept : bounds(std::move(media_bounds)) {}
    TrackShared(const TrackShared &) = delete;
    TrackShared &operator=(const TrackShared &) = delete;
    ~TrackShared() { bounds->cached_bytes.subtract(properties_cost()); }

    Mutex mutex;
    const std::shared_ptr<MediaBounds> bounds;

    // Guarded by the lock.
    GroupHolder *holder = nullptr;  // null when the track is gone
    // The time when the group that was used longest ago expires, or an earlier one.
    Atomic<TimePoint::rep> expires{TimePoint::max().time_since_epoch().count()};
    // The same for the oldest datagram.
    Atomic<TimePoint::rep> datagrams_expire{TimePoint::max().time_since_epoch().count()};
    TrackInfo info;                 // never changes once a handle exists from which it can be read
    // The largest place of those that are not here any more, of datagrams, and of what the source has said.
    std::optional<Location> past_largest;
    std::uint64_t evicted_groups = 0;
    std::uint64_t lagged_readers = 0;
    CappedCrowd group_waits;        // subscribers that wait for a group, or for one that keeps them from going on
    CappedCrowd first_frame_waits;  // subscribers that wait for any group's first frame
    CappedCrowd frame_waits;        // subscribers that wait for the next frame, and not in an existing group

    /// True if a group may have become too old: asked with the lock or without.
    bool may_expire(TimePoint now) const noexcept {
        return now.time_since_epoch().count() > expires.load(std::memory_order_relaxed);
    }

    bool datagrams_may_expire(TimePoint now) const noexcept {
        return now.time_since_epoch().count() > datagrams_expire.load(std::memory_order_relaxed);
    }

    /// Under the lock, once. If there are properties, the caller trims the origin's memory after unlocking.
    void set_info(const TrackInfo &fixed) noexcept {
        info = fixed;
        bounds->cached_bytes.add(properties_cost());
    }
    /// The bytes that the track's properties take.
    std::size_t properties_cost() const noexcept {
        return info.properties.empty() ? 0 : MediaCost::track_properties + info.properties.size();
    }
    void note_largest(const std::optional<Location> &place) noexcept {
        if (place && (!past_largest || *past_largest < *place)) past_largest = place;
    }

    /// The groups or frames that subscribers may take have changed.
    void wake_readers(WakeList &wake) noexcept {
        group_waits.wake_all(wake);
        first_frame_waits.wake_all(wake);
        frame_waits.wake_all(wake);
    }
};

/// Throws BoundsExceeded.
inline void throw_unless_possible(const TrackInfo &info) {
    if (info.properties.size() > MediaBounds::max_track_properties) throw_error(make_error_code(Error::BoundsExceeded));
}

}  // namespace comoq::detail
