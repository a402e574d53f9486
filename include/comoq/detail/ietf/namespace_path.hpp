// SPDX-License-Identifier: MIT
#pragma once
#include "../../path.hpp"
#include "../text/utf8.hpp"
#include "names.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::ietf {

// A namespace is a list of fields of any bytes, and a path is text. The fields stand between slashes; a slash in a field is
// `\/` there, a backslash `\\`, and a byte that a path cannot have `\x` and two digits, as is a slash at a field's end. So no
// two namespaces have one path. A path that no namespace has is not told to peers of MoQ Transport.

namespace detail {

inline void append_field(std::string &to, std::string_view field) {
    constexpr char digits[] = "0123456789abcdef";
    while (!field.empty()) {
        const auto size = comoq::detail::printable_sequence(field);
        const char first = field.front();
        // A slash at the end would be lost, as those of paths are.
        if (size == 0 || (first == '/' && field.size() == 1)) {
            const auto byte = static_cast<unsigned char>(first);
            to += "\\x";
            to += digits[byte >> 4];
            to += digits[byte & 15];
        } else {
            if (first == '/' || first == '\\') to += '\\';
            to += field.substr(0, size);
        }
        field.remove_prefix(std::max<std::size_t>(size, 1));
    }
}
inline std::optional<unsigned> digit_of(char character) noexcept {
    if (character >= '0' && character <= '9') return static_cast<unsigned>(character - '0');
    if (character >= 'a' && character <= 'f') return static_cast<unsigned>(character - 'a' + 10);
    return std::nullopt;
}

}  // namespace detail

/// The path of a namespace. Empty if it has none: a path has at most 32 parts.
inline std::optional<std::string> path_of(const Namespace &space) {
    std::string text;
    for (const std::string &field : space) {
        if (!text.empty()) text += '/';
        detail::append_field(text, field);
    }
    try {
        const Path path(text);
        // A path is normalised, and this is the one text of the namespace.
        return path.view() == text ? std::optional(std::move(text)) : std::nullopt;
    } catch (const std::system_error &) {
        return std::nullopt;
    }
}

/// The namespace of a path; nothing if it has none.
inline std::optional<Namespace> namespace_of(std::string_view path) {
    Namespace space;
    if (path.empty()) return space;
    std::string field;
    for (std::size_t at = 0; at <= path.size(); ++at) {
        if (at == path.size() || path[at] == '/') {
            if (field.empty() || space.size() == most_fields) return std::nullopt;
            space.push_back(std::exchange(field, std::string()));
        } else if (path[at] != '\\') {
            field += path[at];
        } else if (++at == path.size()) {
            return std::nullopt;
        } else if (path[at] == '/' || path[at] == '\\') {
            field += path[at];
        } else {
            const auto high = path[at] == 'x' && at + 2 < path.size() ? detail::digit_of(path[at + 1]) : std::nullopt;
            const auto low = high ? detail::digit_of(path[at + 2]) : std::nullopt;
            if (!low) return std::nullopt;
            field += static_cast<char>(static_cast<unsigned char>(*high << 4 | *low));
            at += 2;
        }
    }
    // Only the one text that is written for it: nothing else stands for `a`, such as `\x61`.
    const auto written = path_of(space);
    return written && *written == path ? std::optional(std::move(space)) : std::nullopt;
}

}  // namespace comoq::ietf
