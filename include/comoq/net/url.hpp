// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace comoq::net {

/// SCHEME://HOST:PORT/PATH?QUERY, the address at which a relay is, or listens.
struct Url {
    /// In lower case.
    std::string scheme;
    /// Without the brackets of an IPv6 address.
    std::string host;
    /// Nothing if the text has none: then it is the usual one of the scheme.
    std::optional<std::uint16_t> port;
    /// The path with its query; "/" if the text has no path.
    std::string target = "/";

    /// HOST or HOST:PORT, with the brackets of an IPv6 address.
    std::string authority() const;
    /// Without the query, which may hold a secret, and without a path "/".
    std::string text() const;
};

/// Throws `std::system_error` with ConnectError::InvalidUrl, whose `what()` quotes the text (without user and query) and
/// says what is wrong with it. Looks at no list of schemes. A part behind "#" is dropped.
Url parse_url(std::string_view text);

/// The text for a message: without the parts that may be a secret, which are the user and the query.
std::string without_secrets(std::string_view text);

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/url.ipp"
#endif
