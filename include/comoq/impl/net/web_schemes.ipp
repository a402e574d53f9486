// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/net/greeted_channel.hpp"
#include "../../detail/net/serve_on.hpp"
#include "../../detail/net/tcp.hpp"
#include "../../detail/net/tcp_acceptor.hpp"
#include "../../detail/net/tls_stream.hpp"
#include "../../net/schemes.hpp"
#include "../../net/tls.hpp"
#include "../../net/web_origins.hpp"
#include "../../net/web_schemes.hpp"
#include "../../qmux/tcp_channel.hpp"
#include "../../websocket/channel.hpp"
#include "../../websocket/upgrade.hpp"

#include <asio/use_awaitable.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::net {

namespace detail {

using PlainStream = asio::ip::tcp::socket;

inline std::vector<std::string_view> views_of(const std::vector<std::string> &texts) { return {texts.begin(), texts.end()}; }

// Clients.

/// The files are read once, and by the call that names them.
inline void prepare_tls(ConnectConfig &config) {
    check_server_name(config.tls);
    static_cast<void>(pins_of(config.tls));
    if (config.tls.context == nullptr) config.tls.context = client_tls(config.tls);
}

inline asio::awaitable<PlainStream> open_plain(Url url, std::shared_ptr<const ConnectConfig> config) {
    return connect_socket(std::move(url), std::move(config));
}
inline asio::awaitable<TlsStream> open_secure(Url url, std::shared_ptr<const ConnectConfig> config) {
    auto connecting = connect_socket(url, config);
    auto socket = co_await std::move(connecting);
    auto securing = in_time(secure(std::move(socket), std::move(url), config), config->deadlines.tls, ConnectError::TlsTimeout,
                            config->session.sleep);
    co_return co_await std::move(securing);
}

/// As in the field Host: without the usual port, and without a zone.
inline std::string host_field(Url url) {
    if (url.port == (url.scheme == "wss" ? 443 : 80)) url.port.reset();
    url.host = without_zone(url.host);
    return url.authority();
}

template <class Stream> asio::awaitable<websocket::ConnectedUpgrade> ask_for_upgrade(Stream &stream, Url url, std::vector<std::string> protocols) {
    const auto host = host_field(url);
    const auto offered = views_of(protocols);
    std::string received;
    std::error_code failure;
    try {
        auto upgrading = websocket::connect(stream, host, url.target, offered, received);
        co_return co_await std::move(upgrading);
    } catch (const std::system_error &error) {
        failure = error.code();
    }
    comoq::detail::throw_error(explained(failure, received, Expected::Http));
}

template <class Stream> asio::awaitable<std::shared_ptr<Transport>> start_websocket(Stream stream, Url url, std::shared_ptr<const ConnectConfig> config) {
    auto upgrading = in_time(ask_for_upgrade(stream, std::move(url), config->protocols), config->deadlines.upgrade,
                             ConnectError::UpgradeTimeout, config->session.sleep);
    auto upgraded = co_await std::move(upgrading);
    auto parameters = connection_config(*config);
    parameters.version = upgraded.version;
    parameters.protocol = upgraded.protocol;
    websocket::WebSocketChannel<Stream> channel(std::move(stream), websocket::Role::Client, std::move(upgraded.leftover));
    co_return qmux::start(std::move(channel), true, std::move(parameters));
}

inline asio::awaitable<std::shared_ptr<Transport>> connect_ws(Url url, std::shared_ptr<const ConnectConfig> config) {
    auto opening = open_plain(url, config);
    auto stream = co_await std::move(opening);
    auto starting = start_websocket(std::move(stream), std::move(url), std::move(config));
    co_return co_await std::move(starting);
}
inline asio::awaitable<std::shared_ptr<Transport>> connect_wss(Url url, std::shared_ptr<const ConnectConfig> config) {
    auto opening = open_secure(url, config);
    auto stream = co_await std::move(opening);
    auto starting = start_websocket(std::move(stream), std::move(url), std::move(config));
    co_return co_await std::move(starting);
}
inline asio::awaitable<std::shared_ptr<Transport>> connect_tls(Url url, std::shared_ptr<const ConnectConfig> config) {
    auto opening = open_secure(std::move(url), config);
    auto stream = co_await std::move(opening);
    qmux::TcpChannel<TlsStream> channel(std::move(stream));
    auto greeting = greet(std::move(channel), config);
    co_return co_await std::move(greeting);
}

// Servers.

/// What the listeners of one URL share.
struct WebServer {
    std::shared_ptr<const ListenConfig> config;
    std::shared_ptr<asio::ssl::context> tls;
    WebOrigins origins;
};

template <class Stream>
asio::awaitable<AcceptedClient> accept_websocket(Stream stream, std::shared_ptr<const WebServer> server, bool is_secure) {
    auto reading = websocket::read_request(stream);
    auto request = co_await std::move(reading);
    const bool is_upgrade = websocket::is_upgrade(request.head);
    if (!is_upgrade || !server->origins.lets_in(request.head, is_secure)) {
        const auto failure = make_error_code(is_upgrade ? Error::Unauthorized : Error::Unsupported);
        const auto answer = is_upgrade ? websocket::refusal(403, "Forbidden", failure)
                                       : websocket::refusal(404, "Not Found", failure);
        const auto text = to_text(answer.response);
        co_await websocket::detail::write_text(stream, text);
        throw std::system_error(failure, is_upgrade ? "a web page of another origin" : "no request for a WebSocket");
    }
    const auto spoken = views_of(server->config->protocols);
    auto accepting = websocket::accept(stream, std::move(request), spoken);
    auto accepted = co_await std::move(accepting);
    auto parameters = connection_config(*server->config);
    parameters.version = accepted.version;
    parameters.protocol = accepted.protocol;
    websocket::WebSocketChannel<Stream> channel(std::move(stream), websocket::Role::Server, std::move(accepted.leftover));
    AcceptedClient client;
    client.url_target = accepted.request.target;
    client.transport = qmux::start(std::move(channel), false, std::move(parameters));
    co_return client;
}

inline asio::awaitable<TlsStream> secure_server(PlainStream socket, std::shared_ptr<const WebServer> server) {
    TlsStream stream(std::move(socket), *server->tls);
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
    co_return stream;
}
inline asio::awaitable<AcceptedClient> accept_ws(PlainStream socket, std::shared_ptr<const WebServer> server) {
    return accept_websocket(std::move(socket), std::move(server), false);
}
inline asio::awaitable<AcceptedClient> accept_wss(PlainStream socket, std::shared_ptr<const WebServer> server) {
    auto securing = secure_server(std::move(socket), server);
    auto stream = co_await std::move(securing);
    auto accepting = accept_websocket(std::move(stream), std::move(server), true);
    co_return co_await std::move(accepting);
}
inline asio::awaitable<AcceptedClient> accept_tls(PlainStream socket, std::shared_ptr<const WebServer> server) {
    auto securing = secure_server(std::move(socket), server);
    auto stream = co_await std::move(securing);
    co_return serve_on(std::move(stream), *server->config);
}

using AcceptOfWeb = asio::awaitable<AcceptedClient> (*)(PlainStream, std::shared_ptr<const WebServer>);

inline std::vector<std::unique_ptr<Acceptor>> listen_web(const asio::any_io_executor &executor, Url &url,
                                                         std::shared_ptr<const ListenConfig> config, AcceptOfWeb accept,
                                                         bool is_secure) {
    auto server = std::make_shared<WebServer>();
    // Not a conditional expression: with g++ 12 the one is of a type of its own (ConfigMember).
    if (is_secure) server->tls = config->tls.context;
    if (is_secure && server->tls == nullptr) server->tls = server_tls(config->tls);
    for (const auto &origin : config->allowed_web_origins) server->origins.allow(origin);
    server->origins.add_host(url.host);
    server->config = std::move(config);
    return acceptors_at(executor, url, server->config, [server, accept](PlainStream socket) { return accept(std::move(socket), server); });
}
inline std::vector<std::unique_ptr<Acceptor>> listen_ws(asio::any_io_executor executor, Url &url,
                                                        std::shared_ptr<const ListenConfig> config) {
    return listen_web(executor, url, std::move(config), accept_ws, false);
}
inline std::vector<std::unique_ptr<Acceptor>> listen_wss(asio::any_io_executor executor, Url &url,
                                                         std::shared_ptr<const ListenConfig> config) {
    return listen_web(executor, url, std::move(config), accept_wss, true);
}
inline std::vector<std::unique_ptr<Acceptor>> listen_tls(asio::any_io_executor executor, Url &url,
                                                         std::shared_ptr<const ListenConfig> config) {
    return listen_web(executor, url, std::move(config), accept_tls, true);
}

}  // namespace detail

COMOQ_DECL bool add_web_schemes() {
    Scheme ws;
    ws.name = "ws";
    ws.usual_port = 80;
    ws.carries_path = true;
    ws.connect = detail::connect_ws;
    ws.listen = detail::listen_ws;
    Scheme wss = ws;
    wss.name = "wss";
    wss.usual_port = 443;
    wss.is_secure = true;
    wss.prepare = detail::prepare_tls;
    wss.connect = detail::connect_wss;
    wss.listen = detail::listen_wss;
    Scheme tls;
    tls.name = "tls";
    tls.is_secure = true;
    tls.prepare = detail::prepare_tls;
    tls.connect = detail::connect_tls;
    tls.listen = detail::listen_tls;
    add_scheme(std::move(ws));
    add_scheme(std::move(wss));
    add_scheme(std::move(tls));
    return true;
}

}  // namespace comoq::net
