// SPDX-License-Identifier: MIT
#pragma once
#include "../quic/connection.hpp"
#include "config.hpp"
#include "session.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace comoq::webtransport {

/// Opens a session on a new connection of the protocol "h3" (`quic::connect`). `authority` is the host, with the port unless it
/// is 443, and `path` begins with a slash. `protocols` are the application protocols of this side, the best first.
///
/// Throws `std::system_error`: UnknownAlpn for a connection of another protocol, or if the server chose a protocol that was not
/// offered; Unsupported for a server without WebTransport; Unauthorized, NotFound or Transport for one that refused with 401 or
/// 403, 404, or another status, which `what()` names; Timeout if no answer comes in time; and otherwise the code of the
/// connection's end. The connection is closed then. A cancellation closes it, too.
asio::awaitable<std::shared_ptr<Session>> connect(std::shared_ptr<quic::Connection> connection, std::string authority,
                                                  std::string path, std::vector<std::string> protocols, Config config);

}  // namespace comoq::webtransport

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/webtransport/connect.ipp"
#endif
