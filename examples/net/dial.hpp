// A connection to a relay, whatever its URL says: TCP or WebSocket, with TLS or without.
#pragma once

#include "url.hpp"

#include <comoq/qmux/connection.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>

#include <array>
#include <memory>
#include <string_view>

// The protocols of these programs, the best first.
inline constexpr std::array<std::string_view, 2> protocols = {"moq-lite-06", "moq-lite-05"};

// Small records go at once, and little data waits where nothing urgent can overtake it any more.
void prepare(asio::ip::tcp::socket &socket);

// Connects on the executor of the awaiting coroutine; ten seconds at most. `tls` is for secure URLs. Throws
// std::system_error.
asio::awaitable<std::shared_ptr<comoq::qmux::Connection>> dial(Url url, std::shared_ptr<asio::ssl::context> tls);
