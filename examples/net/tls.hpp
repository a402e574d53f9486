// TLS for both ends, with OpenSSL's usual settings but for what is said here.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream.hpp>

#include <memory>
#include <optional>
#include <string>

using TlsStream = asio::ssl::stream<asio::ip::tcp::socket>;

// What a server shows: a certificate chain and its key, both PEM. Throws std::runtime_error with the file's name.
std::shared_ptr<asio::ssl::context> server_tls(const std::string &certificate, const std::string &key);

// What a client believes: this system's authorities, or those in a file of PEM.
std::shared_ptr<asio::ssl::context> client_tls(const std::optional<std::string> &authorities);
