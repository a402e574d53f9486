// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../connect_error.hpp"
#include "../../quic/fingerprint.hpp"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::quic::detail {

/// Failures of GnuTLS. Modules that hide their symbols may have a category each.
class COMOQ_VISIBLE GnutlsCategory final : public std::error_category {
public:
    const char *name() const noexcept override { return "gnutls"; }
    std::string message(int value) const override { return gnutls_strerror(value); }
};
inline const std::error_category &gnutls_category() noexcept {
    static const GnutlsCategory category;
    return category;
}
/// Throws if it is a failure.
inline void check_gnutls(int result, const char *what) {
    if (result < 0) throw std::system_error(result, gnutls_category(), what);
}

/// Why a server's certificate was refused: the bits of `gnutls_certificate_status_t`.
class COMOQ_VISIBLE RefusedCertificateCategory final : public std::error_category {
public:
    const char *name() const noexcept override { return comoq::detail::certificate_category_name.data(); }
    std::string message(int value) const override;
};
inline std::error_code refused_certificate(unsigned status) noexcept {
    static const RefusedCertificateCategory category;
    return {static_cast<int>(status), category};
}

/// Bits and pieces of GnuTLS with an owner.
struct Credentials {
    Credentials() { check_gnutls(gnutls_certificate_allocate_credentials(&native), "GnuTLS"); }
    Credentials(const Credentials &) = delete;
    Credentials &operator=(const Credentials &) = delete;
    ~Credentials() { gnutls_certificate_free_credentials(native); }
    gnutls_certificate_credentials_t native = nullptr;
};
struct ServerIdentity {
    Credentials credentials;
    Fingerprint fingerprint{};
};
struct Trust {
    enum class By { Authorities, Pins, Nothing };
    explicit Trust(By how) noexcept : by(how) {}
    By by;
    Credentials credentials;
    std::vector<Fingerprint> pins;
};

inline gnutls_datum_t datum_of(std::string_view text) noexcept {
    // GnuTLS has no const here, and does not write.
    auto *bytes = const_cast<unsigned char *>(reinterpret_cast<const unsigned char *>(text.data()));
    return {bytes, static_cast<unsigned>(text.size())};
}
inline Fingerprint fingerprint_of(const gnutls_datum_t &certificate) {
    Fingerprint print;
    std::size_t size = print.size();
    check_gnutls(gnutls_fingerprint(GNUTLS_DIG_SHA256, &certificate, print.data(), &size), "GnuTLS: SHA-256");
    return print;
}

}  // namespace comoq::quic::detail
