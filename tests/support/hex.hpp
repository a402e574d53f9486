/// \file Octets as hexadecimal digits.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::test {

inline std::vector<std::byte> of_hex(std::string_view hex) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::vector<std::byte> octets;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        octets.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
    return octets;
}
inline std::string hex_of(std::span<const std::byte> octets) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const auto octet : octets) {
        hex += digits[std::to_integer<std::size_t>(octet >> 4)];
        hex += digits[std::to_integer<std::size_t>(octet & std::byte{15})];
    }
    return hex;
}

}  // namespace comoq::test
