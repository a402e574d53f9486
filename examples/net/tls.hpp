// TLS for both ends, with OpenSSL's usual settings except where noted.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream.hpp>

#include <memory>
#include <optional>
#include <string>

using TlsStream = asio::ssl::stream<asio::ip::tcp::socket>;

// A server's identity: a certificate chain and its key, both PEM. Throws std::system_error with the file's name.
std::shared_ptr<asio::ssl::context> server_tls(const std::string &certificate, const std::string &key);

// The authorities that a client trusts: this system's, or those in a PEM file.
std::shared_ptr<asio::ssl::context> client_tls(const std::optional<std::string> &authorities);
