// SPDX-License-Identifier: MIT
/// \file
/// The fast way to recognise a path that needs no normalising.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace comoq::detail {

/// The eight bytes of `text` from `begin` on in one word, the first of them lowest. Spaces fill missing bytes.
inline std::uint64_t word_of(std::string_view text, std::size_t begin = 0) noexcept {
    constexpr std::uint64_t spaces = 0x2020'2020'2020'2020;
    const std::size_t left = text.size() - begin;
    if constexpr (std::endian::native == std::endian::little) {
        // The compiler knows the length: one load. A short end is loaded together with the bytes before it.
        std::uint64_t word;
        if (left >= sizeof word) {
            std::memcpy(&word, text.data() + begin, sizeof word);
            return word;
        }
        if (text.size() >= sizeof word && left != 0) {
            std::memcpy(&word, text.data() + text.size() - sizeof word, sizeof word);
            return (word >> (64 - 8 * left)) | (spaces << (8 * left));
        }
    }
    std::uint64_t word = spaces;
    for (std::size_t i = std::min(left, sizeof word); i-- != 0;) {
        word = (word << 8) | static_cast<unsigned char>(text[begin + i]);
    }
    return word;
}

/// The number of parts of `text` if it is printable ASCII and normalised already, else 0. The text must neither begin
/// nor end with a slash; its length is not checked.
///
/// Nearly every path is of this kind, and the same few are looked up again and again: hence eight bytes at a time.
inline std::size_t parts_of_plain_path(std::string_view text) noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    constexpr std::uint64_t tops = 0x80 * ones;
    std::size_t slashes = 0;
    std::uint64_t before = 0, wrong = 0;
    const auto look_at = [&](std::uint64_t word) {
        // Adding 0x60 lifts the bytes 0x20 to 0x9f above 0x7f, adding 1 the bytes 0x7f to 0xfe. A byte that only the
        // former lifts is printable. Bytes above 0x7f can carry into the next one, but the lowest of them is always
        // found.
        const auto others = ~(word + 0x60 * ones) | (word + ones);
        const auto slash = ~((word ^ (0x2f * ones)) + 0x7f * ones) & tops;
        wrong |= others | (slash & ((slash << 8) | (before >> 56)));
        slashes += static_cast<std::size_t>(((slash >> 7) * ones) >> 56);  // the top byte is the sum of them all
        before = slash;
    };
    std::size_t left = text.size();
    for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t)) {
        look_at(word_of(text, text.size() - left));
    }
    if (left != 0) {
        look_at(word_of(text, text.size() - left));
    }
    return (wrong & tops) != 0 ? 0 : slashes + 1;
}

}  // namespace comoq::detail
