#pragma once
#include "media_bounds.hpp"
#include "sync.hpp"
#include "waiter.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// What a track, its groups and their frames share, and what outlives the track while somebody still reads a group: one
/// lock for all of them, so that no two locks have to be taken in any order inside a track.
struct TrackShared {
    explicit TrackShared(std::shared_ptr<MediaBounds> media_bounds) noexcept : bounds(std::move(media_bounds)) {}

    Mutex mutex;
    const std::shared_ptr<MediaBounds> bounds;
    WaitList first_frame_waits;  // subscribers who wait for any group's first frame
};

}  // namespace comoq::detail
