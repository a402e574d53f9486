#pragma once
#include "../../broadcast_info.hpp"

#include <cstdint>
#include <vector>

namespace comoq::detail {

/// The hops of a broadcast as peers are told them. A chain that begins with an unknown hop says nothing of its publisher:
/// the number of the session that brought it comes before it, so that two publishers without an id do not look like one.
inline std::vector<std::uint64_t> told_hops(const BroadcastInfo &info) {
    auto hops = info.hops;
    const bool nobody_first = !hops.empty() && hops.front() == 0;
    if (nobody_first && info.via != 0 && hops.size() < BroadcastInfo::max_hops) hops.insert(hops.begin(), info.via);
    return hops;
}

}  // namespace comoq::detail
