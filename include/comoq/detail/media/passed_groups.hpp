// SPDX-License-Identifier: MIT
#pragma once
#include "subscriber_list.hpp"
#include "track_state.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

namespace comoq::detail {

/// True if the track has a group from `first` to `last` that `recv_group` has not given. Given groups are passed over run by run,
/// given lanes one by one. Guarded by the track's lock.
inline bool has_new(const TrackState &track, const SubscriberPlace &place, std::uint64_t first, std::uint64_t last) noexcept {
    if (first > last) return false;
    const auto &live = track.cache().live();
    const GroupState *group = live.from(first);
    while (group != nullptr && group->sequence() <= last && place.has_received(*group))
        group = live.from(place.received.next_missing(group->sequence()));
    if (group != nullptr && group->sequence() <= last) return true;
    const auto is_new = [&place](const std::shared_ptr<GroupState> &lane) { return !place.has_received(*lane); };
    return track.cache().lanes().any_between(first, last, is_new);
}

/// The groups that `recv_group` has passed over in the order of their arrival, because they are below the start or above
/// the cap, while those change.
///
/// It goes back only for a group that it may give now. A peer can move its start and its end back and forth without end,
/// and to go back is to look at every group of the track. Guarded by the track's lock.
class PassedGroups {
public:
    /// Before a change.
    explicit PassedGroups(SubscriberPlace &place) noexcept : place_(place), first_(place.first), highest_(highest()) {}

    /// After it.
    void look_back(const TrackState &track) noexcept {
        if (place_.first < first_) {
            if (has_new(track, place_, place_.first, std::min(first_ - 1, highest()))) {
                place_.next_arrival = 0;
                return;
            }
            // Those that were below the start and are above the cap do not count as held back yet.
            if (place_.cap) place_.held_back = 0;
        }
        if (highest() > highest_ && has_new(track, place_, std::max(place_.first, highest_ + 1), highest()))
            place_.next_arrival = std::min(place_.next_arrival, std::exchange(place_.held_back, SubscriberPlace::no_arrival));
    }

private:
    std::uint64_t highest() const noexcept { return place_.cap.value_or(std::numeric_limits<std::uint64_t>::max()); }

    SubscriberPlace &place_;
    const std::uint64_t first_, highest_;  // before the change
};

}  // namespace comoq::detail
