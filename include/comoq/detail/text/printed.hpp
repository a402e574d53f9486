// SPDX-License-Identifier: MIT
/// \file
/// How the library's values get into texts: by fmt, and into streams.
#pragma once
#include "../../config.hpp"

#include <iosfwd>
#include <string>

// The formatter of strings is defined there, for a fmt that is compiled apart, too.
#include <fmt/format.h>

namespace comoq {

namespace detail {

/// True for a type that COMOQ_PRINTED names. It has a `to_string` in its namespace.
template <class T> inline constexpr bool is_printed = false;

/// The text, with the format specification of strings.
template <class T> struct TextFormatter : fmt::formatter<fmt::string_view> {
    template <class Context> auto format(const T &value, Context &context) const {
        const std::string text = to_string(value);
        return fmt::formatter<fmt::string_view>::format(fmt::string_view(text.data(), text.size()), context);
    }
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
