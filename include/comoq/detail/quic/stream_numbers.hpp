// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

namespace comoq::quic::detail {

// The numbers with which streams end, as RESET_STREAM and STOP_SENDING carry them. The other implementations of moq-lite
// use WebTransport's form of them on bare QUIC, too: a number of 32 bits in a range of its own, without those that HTTP/3
// keeps free (draft-ietf-webtrans-http3, section 4.4). Other protocols have the numbers as they are.

inline constexpr std::uint64_t first_mapped = 0x52e4a40fa8db, largest_number = 0xffffffff;
inline constexpr std::uint64_t last_mapped = first_mapped + largest_number + largest_number / 0x1e;

inline bool maps_numbers(std::string_view protocol) noexcept { return protocol.starts_with("moq-lite-"); }

constexpr std::uint64_t mapped(std::uint64_t number) noexcept {
    number = std::min(number, largest_number);
    return first_mapped + number + number / 0x1e;
}
constexpr bool is_mapped(std::uint64_t number) noexcept {
    return number >= first_mapped && number <= last_mapped && (number - 0x21) % 0x1f != 0;
}
/// A number that is not in the range stays as it is: a peer may not map.
constexpr std::uint64_t unmapped(std::uint64_t number) noexcept {
    if (!is_mapped(number)) return number;
    const std::uint64_t shifted = number - first_mapped;
    return shifted - shifted / 0x1f;
}

}  // namespace comoq::quic::detail
