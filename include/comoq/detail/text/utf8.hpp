// SPDX-License-Identifier: MIT
/// \file
/// UTF-8, and the bytes that are allowed in a path: UTF-8 without control characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace comoq::detail {

/// The length of the well-formed, printable UTF-8 sequence at the start of `text`, 0 if there is none.
///
/// Refuses overlong forms, surrogates, anything above U+10FFFF, and the control characters (C0, DEL, C1).
constexpr std::size_t printable_sequence(std::string_view text) noexcept {
    const auto at = [text](std::size_t index) -> unsigned {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0u;
    };
    const auto within = [](unsigned byte, unsigned low, unsigned high) { return byte >= low && byte <= high; };
    const auto continues = [&](std::size_t index) { return within(at(index), 0x80, 0xbf); };
    const unsigned lead = at(0);
    if (within(lead, 0x20, 0x7e)) {
        return 1;
    }
    if (within(lead, 0xc2, 0xdf)) {
        return within(at(1), lead == 0xc2 ? 0xa0 : 0x80, 0xbf) ? 2 : 0;
    }
    if (within(lead, 0xe0, 0xef)) {
        return within(at(1), lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && continues(2) ? 3 : 0;
    }
    if (within(lead, 0xf0, 0xf4)) {
        const bool second = within(at(1), lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
        return second && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

constexpr bool is_printable_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto length = printable_sequence(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

/// The same for a `text` that is not empty, and with the control characters.
constexpr std::size_t utf8_sequence(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text.front());
    const bool c1 = lead == 0xc2 && text.size() > 1 && (static_cast<unsigned char>(text[1]) & 0xc0) == 0x80;
    return lead < 0x80 ? 1 : c1 ? 2 : printable_sequence(text);
}

/// Well-formed; any control characters are allowed.
constexpr bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto length = utf8_sequence(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

/// Well-formed, and as long as it was: a question mark stands for each byte that is not part of a sequence.
inline std::string repaired_utf8(std::string_view text) {
    std::string repaired(text);
    for (std::size_t at = 0; at < repaired.size();) {
        const auto length = utf8_sequence(text.substr(at));
        if (length == 0) repaired[at] = '?';
        at += length == 0 ? 1 : length;
    }
    return repaired;
}

}  // namespace comoq::detail
