#include "connection.hpp"

#include <comoq/net/sockets.hpp>
#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/connect.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace qmux = comoq::qmux;
namespace websocket = comoq::websocket;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr std::chrono::seconds longest_handshake{10};
constexpr std::array<std::string_view, 2> protocols = {"moq-lite-06", "moq-lite-05"};

qmux::Version only_version(Qmux qmux) {
    return qmux == Qmux::Draft01 ? qmux::Version::Draft01 : qmux::Version::Draft02;
}

// The head with the drafts of its offer that are wanted, if not all of them are.
void keep_wanted(websocket::RequestHead &head, Qmux qmux) {
    if (qmux == Qmux::Any) {
        return;
    }
    websocket::Fields kept;
    for (const auto &field : head.fields.all()) {
        if (!websocket::detail::same_text(field.name, "Sec-WebSocket-Protocol")) {
            kept.add(field.name, field.value);
        }
    }
    const auto offered = head.fields.joined("Sec-WebSocket-Protocol");
    for (const std::string_view protocol : protocols) {
        const qmux::Subprotocol wanted{only_version(qmux), protocol};
        if (qmux::detail::lists(offered, wanted)) {
            kept.add("Sec-WebSocket-Protocol", wanted.name());
        }
    }
    head.fields = std::move(kept);
}

qmux::ConnectionConfig config_of(const Settings &settings) {
    qmux::ConnectionConfig config;
    config.parameters = settings.parameters;
    return config;
}

Connection start_on_websocket(tcp::socket socket, bool client, qmux::Subprotocol chosen,
                              std::vector<std::byte> leftover, const Settings &settings) {
    auto config = config_of(settings);
    config.version = chosen.version;
    config.protocol = chosen.protocol;
    const auto role = client ? websocket::Role::Client : websocket::Role::Server;
    websocket::WebSocketChannel<tcp::socket> channel(std::move(socket), role, std::move(leftover));
    return {qmux::start(std::move(channel), client, std::move(config)), chosen.name()};
}

Connection start_on_tcp(tcp::socket socket, bool client, const Settings &settings) {
    auto config = config_of(settings);
    config.version = only_version(settings.qmux);
    config.protocols.assign(protocols.begin(), protocols.end());
    return {qmux::start(qmux::TcpChannel<tcp::socket>(std::move(socket)), client, std::move(config)), "tcp"};
}

awaitable<Connection> upgrade_as_client(tcp::socket &socket, const Settings &settings) {
    const auto key = websocket::make_key();
    const auto host = settings.url.authority();
    auto request = websocket::upgrade_request(host, settings.url.target, key, protocols);
    keep_wanted(request, settings.qmux);
    const auto text = to_text(request);
    const auto buffer = asio::buffer(text);
    co_await asio::async_write(socket, buffer, use_awaitable);

    std::string input;
    std::error_code failure;
    const auto size = co_await websocket::detail::read_head(socket, input, failure);
    std::optional<websocket::ResponseHead> response;
    if (size) {
        response = websocket::parse_response(std::string_view(input).substr(0, *size), failure);
    }
    std::optional<qmux::Subprotocol> chosen;
    if (response) {
        chosen = websocket::check_answer(*response, key, protocols, failure);
    }
    if (!chosen) {
        throw std::system_error(failure);
    }
    auto leftover = websocket::detail::bytes_behind(input, *size);
    co_return start_on_websocket(std::move(socket), true, *chosen, std::move(leftover), settings);
}

awaitable<Connection> upgrade_as_server(tcp::socket &socket, const Settings &settings) {
    auto request = co_await websocket::read_request(socket);
    keep_wanted(request.head, settings.qmux);
    auto accepted = co_await websocket::accept(socket, std::move(request), protocols);
    const qmux::Subprotocol chosen{accepted.version, accepted.protocol};
    co_return start_on_websocket(std::move(socket), false, chosen, std::move(accepted.leftover), settings);
}

awaitable<Connection> connect_now(const Settings &settings) {
    tcp::socket socket(co_await asio::this_coro::executor);
    tcp::resolver resolver(socket.get_executor());
    const auto port = std::to_string(settings.url.port.value_or(80));
    const auto found = co_await resolver.async_resolve(settings.url.host, port, use_awaitable);
    co_await asio::async_connect(socket, found, use_awaitable);
    comoq::net::tune(socket);
    if (!settings.is_websocket()) {
        co_return start_on_tcp(std::move(socket), true, settings);
    }
    co_return co_await upgrade_as_client(socket, settings);
}

awaitable<Connection> accept_now(tcp::socket socket, const Settings &settings) {
    comoq::net::tune(socket);
    if (!settings.is_websocket()) {
        co_return start_on_tcp(std::move(socket), false, settings);
    }
    co_return co_await upgrade_as_server(socket, settings);
}

}  // namespace

awaitable<Connection> connect(const Settings &settings) {
    return comoq::with_timeout(connect_now(settings), longest_handshake);
}

awaitable<Connection> accept(tcp::socket socket, const Settings &settings) {
    return comoq::with_timeout(accept_now(std::move(socket), settings), longest_handshake);
}
