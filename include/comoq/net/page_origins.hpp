// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace comoq::net {

/// Which web pages may connect from a browser.
///
/// Browsers let any page open a WebSocket or a WebTransport anywhere, to this machine and to an intranet too, and name the page
/// by its origin. A page of the server's own host is admitted, and so are those that are allowed by name. A client that names
/// none is not a page, and not asked about here.
///
/// A page can also give its own name the address of this server (DNS rebinding); its host is then the server's. Therefore
/// a host counts as the server's own only if nobody else can have it: an address, localhost, a name that a listener has,
/// or any name that TLS has proved.
///
/// Threads: several may ask at a time while none changes it.
class PageOrigins {
public:
    /// Takes an origin such as https://example.com, or *, which means any. Throws `std::system_error` with
    /// ConnectError::InvalidUrl for anything else.
    void allow(std::string_view origin);
    /// A name by which the server is known.
    void add_host(std::string_view name);

    /// Whether a page of that origin may connect that asks for `host`, with a port if it is not the usual one. `is_secure`: the
    /// request came through TLS.
    bool lets_in(std::string_view origin, std::string_view host, bool is_secure) const;

private:
    bool is_own(std::string_view host) const;

    bool any_ = false;
    std::vector<std::string> allowed_;  // with the port
    std::vector<std::string> hosts_;
};

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/page_origins.ipp"
#endif
