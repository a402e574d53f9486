// SPDX-License-Identifier: MIT
#pragma once
#include "object_extras.hpp"

#include <cstdint>
#include <optional>

namespace comoq {

/// What a group of MoQ Transport has beside its number. A group of moq-lite, and one that is made without any of it, has
/// the values that stand here.
struct GroupInfo {
    /// Which lane of the group it is: a subgroup of MoQ Transport. 0 is the group that every reader knows; the others come
    /// only from `TrackSubscriber::recv_group`.
    std::uint64_t subgroup = 0;
    /// The publisher's priority, higher is more urgent; nothing means the track's.
    std::optional<std::uint8_t> priority = std::nullopt;
    /// The id of its first frame, if that leaves out none.
    std::uint64_t first_object = 0;
    /// It has frames before its first one that have not come here: it begins in the middle. A fetch of such a group asks
    /// the track's handler for the whole of it, and moq-lite does not send it.
    bool is_partial = false;
    /// The end of this lane is the end of the group.
    bool ends_group = true;

    friend bool operator==(const GroupInfo &, const GroupInfo &) = default;
};

/// An object that says that nothing comes after it. It has no payload, and no reader of frames sees it.
struct EndMarker {
    /// EndOfGroup or EndOfTrack.
    ObjectStatus status = ObjectStatus::EndOfGroup;
    /// The first object id that does not exist; at least the one after the last frame's.
    std::uint64_t object = 0;

    friend bool operator==(const EndMarker &, const EndMarker &) = default;
};

}  // namespace comoq
