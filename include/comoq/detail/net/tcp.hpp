// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../net/connect_config.hpp"
#include "../../net/url.hpp"
#include "../../with_timeout.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <system_error>
#include <vector>

namespace comoq::net::detail {

/// Small records go at once, and little data waits where nothing urgent can overtake it any more.
void prepare(asio::ip::tcp::socket &socket) noexcept;

/// Resolves the URL's host and connects to one of its addresses, on the executor of the awaiting coroutine. Throws
/// ConnectError or the system's code of the address that failed first.
asio::awaitable<asio::ip::tcp::socket> connect_socket(Url url, std::shared_ptr<const ConnectConfig> config);

/// The same for addresses that are known.
asio::awaitable<asio::ip::tcp::socket> connect_first(std::vector<asio::ip::tcp::endpoint> addresses,
                                                     std::chrono::milliseconds head_start, Sleep sleep);

/// Listens at each address of the URL's host that this machine has, at the same port. A port 0 becomes the one that the system
/// has chosen. Throws `std::system_error`, whose `what()` names the URL.
std::vector<asio::ip::tcp::acceptor> listen_at(const asio::any_io_executor &executor, Url &url);

}  // namespace comoq::net::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/net/tcp.ipp"
#endif
