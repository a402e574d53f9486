/// \file The definition of a path, as plainly as possible: the measure for the fast ways of the library.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::test {

/// The code points of `text`; nothing if it is not valid UTF-8.
inline std::optional<std::vector<std::uint32_t>> naive_decode(const std::string &text) {
    std::vector<std::uint32_t> points;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const auto ones = static_cast<std::size_t>(std::countl_one(lead));
        const std::size_t length = ones == 0 ? 1 : ones;
        if (ones == 1 || ones > 4 || i + length > text.size()) {
            return std::nullopt;
        }
        std::uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) {
                return std::nullopt;
            }
            point = (point << 6) | (next & 0x3fu);
        }
        const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
            return std::nullopt;
        }
        points.push_back(point);
        i += length;
    }
    return points;
}

/// The absolute path of `text` below `root` (neither need be normalised); nothing if there is none.
inline std::optional<std::string> naive_path(std::string_view root, std::string_view text) {
    const auto whole = std::string(root) + "/" + std::string(text);
    const auto points = naive_decode(whole);
    if (!points) {
        return std::nullopt;
    }
    for (const auto point : *points) {
        if (point < 0x20 || (point >= 0x7f && point <= 0x9f)) {
            return std::nullopt;
        }
    }
    std::vector<std::string> parts(1);
    for (const char byte : whole) {
        if (byte != '/') {
            parts.back() += byte;
        } else if (!parts.back().empty()) {
            parts.emplace_back();
        }
    }
    if (parts.back().empty()) {
        parts.pop_back();
    }
    std::string path;
    for (const auto &part : parts) {
        path += (path.empty() ? "" : "/") + part;
    }
    return parts.size() <= 32 && path.size() <= 4096 ? std::optional(path) : std::nullopt;
}

/// Text that is a path about half of the time, with every feature that matters to one, and near the limits now and
/// then.
inline std::string random_path_text(std::mt19937_64 &random) {
    static const std::vector<std::string> usual = {"a",
                                                   "b",
                                                   "/",
                                                   "/",
                                                   "//",
                                                   "/a/",
                                                   "foo",
                                                   "room",
                                                   "..",
                                                   " ",
                                                   "\xc3\xa9",
                                                   "\xe2\x82\xac",
                                                   "~",
                                                   "live-stream",
                                                   "0",
                                                   "%",
                                                   "?#",
                                                   "\xc2\xa0",
                                                   "\xf0\x9f\x98\x80",
                                                   "A",
                                                   "/a"};
    static const std::vector<std::string> odd = {std::string(1, '\0'), "\n",   "\x1f",     "\x7f",         "\xc2\x80",
                                                 "\xc2\x9f",           "\x80", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82",
                                                 "\xf4\x90\x80\x80"};
    const auto pick = [&random](const std::vector<std::string> &from) { return from[random() % from.size()]; };
    std::string text;
    const bool with_odd = random() % 4 == 0;
    for (auto pieces = random() % 24; pieces != 0; --pieces) {
        text += with_odd && random() % 16 == 0 ? pick(odd) : pick(usual);
    }
    if (random() % 16 == 0) {
        for (auto parts = 20 + random() % 16; parts != 0; --parts) {
            text.insert(random() % (text.size() + 1), "/x");
        }
    }
    if (random() % 16 == 0) {
        const auto size = 4080 + random() % 32;
        const auto filler = random() % 4 == 0 ? "//////////" : random() % 2 == 0 ? "\xc3\xa9zzzzzzz" : "wwwwwwwwwwww";
        while (text.size() < size) {
            text += filler;
        }
    }
    return text;
}

}  // namespace comoq::test
