#include "tls.hpp"

#include <fmt/format.h>
#include <stdexcept>
#include <system_error>

namespace {

void check(std::error_code failure, const std::string &file) {
    if (failure) {
        throw std::runtime_error(fmt::format("{}: {}", file, failure.message()));
    }
}

std::shared_ptr<asio::ssl::context> make_context(asio::ssl::context::method method) {
    auto context = std::make_shared<asio::ssl::context>(method);
    context->set_options(asio::ssl::context::default_workarounds);
    // As in QUIC.
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
    return context;
}

}  // namespace

std::shared_ptr<asio::ssl::context> server_tls(const std::string &certificate, const std::string &key) {
    auto context = make_context(asio::ssl::context::tls_server);
    std::error_code failure;
    context->use_certificate_chain_file(certificate, failure);
    check(failure, certificate);
    context->use_private_key_file(key, asio::ssl::context::pem, failure);
    check(failure, key);
    return context;
}

std::shared_ptr<asio::ssl::context> client_tls(const std::optional<std::string> &authorities) {
    auto context = make_context(asio::ssl::context::tls_client);
    context->set_verify_mode(asio::ssl::verify_peer);
    std::error_code failure;
    if (authorities) {
        context->load_verify_file(*authorities, failure);
        check(failure, *authorities);
    } else {
        context->set_default_verify_paths();
    }
    return context;
}
