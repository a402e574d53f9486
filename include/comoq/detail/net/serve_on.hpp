// SPDX-License-Identifier: MIT
#pragma once
#include "../../net/listen_config.hpp"
#include "../../qmux/run.hpp"
#include "../../qmux/tcp_channel.hpp"
#include "connection_config.hpp"

#include <utility>

namespace comoq::net::detail {

/// A client's connection without a WebSocket: it needs no handshake of its own.
template <class Stream> AcceptedClient serve_on(Stream stream, const ListenConfig &config) {
    AcceptedClient client;
    client.transport = qmux::start(qmux::TcpChannel<Stream>(std::move(stream)), false, connection_config(config));
    return client;
}

}  // namespace comoq::net::detail
