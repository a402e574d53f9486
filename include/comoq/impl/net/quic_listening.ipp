// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/net/connection_log.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../net/listen_config.hpp"
#include "../../net/page_origins.hpp"
#include "../../net/quic_sockets.hpp"
#include "../../net/schemes.hpp"
#include "../../qmux/negotiation.hpp"
#include "../../quic/listener.hpp"
#include "../../webtransport/accept.hpp"

#include <asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

// Servers of QUIC and WebTransport, by URL.

namespace comoq::net::detail {

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
    taken.key_log = config.tls.key_log;
    return taken;
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

/// What the listeners of one https URL share.
struct WebtransportServer {
    std::shared_ptr<const ListenConfig> config;
    PageOrigins origins;
};

/// A client by QUIC. With a server of WebTransport it may have chosen HTTP/3.
class QuicArrival final : public Arrival {
public:
    QuicArrival(std::shared_ptr<quic::Connection> connection, std::shared_ptr<const WebtransportServer> server) noexcept
        : connection_(std::move(connection)), server_(std::move(server)), address_(connection_->remote().address()) {}
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
        if (self.server_ == nullptr || !self.connection_->speaks_http3()) {
            client.transport = std::move(self.connection_);
            co_return client;
        }
        webtransport::Config of_request;
        of_request.timeout = self.server_->config->handshake_within;
        of_request.sleep = self.server_->config->session.sleep;
        auto requesting = webtransport::accept(std::move(self.connection_), std::move(of_request));
        auto request = co_await std::move(requesting);
        const auto &origin = request.origin();
        if (!origin.empty() && !self.server_->origins.lets_in(origin, request.authority(), true)) {
            request.reject(403);
            throw std::system_error(make_error_code(Error::Unauthorized), "a web page of another origin");
        }
        const auto chosen = qmux::choose_protocol(self.server_->config->protocols, request.protocols());
        if (!chosen) {
            request.reject(400);
            comoq::detail::throw_error(make_error_code(Error::UnknownAlpn));
        }
        client.url_target = request.path();
        client.transport = request.accept(std::string(*chosen));
        co_return client;
    }

    std::shared_ptr<quic::Connection> connection_;
    const std::shared_ptr<const WebtransportServer> server_;
    const asio::ip::address address_;
};

class QuicAcceptor final : public Acceptor {
public:
    QuicAcceptor(quic::Listener listener, std::shared_ptr<const WebtransportServer> server) noexcept
        : listener_(std::move(listener)), server_(std::move(server)) {}
    asio::awaitable<std::unique_ptr<Arrival>> next() override {
        auto accepting = listener_.accept();
        auto connection = co_await std::move(accepting);
        co_return std::make_unique<QuicArrival>(std::move(connection), server_);
    }
    void close() override { listener_.close(); }

private:
    quic::Listener listener_;
    const std::shared_ptr<const WebtransportServer> server_;
};

/// With the certificate that is to be generated, if one is.
inline std::shared_ptr<const ListenConfig> with_certificate(std::shared_ptr<const ListenConfig> config, const Url &url) {
    const auto &wanted = config->tls;
    if (wanted.generate_for.empty()) return config;
    const bool has_another = wanted.quic != nullptr || wanted.context != nullptr || !wanted.certificate_pem.empty() ||
                             !wanted.key_pem.empty() || !wanted.certificate_file.empty() || !wanted.key_file.empty();
    if (has_another)
        throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                                "a certificate is named, and another one is to be generated");
    auto identity = quic::self_signed(wanted.generate_for);
    auto changed = std::make_shared<ListenConfig>(*config);
    changed->tls.generate_for.clear();
    changed->tls.quic = std::make_shared<const quic::ServerCredentials>(quic::ServerCredentials::from_pem(identity.chain, identity.key));
    changed->tls.certificate_pem = std::move(identity.chain);
    changed->tls.key_pem = std::move(identity.key);
    log_connection(LogLevel::Info, "certificate_generated", url.text(), {}, "sha256:" + quic::to_string(changed->tls.quic->fingerprint()));
    return changed;
}

inline quic::ServerCredentials quic_identity(const ServerTlsConfig &config) {
    if (config.quic != nullptr) return *config.quic;
    if (!config.certificate_pem.empty() || !config.key_pem.empty())
        return quic::ServerCredentials::from_pem(config.certificate_pem, config.key_pem);
    if (config.certificate_file.empty() || config.key_file.empty())
        throw std::system_error(std::make_error_code(std::errc::invalid_argument), "a file of the certificate or key is not named");
    return quic::ServerCredentials::from_files(config.certificate_file, config.key_file);
}

/// With a server of WebTransport, clients may choose HTTP/3.
inline std::vector<std::unique_ptr<Acceptor>> quic_acceptors_at(const asio::any_io_executor &executor, Url &url,
                                                                const std::shared_ptr<const ListenConfig> &config,
                                                                const std::shared_ptr<const WebtransportServer> &server) {
    const auto identity = quic_identity(config->tls);
    quic::ListenerConfig of_listener;
    of_listener.connection = quic_config(*config, config->handshake_within);
    if (server != nullptr) of_listener.connection.protocols.push_back("h3");
    // The listener above counts, and says which limit it has reached: a packet that is dropped here says nothing.
    constexpr std::size_t to_be_refused = 64;
    of_listener.max_connections = config->max_connections + to_be_refused;
    std::vector<std::unique_ptr<Acceptor>> all;
    for (auto &listener : listen_at(executor, url, identity, of_listener))
        all.push_back(std::make_unique<QuicAcceptor>(std::move(listener), server));
    return all;
}

inline std::vector<std::unique_ptr<Acceptor>> listen_quic(asio::any_io_executor executor, Url &url,
                                                          std::shared_ptr<const ListenConfig> config) {
    config = with_certificate(std::move(config), url);
    return quic_acceptors_at(executor, url, config, nullptr);
}

/// At one port of TCP and UDP. A port 0 becomes the one that TCP has got.
inline std::vector<std::unique_ptr<Acceptor>> listen_twice(const asio::any_io_executor &executor, Url &url,
                                                           const std::shared_ptr<const WebtransportServer> &server) {
    std::vector<std::unique_ptr<Acceptor>> all;
    if (const auto wss = scheme_wss()) {
        Url of_tcp = url;
        of_tcp.scheme = "wss";
        all = wss->listen(executor, of_tcp, server->config);
        url.port = of_tcp.port;
    }
    auto of_udp = quic_acceptors_at(executor, url, server->config, server);
    all.insert(all.end(), std::make_move_iterator(of_udp.begin()), std::make_move_iterator(of_udp.end()));
    return all;
}

inline std::vector<std::unique_ptr<Acceptor>> listen_https(asio::any_io_executor executor, Url &url,
                                                           std::shared_ptr<const ListenConfig> config) {
    const auto server = std::make_shared<WebtransportServer>();
    server->config = with_certificate(std::move(config), url);
    for (const auto &origin : server->config->allowed_web_origins) server->origins.allow(origin);
    // The port that the system has chosen for TCP may be somebody else's for UDP.
    const Url wanted = url;
    for (int left = wanted.port == 0 ? 8 : 1;;) {
        try {
            return listen_twice(executor, url, server);
        } catch (const std::system_error &error) {
            if (--left == 0 || error.code() != asio::error::address_in_use) throw;
        }
        url = wanted;
    }
}

}  // namespace comoq::net::detail
