// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace comoq::hang::detail {

// The units of H.264 and HEVC, and the bytes of the boxes that hold them.

inline unsigned at(std::span<const std::byte> bytes, std::size_t index) { return std::to_integer<unsigned>(bytes[index]); }

/// The NAL units between start codes of three or four bytes.
inline std::vector<std::span<const std::byte>> units_of(std::span<const std::byte> frame) {
    std::vector<std::span<const std::byte>> units;
    std::optional<std::size_t> begin;
    const auto end_at = [&](std::size_t end) {
        if (!begin) return;
        // Zeros before a start code belong to it.
        while (end > *begin && frame[end - 1] == std::byte{0}) --end;
        if (end > *begin) units.push_back(frame.subspan(*begin, end - *begin));
    };
    for (std::size_t i = 0; i + 3 <= frame.size(); ++i) {
        if (frame[i] != std::byte{0} || frame[i + 1] != std::byte{0} || frame[i + 2] != std::byte{1}) continue;
        end_at(i);
        begin = i + 3;
        i += 2;
    }
    end_at(frame.size());
    return units;
}

inline void put_big_endian(std::vector<std::byte> &to, std::uint64_t value, unsigned bytes) {
    while (bytes-- != 0) to.push_back(static_cast<std::byte>(value >> (8 * bytes) & 255));
}

inline void put(std::vector<std::byte> &to, std::span<const std::byte> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

/// A unit behind its length.
inline void put_unit(std::vector<std::byte> &to, std::span<const std::byte> unit, unsigned bytes_of_length) {
    put_big_endian(to, unit.size(), bytes_of_length);
    put(to, unit);
}

}  // namespace comoq::hang::detail
