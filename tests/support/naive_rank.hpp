/// \file The rank of publishers of one path, in the plainest way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <comoq/broadcast_info.hpp>

namespace comoq::test {

using Hops = std::vector<std::uint64_t>;

/// FNV-1a as its authors describe it, over bytes that are written out first.
inline std::uint64_t naive_hash(const std::string &path, const Hops &hops) {
    std::vector<unsigned> octets;
    for (const char c : path) {
        octets.push_back(static_cast<unsigned char>(c));
    }
    for (std::uint64_t hop : hops) {
        for (int i = 0; i < 8; ++i) {
            octets.push_back(static_cast<unsigned>(hop % 256));
            hop /= 256;
        }
    }
    std::uint64_t hash = 72619540656139;  // the contract's basis, in decimal
    for (const unsigned octet : octets) {
        hash = (hash ^ octet) * 1099511628211u;
    }
    return hash;
}

/// The contract's list, one entry for each of its clauses. The publication with the lowest is active. `arrival` counts up.
using NaiveRank = std::tuple<bool, std::uint64_t, std::uint64_t, bool, std::size_t, std::uint64_t, std::int64_t>;
inline NaiveRank naive_rank(const std::string &path, const BroadcastInfo &info, std::int64_t arrival) {
    const auto &hops = info.hops;
    const bool unknown_hop = std::count(hops.begin(), hops.end(), 0u) != 0;
    return {unknown_hop, info.cost.warm, info.cost.cold,
            !hops.empty(), hops.size(), hops.size() >= 2 ? naive_hash(path, hops) : 0, -arrival};
}

}  // namespace comoq::test
