// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../lite/session_config.hpp"
#include "../qmux/connection_config.hpp"

#include <asio/awaitable.hpp>
#include <asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace asio::ssl {
class context;
}

namespace comoq::quic {
class AddressTokens;
class ClientCredentials;
}

namespace comoq {

/// The protocols that this library speaks, the best first.
inline std::vector<std::string> default_protocols() { return qmux::default_protocols(); }

/// How a client checks the server of a wss, tls, https, moql or moqt URL: TLS 1.3, a certificate for the URL's host by an authority
/// that is trusted.
struct TlsConfig {
    TlsConfig() {}  // GCC 12 destroys an aggregate made inside a co_await expression twice

    /// A PEM file with the trusted authorities. If it is not set, they are the system's.
    std::optional<std::string> authorities_file;
    /// The name that the certificate must have, in place of the URL's host. It is also the one that the server is asked for.
    std::optional<std::string> server_name;
    /// If there are any, the server's own certificate must be one of these, and not be expired; names and authorities do not
    /// matter then. Each is the SHA-256 of a certificate in its binary form: "sha256:" and 64 hexadecimal digits.
    std::vector<std::string> pinned_certificates = {};
    /// Takes any certificate of any server, and so any attacker in between. For tests.
    bool accept_any_certificate = false;
    /// Files of this client's own certificate chain and key, both PEM, for servers that ask for one. Not over QUIC.
    std::optional<std::string> certificate_file, key_file;
    /// For wss and tls. If set, it is used in place of the files above, and decides the versions of TLS, the authorities, and what else it
    /// may. Whether the certificate is checked, and for which name, is decided here all the same; but a callback of the
    /// context's that accepts a certificate has the last word.
    std::shared_ptr<asio::ssl::context> context;
    /// For QUIC. If set, it alone decides what is trusted.
    std::shared_ptr<const quic::ClientCredentials> quic;
    /// For QUIC: the tokens by which servers know this client again. If it is not set, each call that connects has its own, which
    /// `keep_connected` uses for all its connections.
    std::shared_ptr<quic::AddressTokens> address_tokens = {};
    /// For QUIC: is told the secrets of all connections (`quic::KeyLog`). For debugging alone.
    std::function<void(std::string_view)> key_log = {};
};

/// How long each step may take. After it the connection fails with the code that is named here.
struct ConnectDeadlines {
    std::chrono::milliseconds resolve = std::chrono::seconds(5);    ///< ConnectError::ResolveTimeout
    std::chrono::milliseconds connect = std::chrono::seconds(10);   ///< ConnectError::ConnectTimeout, for all addresses together; with QUIC's handshake
    std::chrono::milliseconds tls = std::chrono::seconds(5);        ///< ConnectError::TlsTimeout
    std::chrono::milliseconds upgrade = std::chrono::seconds(5);    ///< ConnectError::UpgradeTimeout; also of WebTransport
    std::chrono::milliseconds greeting = std::chrono::seconds(5);   ///< ConnectError::GreetingTimeout, for the first record
    std::chrono::milliseconds admission = std::chrono::seconds(15);  ///< Error::Timeout, for the server's SETUP; only of `connect`
};

/// Where a server may send its clients (GOAWAY): an address with the scheme of the client's URL, so that TLS is never left, at
/// the URL's host and port, or at any port of a host that is listed here. An address with the path "/" keeps the URL's path, and
/// at the URL's own host also its query, which may be a token: no other host is told that. An address of tcp or tls, whose path
/// SETUP tells, must have no other path, and no other host if the URL has a query. An address that is refused, and one that cannot
/// be connected to, lead back to the URL at once.
struct Redirects {
    Redirects() {}  // as above

    /// The most addresses that are followed in a row, with at most a minute from one to the next. The one after them is refused.
    /// With 0 all addresses are ignored, and the next connection is made to the URL. Four is more than a relay that is replaced
    /// needs, and ends a circle soon.
    std::size_t most = 4;
    /// The hosts to whose ports they may lead, beside the URL's own host and port: "relay2.example.com", ".example.com" for all
    /// names that end so, or "*" for any host, private networks included. The URL's own host may be listed, too.
    std::vector<std::string> hosts = {};
};

/// How a session with a relay is made.
struct ConnectConfig {
    ConnectConfig() {}  // as above

    /// What the session serves and asks for: set `session.publish` and `session.subscribe`. The path is always the
    /// URL's, and not `session.path`.
    lite::SessionConfig session = {};
    /// Those that this side speaks, the best first.
    std::vector<std::string> protocols = default_protocols();
    /// This side's limits for the server: its windows, its streams, and the idle time. They bound what a server can make this
    /// side hold.
    qmux::TransportParameters parameters = qmux::default_parameters();
    /// For wss, tls and QUIC.
    TlsConfig tls = {};
    /// Of `keep_connected`.
    Redirects redirects = {};
    /// How long each step may take.
    ConnectDeadlines deadlines = {};
    /// The lead that an address of the server has over the next one (RFC 8305): they are tried side by side, and the first
    /// that answers is used.
    std::chrono::milliseconds head_start = std::chrono::milliseconds(250);
    /// The lead that WebTransport has over WebSocket for an https URL, where both are tried.
    std::chrono::milliseconds websocket_after = std::chrono::milliseconds(500);
    /// The most addresses of a name that are tried.
    std::size_t max_addresses = 8;
    /// Finds the addresses of a host name, in the order in which they are tried. If it is empty, the system does.
    std::function<asio::awaitable<std::vector<asio::ip::address>>(std::string host)> resolve = {};
};

}  // namespace comoq
