// SPDX-License-Identifier: MIT
#pragma once
#include "../../net/tls.hpp"

#include <asio/buffer.hpp>

#include <string>
#include <system_error>

namespace comoq::net {

namespace detail {

inline std::shared_ptr<asio::ssl::context> tls_context(asio::ssl::context::method method) {
    auto context = std::make_shared<asio::ssl::context>(method);
    context->set_options(asio::ssl::context::default_workarounds);
    // As in QUIC.
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
    return context;
}

inline void check_file(std::error_code failure, const std::string &file) {
    if (failure) throw std::system_error(failure, file.empty() ? "a file of the certificate or key is not named" : file);
}

inline void use_identity(asio::ssl::context &context, const std::string &certificate, const std::string &key) {
    std::error_code failure;
    context.use_certificate_chain_file(certificate, failure);
    check_file(failure, certificate);
    context.use_private_key_file(key, asio::ssl::context::pem, failure);
    check_file(failure, key);
}

}  // namespace detail

COMOQ_DECL std::shared_ptr<asio::ssl::context> client_tls(const TlsConfig &config) {
    auto context = detail::tls_context(asio::ssl::context::tls_client);
    context->set_verify_mode(config.accept_any_certificate ? asio::ssl::verify_none : asio::ssl::verify_peer);
    std::error_code failure;
    if (config.authorities_file) {
        context->load_verify_file(*config.authorities_file, failure);
        detail::check_file(failure, *config.authorities_file);
    } else {
        context->set_default_verify_paths();
    }
    if (config.certificate_file || config.key_file)
        detail::use_identity(*context, config.certificate_file.value_or(""), config.key_file.value_or(""));
    return context;
}

COMOQ_DECL std::shared_ptr<asio::ssl::context> server_tls(const ServerTlsConfig &config) {
    if (!config.generate_for.empty())
        throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                                "a certificate is generated for moql, moqt and https alone");
    if (!config.certificate_pem.empty() || !config.key_pem.empty()) return server_tls(config.certificate_pem, config.key_pem);
    auto context = detail::tls_context(asio::ssl::context::tls_server);
    detail::use_identity(*context, config.certificate_file, config.key_file);
    return context;
}

COMOQ_DECL std::shared_ptr<asio::ssl::context> server_tls(std::string_view chain, std::string_view key) {
    auto context = detail::tls_context(asio::ssl::context::tls_server);
    std::error_code failure;
    context->use_certificate_chain(asio::buffer(chain), failure);
    detail::check_file(failure, "the certificate");
    context->use_private_key(asio::buffer(key), asio::ssl::context::pem, failure);
    detail::check_file(failure, "the key");
    return context;
}

}  // namespace comoq::net
