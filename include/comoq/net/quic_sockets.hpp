// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../quic/listener.hpp"
#include "../quic/shared_port.hpp"
#include "url.hpp"

#include <asio/any_io_executor.hpp>

#include <vector>

namespace comoq::net {

/// The same as `listen_at` of `comoq/net/sockets.hpp`, for QUIC: a listener for each address of the URL's host that this machine
/// has, at the same port of UDP.
std::vector<quic::Listener> listen_at(const asio::any_io_executor &executor, Url &url, const quic::ServerCredentials &credentials,
                                      const quic::ListenerConfig &config);
/// The same, with as many listeners at each address as there are places (`quic::listen_together`): those of the first address first, in
/// the order of the places. Call it before threads run the executors: if it fails, it destroys what it has made.
std::vector<quic::Listener> listen_at(const std::vector<quic::ListenerPlace> &places, Url &url,
                                      const quic::ServerCredentials &credentials);

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/quic_sockets.ipp"
#endif
