/// \file
/// Bytes that tell their place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <comoq/bytes.hpp>

namespace comoq::test {

/// The byte at one place of one stream.
inline std::byte numbered_byte(std::uint64_t stream, std::uint64_t offset) {
    return static_cast<std::byte>((stream * 37 + offset * 31 + (offset >> 8)) & 0xff);
}

/// This many bytes of one stream.
inline Bytes numbered(std::uint64_t stream, std::uint64_t from, std::size_t size) {
    std::vector<std::byte> all(size);
    for (std::size_t i = 0; i < size; ++i) all[i] = numbered_byte(stream, from + i);
    return Bytes(std::move(all));
}
/// For tests with one stream.
inline Bytes numbered(std::uint64_t from, std::size_t size) { return numbered(0, from, size); }

}  // namespace comoq::test
