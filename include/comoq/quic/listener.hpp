// SPDX-License-Identifier: MIT
#pragma once
#include "connection.hpp"
#include "connection_config.hpp"
#include "credentials.hpp"
#include "socket_counts.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/udp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace comoq::quic {

namespace detail {
class Endpoint;
}  // namespace detail

/// What a listener lets in, and with what limits.
struct ListenerConfig {
    ListenerConfig() {}  // GCC 12 destroys an aggregate made inside a co_await expression twice

    /// Of each connection.
    ConnectionConfig connection = {};
    /// The most connections at a time. A packet that would make one more is dropped: a client tries again for some seconds.
    std::size_t max_connections = 4096;
    /// Of those, the ones whose handshakes are not over. The same bounds those that nobody has accepted yet; what ends before
    /// that is not accepted any more.
    std::size_t max_handshakes = 1024;
    /// While more handshakes than this are under way, a client must prove its address before the server remembers it, which costs it
    /// a round trip (Retry, RFC 9000, section 8.1.2), unless it brings a token of an earlier connection from that address. 0: always.
    std::size_t retry_above = 256;
    /// Makes the executor of each connection, on which its streams are used, such as a FairStrand of its own on the listener's
    /// context; by default it is the listener's. One thread at a time runs both. What it throws costs the connection.
    std::function<asio::any_io_executor()> executor = {};
};

/// A server of QUIC at one UDP port. It works on its executor, which one thread at a time runs; so do its connections: for more
/// threads, `listen_together` (`quic/shared_port.hpp`) makes several at a port. When it is destroyed, the port closes with the last
/// of its connections. A moved-from object throws `std::system_error` with Closed.
///
/// Packets with forged addresses can take `ListenerConfig::retry_above` places of handshakes, each for
/// `ConnectionConfig::handshake_timeout`; then clients prove their addresses first. A packet for a connection that it does not have
/// any more is answered by a stateless reset, up to a hundred a second.
///
/// Answers leave from the address that the system chooses. On a machine with several addresses, make a listener for each, with
/// that address: with the unspecified one, clients of the others may get answers from an address that they do not know.
class Listener {
public:
    /// Listens at once. Port 0 is any that is free. Throws `std::system_error`.
    Listener(asio::any_io_executor executor, const asio::ip::udp::endpoint &at, ServerCredentials credentials,
             ListenerConfig config = {});
    Listener(Listener &&) noexcept = default;
    Listener &operator=(Listener &&) = delete;
    ~Listener();

    /// Where it listens.
    asio::ip::udp::endpoint endpoint() const;
    /// What its socket has carried until now.
    SocketCounts counts() const;
    /// The next connection, as soon as it has come: `Connection::ready` waits for its handshake. Throws `std::system_error` with
    /// `operation_aborted` after `close`.
    asio::awaitable<std::shared_ptr<Connection>> accept();
    /// Connections that begin from now on get these. A replaced certificate keeps its connections.
    void use(ServerCredentials credentials);
    /// No connection comes any more. Those that are there go on.
    void close();

    /// \cond
    /// One of several at its port: `listen_together` makes them.
    explicit Listener(std::shared_ptr<detail::Endpoint> endpoint) noexcept : endpoint_(std::move(endpoint)) {}
    /// \endcond

private:
    detail::Endpoint &mine() const;

    std::shared_ptr<detail::Endpoint> endpoint_;
};

/// Connects to that address, on the executor of the awaiting coroutine. `server` is the name that the certificate must have, or
/// an address. Returns when the handshake is over. Throws `std::system_error` with the code of `Connection::closed`, or of the
/// system. A cancellation ends the attempt.
asio::awaitable<std::shared_ptr<Connection>> connect(asio::ip::udp::endpoint to, std::string server, ClientCredentials credentials,
                                                     ConnectionConfig config);

}  // namespace comoq::quic

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/quic/listener.ipp"
#endif
