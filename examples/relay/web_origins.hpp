// Which web pages may use the relay from a browser.
#pragma once

#include <comoq/websocket/http_head.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Browsers let any page open a WebSocket anywhere, to this machine and to an intranet too, and name the page by
// `Origin`. A page of the relay's own host is admitted, and so are those that are allowed by name. A client without
// `Origin` is not a page.
//
// A page can also give its own name the address of this relay (DNS rebinding); its host is then the relay's. Therefore
// a host counts as the relay's own only if nobody else can have it: an address, localhost, a name that a listener has,
// or any name that TLS has proved.
class WebOrigins {
public:
    // Throws UsageError for a text that is not an origin, such as https://example.com, nor *, which is any.
    void allow(std::string_view origin);
    // A name by which the relay is known.
    void add_host(std::string_view name);

    // `is_secure`: the request came through TLS.
    bool lets_in(const comoq::websocket::RequestHead &request, bool is_secure) const;

private:
    bool is_own(std::string_view host) const;

    bool any_ = false;
    std::vector<std::string> allowed_;  // as `normal_origin` gives them
    std::vector<std::string> hosts_;
};
