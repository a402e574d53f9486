// The address where a relay is, or listens: ws://host:port/path, wss://..., tcp://... or tls://...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

enum class Scheme { WebSocket, SecureWebSocket, Tcp, Tls };

struct Url {
    Scheme scheme = Scheme::WebSocket;
    std::string host;  // without the brackets of an IPv6 address
    std::uint16_t port = 0;
    std::string target = "/";  // with its query

    bool is_websocket() const { return scheme == Scheme::WebSocket || scheme == Scheme::SecureWebSocket; }
    bool is_secure() const { return scheme == Scheme::SecureWebSocket || scheme == Scheme::Tls; }
    // As in a URL, with the port unless it is the usual one of the scheme.
    std::string authority() const;
    // Without the query, which may hold a secret.
    std::string text() const;
};

// Throws UsageError. Without a port, a WebSocket URL has the usual one, 80 or 443; a TCP URL must have a port.
Url parse_url(std::string_view text);
