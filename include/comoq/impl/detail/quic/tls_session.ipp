// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/quic/tls_session.hpp"
#include "../../../detail/text/hex.hpp"

#include <ctime>
#include <exception>

namespace comoq::quic::detail {

COMOQ_DECL int TlsSession::tell_key(gnutls_session_t native, const char *label, const gnutls_datum_t *secret) noexcept {
    gnutls_datum_t of_client{}, of_server{};
    gnutls_session_get_random(native, &of_client, &of_server);
    try {
        std::string line = label;
        for (const auto *each : {static_cast<const gnutls_datum_t *>(&of_client), secret}) {
            line += ' ';
            comoq::detail::append_hex(line, std::as_bytes(std::span(each->data, each->size)));
        }
        of(native).key_log_(line);
    } catch (const std::exception &) {
        // Without memory for it the secret is not told, and the connection goes on.
    }
    return 0;
}

COMOQ_DECL unsigned TlsSession::status_of_pin() const {
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(native(), &count);
    if (chain == nullptr || count == 0) return GNUTLS_CERT_INVALID;
    const Fingerprint print = fingerprint_of(chain[0]);
    if (std::find(trust_->pins.begin(), trust_->pins.end(), print) == trust_->pins.end())
        return GNUTLS_CERT_INVALID | GNUTLS_CERT_UNEXPECTED_OWNER;
    gnutls_x509_crt_t own = nullptr;
    check_gnutls(gnutls_x509_crt_init(&own), "GnuTLS");
    const bool is_read = gnutls_x509_crt_import(own, &chain[0], GNUTLS_X509_FMT_DER) == 0;
    const std::time_t end = is_read ? gnutls_x509_crt_get_expiration_time(own) : std::time_t(-1);
    gnutls_x509_crt_deinit(own);
    if (end == std::time_t(-1)) return GNUTLS_CERT_INVALID;
    return end < std::time(nullptr) ? GNUTLS_CERT_INVALID | GNUTLS_CERT_EXPIRED : 0;
}

}  // namespace comoq::quic::detail
