// SPDX-License-Identifier: MIT
#pragma once
#include "../../net/web_origins.hpp"

namespace comoq::net {

COMOQ_DECL bool WebOrigins::lets_in(const websocket::RequestHead &request, bool is_secure) const {
    if (request.fields.count("Origin") == 0) {
        return true;
    }
    // A field that comes twice is none.
    return lets_in(request.fields.only("Origin").value_or(""), request.fields.only("Host").value_or(""), is_secure);
}

}  // namespace comoq::net
