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

// TLS 1.3 alone, as QUIC has it.
constexpr auto options = asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1_2;

}  // namespace

std::shared_ptr<asio::ssl::context> server_tls(const std::string &certificate, const std::string &key) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    context->set_options(options);
    std::error_code failure;
    context->use_certificate_chain_file(certificate, failure);
    check(failure, certificate);
    context->use_private_key_file(key, asio::ssl::context::pem, failure);
    check(failure, key);
    return context;
}

std::shared_ptr<asio::ssl::context> client_tls(const std::optional<std::string> &authorities) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    context->set_options(options);
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
