// SPDX-License-Identifier: MIT
#pragma once
#include "../../../connect_error.hpp"
#include "../../../detail/net/tls_stream.hpp"
#include "../../../detail/wait/failure.hpp"
#include "../../../net/tls.hpp"

#include <asio/redirect_error.hpp>
#include <asio/ssl/error.hpp>
#include <asio/use_awaitable.hpp>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <string>
#include <system_error>
#include <utility>

namespace comoq::net::detail {

/// The reasons for which OpenSSL refuses a certificate. Modules that hide their symbols may have a category each.
class COMOQ_VISIBLE CertificateCategory final : public std::error_category {
public:
    const char *name() const noexcept override { return comoq::detail::certificate_category_name.data(); }
    std::string message(int value) const override {
        return std::string("the server's certificate was refused: ") + X509_verify_cert_error_string(value);
    }
};

inline std::error_code certificate_error(long reason) noexcept {
    static const CertificateCategory category;
    return {static_cast<int>(reason), category};
}

/// Whether OpenSSL's failure means that the peer's bytes were not TLS.
inline bool is_other_than_tls(int reason) noexcept {
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_UNEXPECTED_RECORD:
    case SSL_R_UNEXPECTED_MESSAGE:
#ifdef SSL_R_RECORD_LAYER_FAILURE
    case SSL_R_RECORD_LAYER_FAILURE:
#endif
        return true;
    default:
        return false;
    }
}

inline std::error_code explained_tls(std::error_code failure, SSL *stream) noexcept {
    if (failure.category() == asio::error::get_ssl_category()) {
        const int reason = ERR_GET_REASON(static_cast<unsigned long>(failure.value()));
        const long refused = SSL_get_verify_result(stream);
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && refused != X509_V_OK) return certificate_error(refused);
        return is_other_than_tls(reason) ? make_error_code(ConnectError::ServerSpeaksNoTls) : failure;
    }
    const bool is_cut = failure == asio::error::eof || failure == asio::error::connection_reset ||
                        failure == asio::ssl::error::stream_truncated;
    return is_cut ? make_error_code(ConnectError::ServerSpeaksNoTls) : failure;
}

/// Which name the certificate must have. An address is not a name, and is not told to the server.
inline void expect(SSL *stream, const std::string &host) {
    std::error_code is_name;
    asio::ip::make_address(host, is_name);
    if (!is_name) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream), host.c_str());
        return;
    }
    SSL_set_hostflags(stream, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(stream, host.c_str());
    // For servers with several names.
    SSL_set_tlsext_host_name(stream, const_cast<char *>(host.c_str()));
}

COMOQ_DECL asio::awaitable<TlsStream> secure(asio::ip::tcp::socket socket, Url url, std::shared_ptr<const ConnectConfig> config) {
    const auto context = config->tls.context != nullptr ? config->tls.context : client_tls(config->tls);
    TlsStream stream(std::move(socket), *context);
    expect(stream.native_handle(), config->tls.server_name.value_or(url.host));
    std::error_code failure;
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) comoq::detail::throw_error(explained_tls(failure, stream.native_handle()));
    co_return stream;
}

}  // namespace comoq::net::detail
