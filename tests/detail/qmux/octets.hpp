/// \file
/// Bytes for the tests of the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <comoq/detail/wire/varint.hpp>

#include "support/hex.hpp"

namespace comoq::test {

using Octets = std::vector<std::byte>;

inline Octets of_varints(std::initializer_list<std::uint64_t> values) {
    Octets octets;
    for (const auto value : values) {
        const auto written = comoq::detail::write_varint(value);
        octets.insert(octets.end(), written.span().begin(), written.span().end());
    }
    return octets;
}

inline Octets joined(std::initializer_list<Octets> parts) {
    Octets all;
    for (const auto &part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

}  // namespace comoq::test
