// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../with_timeout.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::webtransport {

/// The answer to a request of HTTP that does not ask for a session.
struct PlainAnswer {
    PlainAnswer() {}  // GCC 12 destroys an aggregate made inside a co_await expression twice
    /// From 200 to 599.
    unsigned status = 404;
    /// The media type of the body. Empty for none.
    std::string content_type;
    /// It is sent as it is, except to HEAD.
    std::string body;
};

/// What one side of a session brings.
struct Config {
    Config() {}

    /// `accept`: how long the client may take until its request has come. `connect`: how long the server may take to answer.
    std::chrono::milliseconds timeout = std::chrono::seconds(10);
    /// Of a server: the origins (RFC 6454, such as "https://example.org") whose pages may connect; others get 403. Empty for all
    /// of them. A client that is not a browser names none, and may always connect.
    std::vector<std::string> origins;
    /// Of a client: the origin that it names. Empty for none.
    std::string origin;
    /// Of a client: whether it wishes the flow control of WebTransport, beside QUIC's. A server always does, because Safari connects
    /// to no other; a session has it if both sides do.
    bool flow_control = false;
    /// Of a server: makes the answers to other requests, from their method ("GET") and path. An empty one answers 404. It is
    /// called on the connection's executor.
    std::function<PlainAnswer(std::string_view method, std::string_view path)> other_requests;
    /// Lets the time of `timeout` pass.
    Sleep sleep;
};

}  // namespace comoq::webtransport
