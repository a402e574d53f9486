// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../transport.hpp"
#include "connect_config.hpp"
#include "listen_config.hpp"
#include "url.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::net {

/// A way to connect and to listen, named by the scheme of a URL. A transport of your own joins by `add_scheme`.
struct Scheme {
    /// In lower case, without "://".
    std::string name;
    /// 0: each URL names its port.
    std::uint16_t usual_port = 0;
    /// Whether the transport itself tells the server the path, as a WebSocket does. Otherwise SETUP does.
    bool carries_path = false;
    /// Whether the connection is encrypted, and the client knows who the server is. The server then needs a certificate.
    bool is_secure = false;
    /// Completes the configuration of a client, once for all its connections. Throws `std::system_error` if it cannot be
    /// used. May be null.
    void (*prepare)(ConnectConfig &config) = nullptr;
    /// Connects on the executor of the awaiting coroutine. Returns when both sides have agreed on a protocol. Throws
    /// `std::system_error`; a cancellation ends it, and leaves nothing behind.
    asio::awaitable<std::shared_ptr<Transport>> (*connect)(Url url, std::shared_ptr<const ConnectConfig> config) = nullptr;
    /// Listens at once, with an acceptor for each address of the host. A port 0 becomes the port that the system has chosen.
    /// Null for a scheme that cannot listen. Throws `std::system_error`.
    std::vector<std::unique_ptr<Acceptor>> (*listen)(asio::any_io_executor executor, Url &url,
                                                     std::shared_ptr<const ListenConfig> config) = nullptr;
};

/// Adds a scheme to those that `connect` and `Listener` know, or replaces it. Any thread.
void add_scheme(Scheme scheme);

/// The scheme of that URL, whose port is set if it has none. Throws `std::system_error`: with ConnectError::UnknownScheme
/// and a `what()` that names the schemes there are, and with ConnectError::InvalidUrl if the URL needs a port. Any thread.
Scheme scheme_of(Url &url);

/// Both: for a URL that somebody has written.
Url known_url(std::string_view text);

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/schemes.ipp"
#endif
