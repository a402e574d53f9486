// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "url.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/ip/tcp.hpp>

#include <vector>

/// \file
/// Sockets as `connect` and `Listener` have them, for programs that run the handshakes themselves: those that serve files on the
/// same port, for instance, or whose connections run on several threads.

namespace comoq::net {

/// Makes small records leave at once, and lets little data wait where nothing urgent can overtake it any more. An option that the
/// system does not have is left out.
void tune(asio::ip::tcp::socket &socket) noexcept;

/// Listens at each address of the URL's host that this machine has, at the same port; the URL must have one. A port 0 becomes
/// the one that the system has chosen. Resolves a name at once, and may wait for that. Throws `std::system_error`, with the
/// code of the system, or with ConnectError::NoAddress; `what()` names the URL.
std::vector<asio::ip::tcp::acceptor> listen_at(const asio::any_io_executor &executor, Url &url);

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/sockets.ipp"
#endif
