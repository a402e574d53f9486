// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/net/connection_log.hpp"
#include "../../detail/net/first_to_succeed.hpp"
#include "../../detail/net/in_time.hpp"
#include "../../detail/net/pins.hpp"
#include "../../detail/net/tcp.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../net/quic_schemes.hpp"
#include "../../net/quic_sockets.hpp"
#include "../../net/schemes.hpp"
#include "../../quic/listener.hpp"
#include "../../webtransport/connect.hpp"

#include <algorithm>
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

/// What a connection takes from the configuration of a client or of a listener.
template <class Config> quic::ConnectionConfig quic_config(const Config &config, std::chrono::milliseconds handshake) {
    quic::ConnectionConfig taken;
    const auto &limits = config.parameters;
    taken.protocols = config.protocols;
    taken.max_data = limits.max_data;
    taken.max_stream_data = std::max({limits.max_stream_data_bidi_local, limits.max_stream_data_bidi_remote, limits.max_stream_data_uni});
    taken.max_streams_bidi = limits.max_streams_bidi;
    taken.max_streams_uni = limits.max_streams_uni;
    taken.max_datagram_frame_size = limits.max_datagram_frame_size;
    taken.idle_timeout = limits.idle_timeout;
    taken.handshake_timeout = handshake;
    return taken;
}

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

inline std::optional<Scheme> scheme_wss() {
    Url url;
    url.scheme = "wss";
    try {
        return scheme_of(url);
    } catch (const std::system_error &) {
        return std::nullopt;
    }
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

// Servers.

class QuicArrival final : public Arrival {
public:
    explicit QuicArrival(std::shared_ptr<quic::Connection> connection) noexcept
        : connection_(std::move(connection)), address_(connection_->remote().address()) {}
    QuicArrival(const QuicArrival &) = delete;
    QuicArrival &operator=(const QuicArrival &) = delete;
    ~QuicArrival() override {
        if (connection_ != nullptr) connection_->close(0, {});
    }
    asio::ip::address address() const override { return address_; }
    asio::awaitable<AcceptedClient> shake_hands() override { return wait(*this); }

private:
    static asio::awaitable<AcceptedClient> wait(QuicArrival &self) {
        auto ready = self.connection_->ready();
        co_await std::move(ready);
        AcceptedClient client;
        client.address = self.address();
        client.transport = std::move(self.connection_);
        co_return client;
    }

    std::shared_ptr<quic::Connection> connection_;
    const asio::ip::address address_;
};

class QuicAcceptor final : public Acceptor {
public:
    explicit QuicAcceptor(quic::Listener listener) noexcept : listener_(std::move(listener)) {}
    asio::awaitable<std::unique_ptr<Arrival>> next() override {
        auto accepting = listener_.accept();
        auto connection = co_await std::move(accepting);
        co_return std::make_unique<QuicArrival>(std::move(connection));
    }
    void close() override { listener_.close(); }

private:
    quic::Listener listener_;
};

inline quic::ServerCredentials quic_identity(const ServerTlsConfig &config) {
    if (config.quic != nullptr) return *config.quic;
    if (config.certificate_file.empty() || config.key_file.empty())
        throw std::system_error(std::make_error_code(std::errc::invalid_argument), "a file of the certificate or key is not named");
    return quic::ServerCredentials::from_files(config.certificate_file, config.key_file);
}

inline std::vector<std::unique_ptr<Acceptor>> listen_quic(asio::any_io_executor executor, Url &url,
                                                          std::shared_ptr<const ListenConfig> config) {
    const auto identity = quic_identity(config->tls);
    quic::ListenerConfig of_listener;
    of_listener.connection = quic_config(*config, config->handshake_within);
    // The listener above counts, and says which limit it has reached: a packet that is dropped here says nothing.
    constexpr std::size_t to_be_refused = 64;
    of_listener.max_connections = config->max_connections + to_be_refused;
    std::vector<std::unique_ptr<Acceptor>> all;
    for (auto &listener : listen_at(executor, url, identity, of_listener)) all.push_back(std::make_unique<QuicAcceptor>(std::move(listener)));
    return all;
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
    quic.listen = nullptr;
    add_scheme(std::move(quic));
    return true;
}

}  // namespace comoq::net
