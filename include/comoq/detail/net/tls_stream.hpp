// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../net/connect_config.hpp"
#include "../../net/url.hpp"
#include "pins.hpp"

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/stream.hpp>

#include <memory>

namespace comoq::net::detail {

using TlsStream = asio::ssl::stream<asio::ip::tcp::socket>;

/// A client's handshake: the certificate must be one for the URL's host. Throws ConnectError, the codes of a certificate,
/// and those of the stream.
asio::awaitable<TlsStream> secure(asio::ip::tcp::socket socket, Url url, std::shared_ptr<const ConnectConfig> config);

}  // namespace comoq::net::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/net/tls_stream.ipp"
#endif
