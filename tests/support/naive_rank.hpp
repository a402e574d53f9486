/// \file
/// The hash by which publishers of one path are ranked, in the plainest way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

}  // namespace comoq::test
