// SPDX-License-Identifier: MIT
/// \file
/// Routes for tests of hops.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "ietf/relay_chain.hpp"

namespace comoq::test {

using Hops = std::vector<std::uint64_t>;

inline BroadcastInfo came_by(Hops hops, std::uint64_t cost = 0) {
    BroadcastInfo info(std::move(hops));
    info.cost.warm = cost;
    return info;
}

}  // namespace comoq::test
