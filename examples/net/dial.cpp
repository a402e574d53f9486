#include "dial.hpp"

#include "deadline.hpp"
#include "tls.hpp"

#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>

#include <asio/connect.hpp>
#include <asio/ssl/host_name_verification.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#ifdef __linux__
#include <netinet/tcp.h>
#endif

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto longest = 10s;

// Makes a connection from a stream whose handshakes are done.
template <class Stream> awaitable<std::shared_ptr<comoq::qmux::Connection>> speak(Stream &stream, const Url &url) {
    comoq::qmux::ConnectionConfig config;
    if (!url.is_websocket()) {
        config.protocols.assign(protocols.begin(), protocols.end());
        co_return comoq::qmux::start(comoq::qmux::TcpChannel<Stream>(std::move(stream)), true, std::move(config));
    }
    const auto host = url.authority();
    auto upgraded = co_await comoq::websocket::connect(stream, host, url.target, protocols);
    config.version = upgraded.version;
    config.protocol = upgraded.protocol;
    comoq::websocket::WebSocketChannel<Stream> channel(std::move(stream), comoq::websocket::Role::Client,
                                                       std::move(upgraded.leftover));
    co_return comoq::qmux::start(std::move(channel), true, std::move(config));
}

awaitable<void> connect(tcp::socket &socket, const Url &url, const Deadline &deadline) {
    tcp::resolver resolver(socket.get_executor());
    const auto port = std::to_string(url.port);
    const auto found = co_await resolver.async_resolve(url.host, port, use_awaitable);
    // A resolver cannot be cancelled.
    deadline.check();
    co_await asio::async_connect(socket, found, use_awaitable);
    prepare(socket);
}

awaitable<void> secure(TlsStream &stream, const Url &url) {
    stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
    // For servers with several names. An address is not a name.
    std::error_code no_address;
    asio::ip::make_address(url.host, no_address);
    if (no_address) {
        SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str());
    }
    co_await stream.async_handshake(asio::ssl::stream_base::client, use_awaitable);
}

// `stream` is the socket, or the TLS stream on it.
template <class Stream>
awaitable<std::shared_ptr<comoq::qmux::Connection>> dial_by(Stream &stream, tcp::socket &socket, const Url &url) {
    const Deadline deadline(socket, longest);
    try {
        co_await connect(socket, url, deadline);
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            co_await secure(stream, url);
        }
        co_return co_await speak(stream, url);
    } catch (const std::system_error &) {
        deadline.rethrow();
    }
}

}  // namespace

void prepare(tcp::socket &socket) {
    std::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
#ifdef TCP_NOTSENT_LOWAT
    // Two of the largest records of WebSocket and TLS: the kernel asks for more before it has run out.
    using NotSentLowWater = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
    socket.set_option(NotSentLowWater(64 * 1024), ignored);
#endif
}

awaitable<std::shared_ptr<comoq::qmux::Connection>> dial(Url url, std::shared_ptr<asio::ssl::context> tls) {
    const auto executor = co_await asio::this_coro::executor;
    if (url.is_secure()) {
        TlsStream stream(executor, *tls);
        co_return co_await dial_by(stream, stream.next_layer(), url);
    }
    tcp::socket socket(executor);
    co_return co_await dial_by(socket, socket, url);
}
