// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace comoq::detail {

/// The text of a URL for a message: without the parts that may be a secret, which are the user and the query.
///
/// A password may have a "/", a "?" or a "#", too. So a URL with an "@" anywhere after them shows its scheme and no more.
inline std::string without_secrets(std::string_view text) {
    constexpr std::string_view of_schemes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
    const auto colon = text.find_first_not_of(of_schemes);
    const bool has_scheme = colon != std::string_view::npos && text.substr(colon).starts_with("://");
    const std::string scheme(text.substr(0, has_scheme ? colon + 3 : 0));
    text.remove_prefix(scheme.size());
    const auto end = text.find_first_of("/?#");
    if (end != std::string_view::npos && text.find('@', end) != std::string_view::npos) return scheme + "...";
    const std::string_view shown = text.substr(0, text.find_first_of("?#"));
    const auto at = shown.rfind('@');
    return at == std::string_view::npos ? scheme + std::string(shown) : scheme + "..." + std::string(shown.substr(at));
}

}  // namespace comoq::detail
