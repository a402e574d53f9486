// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/net/connection_log.hpp"
#include "../../detail/net/first_to_succeed.hpp"
#include "../../detail/net/in_time.hpp"
#include "../../detail/net/pins.hpp"
#include "../../detail/net/tcp.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../net/quic_schemes.hpp"
#include "../../net/schemes.hpp"
#include "../../quic/listener.hpp"
#include "../../webtransport/connect.hpp"
#include "quic_listening.ipp"

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::net {

namespace detail {

// Clients.

inline quic::ClientCredentials quic_trust(const TlsConfig &config) {
    const auto refuse = [](const char *why) { throw std::system_error(std::make_error_code(std::errc::invalid_argument), why); };
    if (config.context != nullptr) refuse("a context of OpenSSL's says nothing about QUIC");
    if (config.certificate_file || config.key_file) refuse("a client of QUIC has no certificate of its own");
    auto pins = pins_of(config);
    if (!pins.empty()) return quic::ClientCredentials::pinned(std::move(pins));
    if (config.accept_any_certificate) return quic::ClientCredentials::accept_any_certificate();
    return config.authorities_file ? quic::ClientCredentials::authorities_file(*config.authorities_file)
                                   : quic::ClientCredentials::system();
}

/// The files are read once, and by the call that names them.
inline void prepare_quic(ConnectConfig &config) {
    check_server_name(config.tls);
    if (config.tls.address_tokens == nullptr) config.tls.address_tokens = std::make_shared<quic::AddressTokens>();
    if (config.tls.quic == nullptr) config.tls.quic = std::make_shared<const quic::ClientCredentials>(quic_trust(config.tls));
}

/// An attempt for each of some addresses.
class TryQuic {
public:
    TryQuic(std::vector<asio::ip::address> addresses, Url url, std::shared_ptr<const ConnectConfig> config,
            std::vector<std::string> protocols)
        : addresses_(std::move(addresses)), url_(std::move(url)), config_(std::move(config)), protocols_(std::move(protocols)) {}
    asio::awaitable<std::shared_ptr<quic::Connection>> operator()(std::size_t index) const {
        const asio::ip::udp::endpoint to(addresses_[index], url_.port.value_or(0));
        auto config = quic_config(*config_, config_->deadlines.connect);
        config.protocols = protocols_;
        config.tokens = config_->tls.address_tokens;
        return quic::connect(to, without_zone(config_->tls.server_name.value_or(url_.host)), *config_->tls.quic, std::move(config));
    }

private:
    const std::vector<asio::ip::address> addresses_;
    const Url url_;
    const std::shared_ptr<const ConnectConfig> config_;
    const std::vector<std::string> protocols_;
};

inline asio::awaitable<std::shared_ptr<quic::Connection>> connect_first_quic(TryQuic attempt, std::size_t count,
                                                                            std::shared_ptr<const ConnectConfig> config) {
    const MakeAttempt<std::shared_ptr<quic::Connection>> make(std::move(attempt));
    return first_to_succeed(count, make, config->head_start, config->session.sleep);
}

inline asio::awaitable<std::shared_ptr<quic::Connection>> open_quic(Url url, std::shared_ptr<const ConnectConfig> config,
                                                                   std::vector<std::string> protocols) {
    auto resolving = addresses_of(url, config);
    auto addresses = co_await std::move(resolving);
    const std::size_t count = addresses.size();
    TryQuic attempt(std::move(addresses), std::move(url), config, std::move(protocols));
    auto connecting = in_time(connect_first_quic(std::move(attempt), count, config), config->deadlines.connect,
                              ConnectError::ConnectTimeout, config->session.sleep);
    co_return co_await std::move(connecting);
}

inline asio::awaitable<std::shared_ptr<Transport>> connect_quic(Url url, std::shared_ptr<const ConnectConfig> config) {
    auto opening = open_quic(std::move(url), config, config->protocols);
    co_return co_await std::move(opening);
}

inline asio::awaitable<std::shared_ptr<Transport>> connect_webtransport(Url url, std::shared_ptr<const ConnectConfig> config) {
    const std::vector<std::string> http3(1, "h3");
    auto opening = open_quic(url, config, http3);
    auto connection = co_await std::move(opening);
    if (url.port == 443) url.port.reset();
    url.host = without_zone(url.host);
    webtransport::Config of_request;
    of_request.timeout = config->deadlines.upgrade;
    of_request.sleep = config->session.sleep;
    std::error_code failure;
    try {
        auto asking = webtransport::connect(std::move(connection), url.authority(), url.target, config->protocols, std::move(of_request));
        auto session = co_await std::move(asking);
        if (!session->protocol().empty()) co_return session;
        // A session of an unknown protocol is of no use.
        session->close(0, "no protocol");
        failure = make_error_code(Error::UnknownAlpn);
    } catch (const std::system_error &error) {
        failure = error.code() == Error::Timeout ? make_error_code(ConnectError::UpgradeTimeout) : error.code();
    }
    comoq::detail::throw_error(failure);
}

inline void prepare_https(ConnectConfig &config) {
    prepare_quic(config);
    if (const auto wss = scheme_wss()) wss->prepare(config);
}

/// WebTransport is the first of two.
class TryHttps {
public:
    TryHttps(Url url, std::shared_ptr<const ConnectConfig> config) : url_(std::move(url)), config_(std::move(config)) {}
    asio::awaitable<std::shared_ptr<Transport>> operator()(std::size_t index) const { return run(url_, config_, index == 0); }

private:
    static asio::awaitable<std::shared_ptr<Transport>> run(Url url, std::shared_ptr<const ConnectConfig> config, bool is_first) {
        const auto wss = is_first ? std::nullopt : scheme_wss();
        const std::string name = config->session.name;
        if (wss) url.scheme = "wss";
        std::exception_ptr failure;
        try {
            auto connecting = wss ? wss->connect(std::move(url), config) : connect_webtransport(std::move(url), config);
            auto transport = co_await std::move(connecting);
            log_connection(LogLevel::Info, "connected", name, {}, is_first ? "by WebTransport" : "by WebSocket");
            co_return transport;
        } catch (...) {
            failure = std::current_exception();
        }
        log_failure(LogLevel::Info, is_first ? "no_webtransport" : "no_websocket", name, failure);
        std::rethrow_exception(failure);
    }

    const Url url_;
    const std::shared_ptr<const ConnectConfig> config_;
};

inline asio::awaitable<std::shared_ptr<Transport>> connect_https(Url url, std::shared_ptr<const ConnectConfig> config) {
    const std::size_t ways = scheme_wss() ? 2 : 1;
    const MakeAttempt<std::shared_ptr<Transport>> attempt{TryHttps(std::move(url), config)};
    return first_to_succeed(ways, attempt, config->websocket_after, config->session.sleep);
}

}  // namespace detail

COMOQ_DECL bool add_quic_schemes() {
    Scheme quic;
    quic.usual_port = 443;
    quic.is_secure = true;
    quic.prepare = detail::prepare_quic;
    quic.connect = detail::connect_quic;
    quic.listen = detail::listen_quic;
    for (const char *name : {"moql", "moqt"}) {
        quic.name = name;
        add_scheme(quic);
    }
    quic.name = "https";
    quic.carries_path = true;
    quic.prepare = detail::prepare_https;
    quic.connect = detail::connect_https;
    quic.listen = detail::listen_https;
    add_scheme(std::move(quic));
    return true;
}

}  // namespace comoq::net
