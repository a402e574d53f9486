// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../net/connect_config.hpp"
#include "../../net/url.hpp"
#include "../../with_timeout.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <system_error>
#include <vector>

namespace comoq::net::detail {

/// The addresses of the URL's host, in the order in which they are tried; at least one. Throws ConnectError, and the codes of a
/// name.
asio::awaitable<std::vector<asio::ip::address>> addresses_of(Url url, std::shared_ptr<const ConnectConfig> config);

/// Resolves the URL's host and connects to one of its addresses, on the executor of the awaiting coroutine. Throws
/// ConnectError or the system's code of the address that failed first.
asio::awaitable<asio::ip::tcp::socket> connect_socket(Url url, std::shared_ptr<const ConnectConfig> config);

/// The same for addresses that are known.
asio::awaitable<asio::ip::tcp::socket> connect_first(std::vector<asio::ip::tcp::endpoint> addresses,
                                                     std::chrono::milliseconds head_start, Sleep sleep);

}  // namespace comoq::net::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/net/tcp.ipp"
#endif
