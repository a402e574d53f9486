// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../detail/containers/config_member.hpp"
#include "../lite/session_config.hpp"
#include "../transport.hpp"
#include "connect_config.hpp"

#include <asio/awaitable.hpp>
#include <asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace comoq::quic {
class ServerCredentials;
}

namespace comoq {

/// A client whose handshakes are done.
struct AcceptedClient {
    /// The connection: make a session on it, or close it.
    std::shared_ptr<Transport> transport;
    /// The path and query that the transport carried; nothing if SETUP tells them.
    std::optional<std::string> url_target;
    /// Where the client is.
    asio::ip::address address;
};

/// The identity of a server for wss, tls and QUIC: a certificate chain and its key, both PEM.
struct ServerTlsConfig {
    /// The certificate chain.
    comoq::detail::ConfigMember<std::string> certificate_file = {};
    /// Its key.
    comoq::detail::ConfigMember<std::string> key_file = {};
    /// For wss and tls. If set, it is used in place of the files and texts.
    comoq::detail::ConfigMember<std::shared_ptr<asio::ssl::context>> context = {};
    /// The same for QUIC.
    comoq::detail::ConfigMember<std::shared_ptr<const quic::ServerCredentials>> quic = {};
    /// The certificate chain as PEM text, in place of the files.
    comoq::detail::ConfigMember<std::string> certificate_pem = {};
    /// Its key.
    comoq::detail::ConfigMember<std::string> key_pem = {};
    /// For development: host names and addresses for which moql, moqt and https generate a certificate (`quic::self_signed`).
    /// Together with one of the above it is refused. The log tells its SHA-256 (Info, "certificate_generated"), which clients pin. It is not renewed
    /// while the listener lives: after 13 days clients refuse it.
    comoq::detail::ConfigMember<std::vector<std::string>> generate_for = {};
    /// For QUIC: is told the secrets of all connections (`quic::KeyLog`). For debugging alone.
    comoq::detail::ConfigMember<std::function<void(std::string_view)>> key_log = {};
};

/// What a listener lets in.
struct ListenConfig {
    ListenConfig() {}  // GCC 12 destroys an aggregate made inside a co_await expression twice

    /// Of each session. A client's path is its root there (`SessionConfig::authorize`).
    lite::SessionConfig session = {};
    /// Those that the server speaks, the best first.
    std::vector<std::string> protocols = default_protocols();
    /// The server's limits for each client: its windows, its streams, and the idle time. They bound what a client can make the
    /// server hold.
    qmux::TransportParameters parameters = qmux::default_parameters();
    /// For wss, tls and QUIC.
    ServerTlsConfig tls = {};
    /// How long all handshakes of a client may take together, up to its SETUP. With `serve` they end before the SETUP: with TLS
    /// and WebSocket. A tcp URL has none then, and so neither this time nor `max_handshakes_of_address` limits anything.
    std::chrono::milliseconds handshake_within = std::chrono::seconds(10);
    /// The most connections at a time. Further ones are closed at once.
    std::size_t max_connections = 4096;
    /// The same for one address (of IPv6: for a /64).
    std::size_t max_connections_of_address = 2048;
    /// Of those, the ones whose handshakes are not done.
    std::size_t max_handshakes_of_address = 1024;
    /// Web pages whose scripts may connect, by their origins such as "https://example.com"; "*" means all. A page of the
    /// server's own host may if that is an address, localhost or the listener's name, or TLS has proved it.
    std::vector<std::string> allowed_web_origins = {};
    /// Serves one client, on the listener's executor; its end is the end of the connection, and what it throws is given to
    /// `on_refused`. If it is empty, a session with the config above is served until it is over. A client may never send its
    /// SETUP: a session that is made here limits the wait itself, as by `with_timeout` around `Session::peer`.
    std::function<asio::awaitable<void>(AcceptedClient)> serve = {};
    /// Is told why a connection was refused or has failed. Must not throw. Also why none can be accepted at present, such as
    /// too many open files: once for each code, and with an empty address. The listener goes on trying.
    std::function<void(const asio::ip::address &, std::error_code)> on_refused = {};
};

namespace net {

/// A connection that has come, before its handshakes.
class Arrival {
public:
    virtual ~Arrival() = default;
    /// Where it comes from.
    virtual asio::ip::address address() const = 0;
    /// Runs the handshakes. Throws `std::system_error`; a cancellation ends it. The arrival stays until it is over.
    virtual asio::awaitable<AcceptedClient> shake_hands() = 0;
};

/// Where connections come in.
class Acceptor {
public:
    virtual ~Acceptor() = default;
    /// The next connection. Throws `std::system_error`; `operation_aborted` after `close`.
    virtual asio::awaitable<std::unique_ptr<Arrival>> next() = 0;
    /// No connection comes any more.
    virtual void close() = 0;
};

}  // namespace net

}  // namespace comoq
