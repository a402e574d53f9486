// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/random_bits.hpp"

#include <cstdint>

namespace comoq::detail {

/// A random id for a member of routes: an origin, or a session's peer that may have no id of its own. Hop ids have 62
/// bits on the wire; peers written in JavaScript refuse more than 53. 0 is nobody's.
inline std::uint64_t random_hop_id() {
    std::uint64_t id = 0;
    while (id == 0) id = random_bits() >> 11;
    return id;
}

}  // namespace comoq::detail
