// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../quic/listener.hpp"
#include "url.hpp"

#include <asio/any_io_executor.hpp>

#include <vector>

namespace comoq::net {

/// The same as `listen_at` of `comoq/net/sockets.hpp`, for QUIC: a listener for each address of the URL's host that this machine
/// has, at the same port of UDP.
std::vector<quic::Listener> listen_at(const asio::any_io_executor &executor, Url &url, const quic::ServerCredentials &credentials,
                                      const quic::ListenerConfig &config);

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/quic_sockets.ipp"
#endif
