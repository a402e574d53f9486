// SPDX-License-Identifier: MIT
/// \file
/// How the library's values get into texts: by fmt, and into streams.
#pragma once
#include "../../config.hpp"

#include <algorithm>
#include <cstddef>
#include <iosfwd>
#include <stdexcept>
#include <string>

#if __has_include(<fmt/base.h>)
#include <fmt/base.h>
#else
#include <fmt/core.h>
#endif

namespace comoq {

namespace detail {

/// True for a type that COMOQ_PRINTED names. It has a `to_string` in its namespace.
template <class T> inline constexpr bool is_printed = false;

/// The text, with the format specification of strings; a width or precision is a number there, and no argument. It needs of fmt
/// only what `<fmt/core.h>` has, also where fmt is compiled apart.
template <class T> struct TextFormatter : fmt::formatter<fmt::string_view> {
    template <class ParseContext> constexpr auto parse(ParseContext &context) {
        const auto begin = context.begin();
        const auto end = fmt::formatter<fmt::string_view>::parse(context);
        specification_ = fmt::string_view(begin, static_cast<std::size_t>(end - begin));
        for (const char c : specification_) {
            if (c == '{') throw std::invalid_argument("a width or precision that is an argument is not supported here");
        }
        return end;
    }
    template <class Context> auto format(const T &value, Context &context) const {
        std::string text = to_string(value);
        if (specification_.size() != 0) {
            const fmt::string_view view(text.data(), text.size());
            std::string pattern = "{:";
            pattern.append(specification_.data(), specification_.size()) += '}';
            text = fmt::vformat(fmt::string_view(pattern.data(), pattern.size()), fmt::make_format_args(view));
        }
        return std::copy(text.begin(), text.end(), context.out());
    }

private:
    fmt::string_view specification_;
};

}  // namespace detail

/// Writes `to_string(value)`. The caller includes `<ostream>`.
template <class T>
    requires detail::is_printed<T>
std::ostream &operator<<(std::ostream &out, const T &value) {
    return out << to_string(value);
}

}  // namespace comoq

/// Used outside of all namespaces, in the header of the type. Full specialisations: a range, as a path is, has more than
/// one partial one.
#define COMOQ_PRINTED(...)                                                                                             \
    template <> inline constexpr bool comoq::detail::is_printed<__VA_ARGS__> = true;                                  \
    template <> struct fmt::formatter<__VA_ARGS__> : comoq::detail::TextFormatter<__VA_ARGS__> {}
