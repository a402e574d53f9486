// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/credentials.hpp"
#include "../../detail/quic/gnutls.hpp"

#include <asio/ip/address.hpp>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iterator>
#include <type_traits>

namespace comoq::quic {

namespace detail {

COMOQ_DECL std::string RefusedCertificateCategory::message(int value) const {
    std::string text = "the server's certificate was refused";
    gnutls_datum_t explained{};
    if (gnutls_certificate_verification_status_print(static_cast<unsigned>(value), GNUTLS_CRT_X509, &explained, 0) == 0) {
        text.append(": ").append(reinterpret_cast<const char *>(explained.data), explained.size);
        gnutls_free(explained.data);
    }
    return text;
}

inline std::string text_of_file(const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file.good() && text.empty()) throw std::system_error(errno != 0 ? errno : ENOENT, std::system_category(), name);
    return text;
}

inline std::shared_ptr<const ServerIdentity> finished(std::shared_ptr<ServerIdentity> identity) {
    gnutls_datum_t own{};
    check_gnutls(gnutls_certificate_get_crt_raw(identity->credentials.native, 0, 0, &own), "the server's certificate");
    identity->fingerprint = fingerprint_of(own);
    return identity;
}

/// Objects of GnuTLS's that a function of theirs makes and another one ends.
template <class T, int (*Init)(T *), void (*End)(T)> struct Gnutls {
    Gnutls() { check_gnutls(Init(&native), "GnuTLS"); }
    Gnutls(const Gnutls &) = delete;
    Gnutls &operator=(const Gnutls &) = delete;
    ~Gnutls() { End(native); }
    T native = nullptr;
};
using Key = Gnutls<gnutls_x509_privkey_t, gnutls_x509_privkey_init, gnutls_x509_privkey_deinit>;
using Certificate = Gnutls<gnutls_x509_crt_t, gnutls_x509_crt_init, gnutls_x509_crt_deinit>;

/// What GnuTLS has written.
struct Text {
    Text() = default;
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    ~Text() { gnutls_free(native.data); }
    std::string string() const { return {reinterpret_cast<const char *>(native.data), native.size}; }
    gnutls_datum_t native{};
};

inline void add_name(const Certificate &certificate, const std::string &name) {
    std::error_code is_text;
    const auto address = asio::ip::make_address(name, is_text);
    const auto add = [&](gnutls_x509_subject_alt_name_t kind, const void *data, std::size_t size) {
        check_gnutls(gnutls_x509_crt_set_subject_alt_name(certificate.native, kind, data, static_cast<unsigned>(size),
                                                          GNUTLS_FSAN_APPEND), name.c_str());
    };
    if (is_text) return add(GNUTLS_SAN_DNSNAME, name.data(), name.size());
    if (address.is_v4()) {
        const auto octets = address.to_v4().to_bytes();
        return add(GNUTLS_SAN_IPADDRESS, octets.data(), octets.size());
    }
    const auto octets = address.to_v6().to_bytes();
    add(GNUTLS_SAN_IPADDRESS, octets.data(), octets.size());
}

}  // namespace detail

COMOQ_DECL ServerCredentials ServerCredentials::from_pem(std::string_view chain, std::string_view key) {
    return from_pem({PemIdentity{std::string(chain), std::string(key)}});
}

COMOQ_DECL ServerCredentials ServerCredentials::from_pem(const std::vector<PemIdentity> &identities) {
    auto identity = std::make_shared<detail::ServerIdentity>();
    for (const PemIdentity &each : identities) {
        const auto chain = detail::datum_of(each.chain), key = detail::datum_of(each.key);
        detail::check_gnutls(gnutls_certificate_set_x509_key_mem(identity->credentials.native, &chain, &key, GNUTLS_X509_FMT_PEM),
                             "the server's certificate and key");
    }
    ServerCredentials made;
    made.identity_ = detail::finished(std::move(identity));
    return made;
}

COMOQ_DECL ServerCredentials ServerCredentials::from_files(const std::string &chain, const std::string &key) {
    const std::string chain_text = detail::text_of_file(chain), key_text = detail::text_of_file(key);
    try {
        return from_pem(chain_text, key_text);
    } catch (const std::system_error &error) {
        throw std::system_error(error.code(), chain + " and " + key);
    }
}

COMOQ_DECL PemIdentity self_signed(const std::vector<std::string> &names, std::chrono::system_clock::time_point now) {
    using std::chrono::hours;
    const detail::Key key;
    const detail::Certificate certificate;
    const auto check = [](int result) { detail::check_gnutls(result, "a certificate for development"); };
    check(gnutls_x509_privkey_generate(key.native, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    std::array<unsigned char, 8> serial{};
    check(gnutls_rnd(GNUTLS_RND_NONCE, serial.data(), serial.size()));
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 1);  // positive
    const auto seconds = [&](hours later) { return std::chrono::system_clock::to_time_t(now + later); };
    gnutls_x509_crt_t made = certificate.native;
    check(gnutls_x509_crt_set_version(made, 3));
    check(gnutls_x509_crt_set_serial(made, serial.data(), serial.size()));
    check(gnutls_x509_crt_set_activation_time(made, seconds(hours(-1))));
    check(gnutls_x509_crt_set_expiration_time(made, seconds(hours(13 * 24 - 1))));
    check(gnutls_x509_crt_set_dn_by_oid(made, GNUTLS_OID_X520_COMMON_NAME, 0, "comoq", 5));
    for (const auto &name : names) detail::add_name(certificate, name);
    check(gnutls_x509_crt_set_key(made, key.native));
    check(gnutls_x509_crt_sign2(made, made, key.native, GNUTLS_DIG_SHA256, 0));
    detail::Text chain, private_key;
    check(gnutls_x509_crt_export2(made, GNUTLS_X509_FMT_PEM, &chain.native));
    check(gnutls_x509_privkey_export2_pkcs8(key.native, GNUTLS_X509_FMT_PEM, nullptr, GNUTLS_PKCS_PLAIN, &private_key.native));
    return PemIdentity{chain.string(), private_key.string()};
}

COMOQ_DECL ServerCredentials ServerCredentials::generated(const std::vector<std::string> &names,
                                                          std::chrono::system_clock::time_point now) {
    return from_pem({self_signed(names, now)});
}

COMOQ_DECL Fingerprint ServerCredentials::fingerprint() const {
    return identity_ != nullptr ? identity_->fingerprint : Fingerprint{};
}

COMOQ_DECL ClientCredentials ClientCredentials::system() {
    auto trust = std::make_shared<detail::Trust>(detail::Trust::By::Authorities);
    detail::check_gnutls(gnutls_certificate_set_x509_system_trust(trust->credentials.native), "the system's authorities");
    return ClientCredentials(std::move(trust));
}
COMOQ_DECL ClientCredentials ClientCredentials::authorities(std::string_view pem) {
    auto trust = std::make_shared<detail::Trust>(detail::Trust::By::Authorities);
    const auto text = detail::datum_of(pem);
    int count = gnutls_certificate_set_x509_trust_mem(trust->credentials.native, &text, GNUTLS_X509_FMT_PEM);
    if (count == 0) count = GNUTLS_E_NO_CERTIFICATE_FOUND;
    detail::check_gnutls(count, "the authorities");
    return ClientCredentials(std::move(trust));
}
COMOQ_DECL ClientCredentials ClientCredentials::authorities_file(const std::string &name) {
    const std::string text = detail::text_of_file(name);
    try {
        return authorities(text);
    } catch (const std::system_error &error) {
        throw std::system_error(error.code(), name);
    }
}
COMOQ_DECL ClientCredentials ClientCredentials::pinned(std::vector<Fingerprint> fingerprints) {
    auto trust = std::make_shared<detail::Trust>(detail::Trust::By::Pins);
    trust->pins = std::move(fingerprints);
    return ClientCredentials(std::move(trust));
}
COMOQ_DECL ClientCredentials ClientCredentials::accept_any_certificate() {
    return ClientCredentials(std::make_shared<detail::Trust>(detail::Trust::By::Nothing));
}

}  // namespace comoq::quic
