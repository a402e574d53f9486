#pragma once
#include "media_bounds.hpp"
#include "sync.hpp"
#include "waiter.hpp"
#include "../subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace comoq::detail {

class GroupState;
class MediaChange;

/// The track that a group is in, as the group knows it. Called under the track's lock.
class GroupHolder {
public:
    /// Drops what has become too old.
    virtual void expire(MediaChange &change) noexcept = 0;
    /// The group was written.
    virtual void written(GroupState &group, MediaChange &change) noexcept = 0;
    /// Takes the group off the track, to make room; false if it may not go now.
    virtual bool let_go(GroupState &group, WakeList &wake) noexcept = 0;

protected:
    ~GroupHolder() = default;
};

/// What a track, its groups and their frames share, and what outlives the track while somebody still reads a group: one
/// lock for all of them, so that no two locks have to be taken in any order inside a track.
struct TrackShared {
    explicit TrackShared(std::shared_ptr<MediaBounds> media_bounds) noexcept : bounds(std::move(media_bounds)) {}

    Mutex mutex;
    const std::shared_ptr<MediaBounds> bounds;

    // Guarded by the lock.
    GroupHolder *holder = nullptr;  // null when the track is gone
    TrackInfo info;                 // never changes once a handle is out from which it can be read
    std::uint64_t evicted_groups = 0;
    std::uint64_t lagged_readers = 0;
    WaitList group_waits;        // subscribers who wait for a group, or for one that is in their way to go
    WaitList first_frame_waits;  // subscribers who wait for any group's first frame
};

}  // namespace comoq::detail
