// SPDX-License-Identifier: MIT
#pragma once
#include "../bytes.hpp"

namespace comoq {

COMOQ_DECL std::string to_string(const Bytes &bytes) {
    constexpr std::size_t most = 16;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = std::to_string(bytes.size()) + (bytes.size() == 1 ? " byte" : " bytes");
    for (std::size_t i = 0; i < bytes.size() && i < most; ++i) {
        const auto octet = std::to_integer<std::size_t>(bytes.data()[i]);
        text += i == 0 ? ": " : " ";
        text += digits[octet / 16];
        text += digits[octet % 16];
    }
    if (bytes.size() > most) text += " ...";
    return text;
}

}  // namespace comoq
