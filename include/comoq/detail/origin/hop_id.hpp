// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <random>

namespace comoq::detail {

/// A random id for who takes part in routes: an origin, or a session's peer that may have no id of its own. Hop ids have 62
/// bits on the wire; peers written in JavaScript refuse more than 53. 0 is nobody's.
inline std::uint64_t random_hop_id() {
    std::random_device device;
    return std::uniform_int_distribution<std::uint64_t>(1, (std::uint64_t{1} << 53) - 1)(device);
}

}  // namespace comoq::detail
