// Connections in one draft of qmux, or in any: like the examples' dial() and the relay, with a choice of the draft.
#pragma once

#include "settings.hpp"

#include <comoq/transport.hpp>

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>

#include <memory>
#include <string>

struct Connection {
    std::shared_ptr<comoq::Transport> transport;
    // As in Sec-WebSocket-Protocol; on TCP nothing tells the draft, so that both sides have to be told the same.
    std::string protocol;
};

// Both throw std::system_error.
asio::awaitable<Connection> connect(const Settings &settings);
asio::awaitable<Connection> accept(asio::ip::tcp::socket socket, const Settings &settings);
