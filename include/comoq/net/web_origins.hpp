// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include "../websocket/http_head.hpp"
#include "page_origins.hpp"

namespace comoq::net {

/// Which web pages may connect from a browser, by the head of a request of HTTP/1.1: the page is that of `Origin`, and a client
/// without it is not a page.
///
/// Threads: several may ask at a time while none changes it.
class WebOrigins : public PageOrigins {
public:
    using PageOrigins::lets_in;
    /// Whether the page that sends the request may connect, or the client is not a page. `is_secure`: the request came
    /// through TLS.
    bool lets_in(const websocket::RequestHead &request, bool is_secure) const;
};

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/web_origins.ipp"
#endif
