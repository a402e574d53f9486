/// \file
/// A certificate that signs itself, made for one test.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <asio/buffer.hpp>
#include <asio/ssl/context.hpp>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <comoq/net/tls.hpp>

namespace comoq::test {

/// PEM texts.
struct Certificate {
    std::string chain, key;
};

namespace net_detail {

template <class Write> std::string pem_of(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
    if (write(memory.get()) != 1) {
        throw std::runtime_error("OpenSSL cannot write PEM");
    }
    char *data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace net_detail

/// `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1". It ends that many seconds from now.
inline Certificate make_certificate(const std::string &names, long seconds = 3600) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME *name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char *>("test"), -1, -1, 0);
    X509_set_issuer_name(made.get(), name);
    for (const auto &[id, value] : {std::pair(NID_subject_alt_name, names), std::pair(NID_basic_constraints, std::string("critical,CA:TRUE"))}) {
        const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str()), X509_EXTENSION_free);
        X509_add_ext(made.get(), extension.get(), -1);
    }
    X509_sign(made.get(), key.get(), EVP_sha256());
    Certificate certificate;
    certificate.chain = net_detail::pem_of([&](BIO *to) { return PEM_write_bio_X509(to, made.get()); });
    certificate.key = net_detail::pem_of(
        [&](BIO *to) { return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    return certificate;
}

inline std::shared_ptr<asio::ssl::context> server_context(const Certificate &certificate) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    context->use_certificate_chain(asio::buffer(certificate.chain));
    context->use_private_key(asio::buffer(certificate.key), asio::ssl::context::pem);
    return context;
}

inline std::shared_ptr<asio::ssl::context> client_context(const Certificate &trusted) {
    auto context = net::client_tls(TlsConfig());
    context->add_certificate_authority(asio::buffer(trusted.chain));
    return context;
}

}  // namespace comoq::test
