// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../net/page_origins.hpp"

#include <asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace comoq::net {

namespace detail {

inline std::string lower(std::string_view text) {
    std::string all(text);
    for (char &c : all) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return all;
}

struct Authority {
    std::string host;  // in lower case, without the brackets of an IPv6 address
    std::uint16_t port;

    friend bool operator==(const Authority &, const Authority &) = default;
};

// As in a URL, without a user.
inline std::optional<Authority> parse_authority(std::string_view text, std::uint16_t usual_port) {
    Authority found{{}, usual_port};
    std::string_view rest;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        found.host = lower(text.substr(1, end - 1));
        rest = text.substr(end + 1);
    } else {
        const auto end = std::min(text.find(':'), text.size());
        found.host = lower(text.substr(0, end));
        rest = text.substr(end);
    }
    // A name may end with the dot of the root.
    if (found.host.ends_with('.')) {
        found.host.pop_back();
    }
    if (found.host.empty() || found.host.find_first_of("/?#@ ") != std::string::npos) {
        return std::nullopt;
    }
    if (rest.empty()) {
        return found;
    }
    const char *end = rest.data() + rest.size();
    const auto [stopped, failure] = std::from_chars(rest.data() + 1, end, found.port);
    if (rest.front() != ':' || rest.size() == 1 || failure != std::errc() || stopped != end) {
        return std::nullopt;
    }
    return found;
}

struct PageOrigin {
    std::string scheme;
    Authority authority;

    std::string text() const { return scheme + "://" + authority.host + ':' + std::to_string(authority.port); }
};

// Nothing if the text has no host: "null", which sandboxed pages and files send.
inline std::optional<PageOrigin> parse_origin(std::string_view text) {
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    PageOrigin origin;
    origin.scheme = lower(text.substr(0, colon));
    const std::uint16_t usual_port = origin.scheme == "https" ? 443 : origin.scheme == "http" ? 80 : 0;
    const auto authority = parse_authority(text.substr(colon + 3), usual_port);
    if (origin.scheme.empty() || !authority) {
        return std::nullopt;
    }
    origin.authority = *authority;
    return origin;
}

inline bool is_address(std::string_view host) {
    std::error_code failure;
    asio::ip::make_address(host, failure);
    return !failure;
}

}  // namespace detail

COMOQ_DECL void PageOrigins::allow(std::string_view origin) {
    if (origin == "*") {
        any_ = true;
        return;
    }
    const auto parsed = detail::parse_origin(origin);
    if (!parsed) {
        throw std::system_error(make_error_code(ConnectError::InvalidUrl),
                                comoq::detail::quoted(origin) + " is not an origin such as https://example.com, and not *");
    }
    allowed_.push_back(parsed->text());
}

COMOQ_DECL void PageOrigins::add_host(std::string_view name) { hosts_.push_back(detail::lower(name)); }

COMOQ_DECL bool PageOrigins::is_own(std::string_view host) const {
    return host == "localhost" || host.ends_with(".localhost") || detail::is_address(host) || std::ranges::find(hosts_, host) != hosts_.end();
}

COMOQ_DECL bool PageOrigins::lets_in(std::string_view origin, std::string_view host, bool is_secure) const {
    if (any_) {
        return true;
    }
    const auto page = detail::parse_origin(origin);
    if (!page) {
        return false;
    }
    if (std::ranges::find(allowed_, page->text()) != allowed_.end()) {
        return true;
    }
    const auto asked = detail::parse_authority(host, is_secure ? 443 : 80);
    return asked && *asked == page->authority && (is_secure || is_own(asked->host));
}

}  // namespace comoq::net
