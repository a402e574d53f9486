// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../detail/text/without_secrets.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../net/url.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace comoq::net {

namespace detail {

[[noreturn]] inline void refuse_url(std::string_view text, std::string_view why) {
    const auto shown = comoq::detail::quoted(without_secrets(text));
    throw std::system_error(make_error_code(ConnectError::InvalidUrl), shown + ' ' + std::string(why));
}

/// Takes the host off an authority. What is left is the port, with its colon.
inline std::string take_host(std::string_view &authority, std::string_view whole) {
    if (!authority.starts_with('[')) {
        const auto end = std::min(authority.find(':'), authority.size());
        const std::string host(authority.substr(0, end));
        authority.remove_prefix(end);
        return host;
    }
    const auto end = authority.find(']');
    if (end == std::string_view::npos) refuse_url(whole, "lacks a closing bracket");
    const std::string host(authority.substr(1, end - 1));
    authority.remove_prefix(end + 1);
    return host;
}

inline std::uint16_t port_in(std::string_view text, std::string_view whole) {
    std::uint16_t port = 0;
    const char *end = text.data() + text.size();
    const auto [stopped, failure] = std::from_chars(text.data() + 1, end, port);
    if (text.front() != ':' || text.size() == 1 || failure != std::errc() || stopped != end)
        refuse_url(whole, "has a port that is not a number from 0 to 65535");
    return port;
}

}  // namespace detail

COMOQ_DECL std::string without_secrets(std::string_view text) { return comoq::detail::without_secrets(text); }

COMOQ_DECL std::string Url::authority() const {
    std::string shown = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port) shown += ':' + std::to_string(*port);
    return shown;
}

COMOQ_DECL std::string Url::text() const {
    return scheme + "://" + authority() + (target == "/" ? std::string() : target.substr(0, target.find('?')));
}

COMOQ_DECL Url parse_url(std::string_view text) {
    const auto is_printable = [](char c) { return c > ' ' && c < '\x7f'; };
    if (!std::ranges::all_of(text, is_printable)) detail::refuse_url(text, "has characters that a URL cannot have");
    const auto colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0) detail::refuse_url(text, "does not begin with a scheme, such as wss://");
    Url url;
    url.scheme = text.substr(0, colon);
    for (char &c : url.scheme) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }

    std::string_view rest = text.substr(colon + 3);
    const auto slash = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, slash);
    rest.remove_prefix(slash);
    rest = rest.substr(0, rest.find('#'));
    url.target = rest.starts_with('/') ? std::string(rest) : '/' + std::string(rest);

    if (authority.find('@') != std::string_view::npos) detail::refuse_url(text, "names a user, which is not supported");
    url.host = detail::take_host(authority, text);
    if (url.host.empty()) detail::refuse_url(text, "names no host");
    if (!authority.empty()) url.port = detail::port_in(authority, text);
    return url;
}

}  // namespace comoq::net
