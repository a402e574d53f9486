// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/text/hex.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace comoq::quic {

/// The SHA-256 of a certificate in its binary form (DER), by which a client can recognise it.
using Fingerprint = std::array<std::byte, 32>;

/// 64 hexadecimal digits, in lower case.
inline std::string to_string(const Fingerprint &fingerprint) {
    std::string text;
    comoq::detail::append_hex(text, fingerprint);
    return text;
}

/// Reads 64 hexadecimal digits, in either case, with or without "sha256:" before them. Empty for anything else.
inline std::optional<Fingerprint> fingerprint_from(std::string_view text) {
    constexpr std::string_view prefix = "sha256:";
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    Fingerprint print;
    if (text.size() != 2 * print.size()) return std::nullopt;
    const auto value_of = [](char digit) {
        if (digit >= '0' && digit <= '9') return digit - '0';
        if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
        if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
        return -1;
    };
    for (std::size_t i = 0; i < print.size(); ++i) {
        const int high = value_of(text[2 * i]), low = value_of(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        print[i] = static_cast<std::byte>(high << 4 | low);
    }
    return print;
}

}  // namespace comoq::quic
