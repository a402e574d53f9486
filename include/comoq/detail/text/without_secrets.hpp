// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace comoq::detail {

/// The text of a URL for a message: without the parts that may be a secret, which are the user and the query.
inline std::string without_secrets(std::string_view text) {
    const auto scheme = text.find("://");
    const auto user = scheme == std::string::npos || scheme > text.find_first_of("?#@") ? 0 : scheme + 3;
    const auto query = text.find_first_of("?#");
    std::string shown(text.substr(0, query));
    const auto at = shown.rfind('@');
    if (at != std::string::npos && at >= user) return shown.replace(user, at - user, "...");
    // A password may have a "?", too.
    const bool has_path = shown.find('/', user) != std::string::npos;
    const bool may_have_user = query != std::string::npos && !has_path && text.find('@', query) != std::string::npos;
    return may_have_user ? shown.substr(0, user) + "..." : shown;
}

}  // namespace comoq::detail
