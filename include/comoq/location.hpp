// SPDX-License-Identifier: MIT
#pragma once
#include <compare>
#include <cstdint>

namespace comoq {

/// The place of an object in a track: the number of its group, or of its datagram, and its id in there. In a group that
/// has no gaps and has been here from its beginning, the id of a frame is its index.
struct Location {
    /// The number of the group, or of the datagram.
    std::uint64_t group = 0;
    /// The id of the object in the group.
    std::uint64_t object = 0;

    /// By group first.
    friend auto operator<=>(const Location &, const Location &) = default;
};

}  // namespace comoq
