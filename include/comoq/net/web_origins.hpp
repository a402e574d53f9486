// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include "../websocket/http_head.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::net {

/// Which web pages may connect from a browser.
///
/// Browsers let any page open a WebSocket anywhere, to this machine and to an intranet too, and name the page by
/// `Origin`. A page of the server's own host is admitted, and so are those that are allowed by name. A client without
/// `Origin` is not a page.
///
/// A page can also give its own name the address of this server (DNS rebinding); its host is then the server's. Therefore
/// a host counts as the server's own only if nobody else can have it: an address, localhost, a name that a listener has,
/// or any name that TLS has proved.
///
/// Threads: several may ask at a time while none changes it.
class WebOrigins {
public:
    /// Takes an origin such as https://example.com, or *, which means any. Throws `std::system_error` with
    /// ConnectError::InvalidUrl for anything else.
    void allow(std::string_view origin);
    /// A name by which the server is known.
    void add_host(std::string_view name);

    /// Whether the page that sends the request may connect, or the client is not a page. `is_secure`: the request came
    /// through TLS.
    bool lets_in(const websocket::RequestHead &request, bool is_secure) const;

private:
    bool is_own(std::string_view host) const;

    bool any_ = false;
    std::vector<std::string> allowed_;  // with the port
    std::vector<std::string> hosts_;
};

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/web_origins.ipp"
#endif
