// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../containers/keyed_hash.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace comoq::detail {

/// True if the number of the session that brought a broadcast is told before its hops: not if a peer has put that number
/// among them, because no id may stand in a chain twice, nor where the receiver would have no room for this side's own id.
inline bool tells_via(const BroadcastInfo &info) noexcept {
    const auto &hops = info.hops;
    return info.via != 0 && !hops.empty() && hops.front() == 0 && hops.size() + 1 < BroadcastInfo::max_hops &&
           std::find(hops.begin(), hops.end(), info.via) == hops.end();
}

/// The hops of a broadcast as peers are told them. A chain that begins with an unknown hop says nothing of its publisher:
/// the number of the session that brought it comes before it, so that two publishers without an id do not look like one.
inline std::vector<std::uint64_t> told_hops(const BroadcastInfo &info) {
    auto hops = info.hops;
    if (tells_via(info)) hops.insert(hops.begin(), info.via);
    return hops;
}

/// A hash of the hops that peers are told, with which they cannot be found.
inline std::uint64_t told_hops_hash(const BroadcastInfo &info) noexcept {
    const auto &hops = info.hops;
    const std::string_view octets(reinterpret_cast<const char *>(hops.data()), hops.size() * sizeof(std::uint64_t));
    const std::uint64_t hash = keyed_hash(octets);
    return tells_via(info) ? keyed_hash(hash ^ info.via) : hash;
}

}  // namespace comoq::detail
