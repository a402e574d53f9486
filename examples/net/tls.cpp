#include "tls.hpp"

#include <comoq/net/tls.hpp>

std::shared_ptr<asio::ssl::context> server_tls(const std::string &certificate, const std::string &key) {
    comoq::ServerTlsConfig config;
    config.certificate_file = certificate;
    config.key_file = key;
    return comoq::net::server_tls(config);
}

std::shared_ptr<asio::ssl::context> client_tls(const std::optional<std::string> &authorities) {
    comoq::TlsConfig config;
    config.authorities_file = authorities;
    return comoq::net::client_tls(config);
}
