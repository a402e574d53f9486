// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../net/connect_config.hpp"
#include "../../net/schemes.hpp"
#include "../../net/url.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::net::detail {

/// Where a server may send a client. The client asks `follow` for each address that it is given, and tells `start_over` when it
/// connects to its own URL.
class RedirectRule {
public:
    RedirectRule(Url home, bool carries_path, Redirects allowed)
        : home_(std::move(home)), carries_path_(carries_path), allowed_(std::move(allowed)) {}

    void start_over() noexcept { followed_ = 0; }

    /// The URL to connect to. Throws ConnectError::RedirectRefused, whose `what()` says why.
    Url follow(std::string_view address) {
        if (followed_ == allowed_.most) refuse(address, "one more in a row");
        Url url = read(address);
        if (url.scheme != home_.scheme) refuse(address, "another scheme");
        if (!is_allowed(url.host)) refuse(address, "another host");
        if (url.target == "/") url.target = home_.target;
        if (!carries_path_ && url.target != home_.target) refuse(address, "another path, which only SETUP tells");
        ++followed_;
        return url;
    }

private:
    [[noreturn]] static void refuse(std::string_view address, std::string_view why) {
        const auto shown = comoq::detail::quoted(without_secrets(address));
        throw std::system_error(make_error_code(ConnectError::RedirectRefused), shown + " is " + std::string(why));
    }
    static Url read(std::string_view address) {
        try {
            return known_url(address);
        } catch (const std::system_error &) {
            refuse(address, "not a URL that can be connected to");
        }
    }
    bool is_allowed(const std::string &host) const {
        if (is_same(host, home_.host)) return true;
        return std::ranges::any_of(allowed_.hosts, [&host](const std::string &one) {
            return one == "*" || is_same(host, one) || (one.starts_with('.') && ends_with(host, one));
        });
    }
    static char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
    static bool is_same(std::string_view a, std::string_view b) noexcept {
        return std::ranges::equal(a, b, {}, lower, lower);
    }
    static bool ends_with(std::string_view host, std::string_view end) noexcept {
        return host.size() > end.size() && is_same(host.substr(host.size() - end.size()), end);
    }

    const Url home_;
    const bool carries_path_;
    const Redirects allowed_;
    std::size_t followed_ = 0;  // in a row
};

}  // namespace comoq::net::detail
