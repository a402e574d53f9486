// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/quic/tls_session.hpp"

#include <ctime>

namespace comoq::quic::detail {

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
