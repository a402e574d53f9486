// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace comoq::detail {

// QUIC's integers of variable length (RFC 9000, section 16): the first two bits give the number of bytes.

inline constexpr std::uint64_t max_varint = (std::uint64_t{1} << 62) - 1;

/// The least number of bytes that holds a value. The value must not be above `max_varint`.
constexpr std::size_t varint_size(std::uint64_t value) noexcept {
    return value < (1u << 6) ? 1 : value < (1u << 14) ? 2 : value < (1u << 30) ? 4 : 8;
}

struct Varint {
    std::uint64_t value;
    std::size_t size;  // in bytes, as it was written
};

/// The integer at the beginning of `input`, in any length; nothing if it is not complete.
constexpr std::optional<Varint> read_varint(std::span<const std::byte> input) noexcept {
    if (input.empty()) return std::nullopt;
    const auto first = std::to_integer<std::uint64_t>(input.front());
    const std::size_t size = std::size_t{1} << (first >> 6);
    if (input.size() < size) return std::nullopt;
    std::uint64_t value = first & 0x3f;
    for (const std::byte byte : input.subspan(1, size - 1)) value = (value << 8) | std::to_integer<std::uint64_t>(byte);
    return Varint{value, size};
}

/// The encoded value: `bytes` up to `size`.
struct WrittenVarint {
    std::array<std::byte, 8> bytes;
    std::size_t size;
    constexpr std::span<const std::byte> span() const noexcept { return std::span(bytes).first(size); }
};
constexpr WrittenVarint write_varint(std::uint64_t value) noexcept {
    const std::size_t size = varint_size(value);
    constexpr std::array<std::uint64_t, 9> prefix_of = {0, 0, 1, 0, 2, 0, 0, 0, 3};
    WrittenVarint written{{}, size};
    const std::uint64_t all = value | prefix_of[size] << (8 * size - 2);
    for (std::size_t i = 0; i < size; ++i) written.bytes[i] = static_cast<std::byte>(all >> (8 * (size - 1 - i)) & 0xff);
    return written;
}

}  // namespace comoq::detail
