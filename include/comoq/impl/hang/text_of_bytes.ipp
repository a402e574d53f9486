// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/text/hex.hpp"
#include "../../hang/codec.hpp"

#include <vector>

namespace comoq::hang {

COMOQ_DECL std::string to_hex(std::span<const std::byte> bytes) {
    std::string text;
    text.reserve(2 * bytes.size());
    comoq::detail::append_hex(text, bytes);
    return text;
}

COMOQ_DECL std::optional<Bytes> from_hex(std::string_view digits) {
    const auto value = [](char digit) {
        return digit >= '0' && digit <= '9'   ? digit - '0'
               : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
               : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                              : -1;
    };
    if (digits.size() % 2 != 0) return std::nullopt;
    std::vector<std::byte> bytes(digits.size() / 2);
    for (std::size_t i = 0; i != bytes.size(); ++i) {
        const int high = value(digits[2 * i]);
        const int low = value(digits[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes[i] = static_cast<std::byte>(16 * high + low);
    }
    return Bytes(std::move(bytes));
}

COMOQ_DECL std::string to_base64(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
        std::uint32_t bits = 0;
        for (std::size_t j = 0; j != 3; ++j) bits = bits << 8 | (j < count ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0u);
        for (std::size_t j = 0; j != 4; ++j) text += j <= count ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
    return text;
}

COMOQ_DECL std::optional<Bytes> from_base64(std::string_view text) {
    const auto value = [](char digit) {
        return digit >= 'A' && digit <= 'Z'   ? digit - 'A'
               : digit >= 'a' && digit <= 'z' ? digit - 'a' + 26
               : digit >= '0' && digit <= '9' ? digit - '0' + 52
               : digit == '+'                 ? 62
               : digit == '/'                 ? 63
                                              : -1;
    };
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding != 2 && padding != text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    text.remove_suffix(padding);
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t bits = 0;
    std::size_t count = 0;
    for (const char digit : text) {
        const int next = value(digit);
        if (next < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(next);
        if (++count % 4 == 0) {
            for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<std::byte>(bits >> shift & 255));
            bits = 0;
        }
    }
    if (padding == 1) {
        bytes.push_back(static_cast<std::byte>(bits >> 10 & 255));
        bytes.push_back(static_cast<std::byte>(bits >> 2 & 255));
    } else if (padding == 2) {
        bytes.push_back(static_cast<std::byte>(bits >> 4 & 255));
    }
    return Bytes(std::move(bytes));
}

}  // namespace comoq::hang
