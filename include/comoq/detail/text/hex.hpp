// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace comoq::detail {

/// Two hexadecimal digits an octet, in lower case.
inline void append_hex(std::string &to, std::span<const std::byte> octets) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::byte octet : octets) {
        to += digits[std::to_integer<std::size_t>(octet >> 4)];
        to += digits[std::to_integer<std::size_t>(octet & std::byte{15})];
    }
}

}  // namespace comoq::detail
