// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"

namespace comoq::detail {

/// Whether two routes of one path begin at the same publisher: both at one that is named, or both at the peer itself. Behind an
/// unknown one further away may be anybody.
inline bool same_publisher(const BroadcastInfo &one, const BroadcastInfo &other) noexcept {
    // A program may have given it another route, under another name.
    if (one.hops.empty() || other.hops.empty() || one.hops.front() != other.hops.front()) return false;
    return one.hops.front() != 0 || (one.hops.size() == 1 && other.hops.size() == 1);
}

}  // namespace comoq::detail
