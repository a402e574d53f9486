// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "connect_config.hpp"
#include "listen_config.hpp"

#include <asio/ssl/context.hpp>

#include <memory>
#include <string_view>

namespace comoq::net {

/// What connections of a client share: TLS 1.3, and the authorities that are trusted. Throws `std::system_error`, whose
/// `what()` names the file that cannot be used.
std::shared_ptr<asio::ssl::context> client_tls(const TlsConfig &config);

/// The same for a server's identity: both texts, or both files.
std::shared_ptr<asio::ssl::context> server_tls(const ServerTlsConfig &config);
/// The same of PEM texts: the chain, the server's own certificate first, and its key.
std::shared_ptr<asio::ssl::context> server_tls(std::string_view chain, std::string_view key);

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/tls.ipp"
#endif
