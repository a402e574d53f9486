// SPDX-License-Identifier: MIT
#pragma once
#include "../../../connect_error.hpp"
#include "../../../detail/net/tls_stream.hpp"
#include "../../../detail/wait/failure.hpp"
#include "../../../net/tls.hpp"

#include <asio/redirect_error.hpp>
#include <asio/ssl/error.hpp>
#include <asio/use_awaitable.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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
    // It may be a server that goes down: that can get better, and the wrong scheme cannot.
    return is_cut ? make_error_code(ConnectError::ClosedAtOnce) : failure;
}

/// Without this step a certificate for any name would do.
inline void must(bool is_done, const std::string &name) {
    if (is_done) return;
    const auto reason = ERR_get_error();
    const auto code = reason != 0 ? std::error_code(static_cast<int>(reason), asio::error::get_ssl_category())
                                  : std::make_error_code(std::errc::invalid_argument);
    throw std::system_error(code, "the server's certificate cannot be checked for the name " + comoq::detail::quoted(name));
}

/// Which name the certificate must have. An address is not a name, and is not told to the server.
inline void expect(SSL *stream, const std::string &host) {
    ERR_clear_error();
    must(!host.empty() && host.find('\0') == std::string::npos, host);
    const auto name = without_zone(host);
    std::error_code is_name;
    asio::ip::make_address(name, is_name);
    if (!is_name) return must(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream), name.c_str()) == 1, host);
    SSL_set_hostflags(stream, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    must(SSL_set1_host(stream, name.c_str()) == 1, host);
    // For servers with several names.
    must(SSL_set_tlsext_host_name(stream, const_cast<char *>(name.c_str())) == 1, host);
}

/// Why the certificate that the server has shown is none of those; X509_V_OK if it is, or if there are none.
inline long refusal_by_pin(SSL *stream, const std::vector<quic::Fingerprint> &pins) noexcept {
    if (pins.empty()) return X509_V_OK;
    const X509 *shown = SSL_get0_peer_certificate(stream);
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    if (shown == nullptr || X509_digest(shown, EVP_sha256(), hash.data(), &size) != 1) return X509_V_ERR_UNSPECIFIED;
    const auto is_shown = [&](const quic::Fingerprint &pin) {
        return pin.size() == size && std::memcmp(pin.data(), hash.data(), size) == 0;
    };
    if (std::ranges::none_of(pins, is_shown)) return X509_V_ERR_CERT_UNTRUSTED;
    if (X509_cmp_current_time(X509_get0_notAfter(shown)) <= 0) return X509_V_ERR_CERT_HAS_EXPIRED;
    return X509_cmp_current_time(X509_get0_notBefore(shown)) > 0 ? X509_V_ERR_CERT_NOT_YET_VALID : X509_V_OK;
}

COMOQ_DECL asio::awaitable<TlsStream> secure(asio::ip::tcp::socket socket, Url url, std::shared_ptr<const ConnectConfig> config) {
    const auto context = config->tls.context != nullptr ? config->tls.context : client_tls(config->tls);
    TlsStream stream(std::move(socket), *context);
    // The mode of a context that the program has made is that of OpenSSL, which checks nothing.
    const auto pins = pins_of(config->tls);
    const bool is_checked_by_authority = pins.empty() && !config->tls.accept_any_certificate;
    stream.set_verify_mode(is_checked_by_authority ? asio::ssl::verify_peer : asio::ssl::verify_none);
    expect(stream.native_handle(), config->tls.server_name.value_or(url.host));
    std::error_code failure;
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) comoq::detail::throw_error(explained_tls(failure, stream.native_handle()));
    if (const auto refused = refusal_by_pin(stream.native_handle(), pins)) comoq::detail::throw_error(certificate_error(refused));
    co_return stream;
}

}  // namespace comoq::net::detail
