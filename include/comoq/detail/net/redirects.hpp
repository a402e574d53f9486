// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../net/connect_config.hpp"
#include "../../net/schemes.hpp"
#include "../../net/url.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::net::detail {

/// Where a server may send a client. The client asks `follow` for each address that it is given, and tells `start_over` when it
/// connects to its own URL. Addresses are in a row if no minute lies between two of them.
class RedirectRule {
public:
    RedirectRule(Url home, bool carries_path, Redirects allowed)
        : home_(std::move(home)), carries_path_(carries_path), allowed_(std::move(allowed)) {}

    void start_over() noexcept { followed_ = 0; }

    /// The URL to connect to. Throws ConnectError::RedirectRefused, whose `what()` says why.
    Url follow(std::string_view address, std::chrono::steady_clock::time_point now) {
        if (now - latest_ > std::chrono::minutes(1)) followed_ = 0;
        if (followed_ == allowed_.most) refuse(address, "one more in a row");
        Url url = read(address);
        if (url.scheme != home_.scheme) refuse(address, "another scheme");
        const bool is_home = is_same(url.host, home_.host);
        if (!is_listed(url.host)) {
            if (!is_home) refuse(address, "another host");
            if (url.port != home_.port) refuse(address, "another port");
        }
        const bool has_query = home_.target.find('?') != std::string::npos;
        if (!carries_path_ && !is_home && has_query) refuse(address, "another host, which SETUP would tell the query");
        if (url.target == "/") url.target = is_home ? home_.target : home_.target.substr(0, home_.target.find('?'));
        if (!carries_path_ && url.target != home_.target) refuse(address, "another path, which only SETUP tells");
        ++followed_;
        latest_ = now;
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
    bool is_listed(const std::string &host) const {
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
    std::chrono::steady_clock::time_point latest_;
};

}  // namespace comoq::net::detail
