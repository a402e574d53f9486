// SPDX-License-Identifier: MIT
#pragma once
#include "varint.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace comoq::detail {

// MoQ Transport's integers of variable length, from draft 17 on: the ones at the beginning of the first byte are as many as
// the bytes that follow it. Eight of them leave no bit of the first byte for the value.

/// The least number of bytes that holds a value.
constexpr std::size_t vi64_size(std::uint64_t value) noexcept {
    const auto bits = static_cast<std::size_t>(std::bit_width(value));
    return bits > 56 ? 9 : bits == 0 ? 1 : (bits + 6) / 7;
}

/// The integer at the beginning of `input`, in any length; nothing if it is not complete.
constexpr std::optional<Varint> read_vi64(std::span<const std::byte> input) noexcept {
    if (input.empty()) return std::nullopt;
    const auto first = std::to_integer<std::uint8_t>(input.front());
    const auto more = static_cast<std::size_t>(std::countl_one(first));
    if (input.size() <= more) return std::nullopt;
    std::uint64_t value = first & (0xffu >> 1 >> more);
    for (const std::byte byte : input.subspan(1, more)) value = (value << 8) | std::to_integer<std::uint64_t>(byte);
    return Varint{value, more + 1};
}

/// The encoded value: `bytes` up to `size`.
struct WrittenVi64 {
    std::array<std::byte, 9> bytes;
    std::size_t size;
    constexpr std::span<const std::byte> span() const noexcept { return std::span(bytes).first(size); }
};
constexpr WrittenVi64 write_vi64(std::uint64_t value) noexcept {
    WrittenVi64 written{{}, vi64_size(value)};
    const std::size_t more = written.size - 1;
    for (std::size_t i = 0; i < more; ++i) written.bytes[more - i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
    const auto ones = static_cast<std::uint8_t>(0xff00u >> more);
    const std::uint64_t rest = more < 8 ? value >> (8 * more) : 0;
    written.bytes[0] = std::byte{ones} | static_cast<std::byte>(rest);
    return written;
}

}  // namespace comoq::detail
