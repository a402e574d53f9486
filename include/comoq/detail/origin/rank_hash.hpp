// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace comoq::detail {

/// FNV-1a in 64 bits over the path and the hops, from the basis that all nodes of a cluster share.
inline std::uint64_t rank_hash(std::string_view path, const std::vector<std::uint64_t> &hops) noexcept {
    std::uint64_t hash = 0x420C0DECB00B;
    const auto add = [&hash](std::uint8_t byte) {
        hash ^= byte;
        hash *= 0x100000001B3;
    };
    for (const char c : path) add(static_cast<std::uint8_t>(c));
    for (const std::uint64_t hop : hops)
        for (unsigned shift = 0; shift < 64; shift += 8) add(static_cast<std::uint8_t>(hop >> shift));
    return hash;
}

}  // namespace comoq::detail
