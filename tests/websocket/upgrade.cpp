#include <comoq/websocket/upgrade.hpp>

#include <comoq/detail/qmux/connection.hpp>
#include <comoq/qmux/run.hpp>
#include <comoq/websocket/channel.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/run.hpp"
#include "websocket/raw.hpp"

namespace upgrade_tests {

using namespace comoq;
using namespace comoq::test;
using qmux::Version;
using websocket::AcceptedUpgrade;
using websocket::ConnectedUpgrade;
using websocket::IncomingRequest;
using websocket::Role;

namespace {

constexpr std::array<std::string_view, 1> lite = {"moq-lite-05"};

// A browser's request, except for the protocols that it offers.
const std::string from_browser = "GET /room/42?jwt=x HTTP/1.1\r\nHost: localhost:4443\r\nConnection: Upgrade\r\n"
                                 "Pragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: websocket\r\n"
                                 "Origin: https://example.com\r\nSec-WebSocket-Version: 13\r\n"
                                 "Accept-Encoding: gzip, deflate, br\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                                 "Sec-WebSocket-Protocol: webtransport,qmux-00,qmux-01,qmux-01.moq-lite-05\r\n\r\n";

std::string text_of(const std::vector<std::byte> &bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

/// The outcome of a handshake's coroutine, once it has one.
template <class T> struct End {
    std::optional<T> value;
    std::error_code failure;
    bool over = false;

    void start(asio::io_context &context, asio::awaitable<T> coroutine) {
        asio::co_spawn(context, std::move(coroutine), [this](std::exception_ptr thrown, T given) {
            over = true;
            if (thrown)
                failure = error_of([&] { std::rethrow_exception(thrown); });
            else
                value = std::move(given);
        });
    }
};

// asio passes a value beside an exception, and must be able to make one.
template <class T> asio::awaitable<std::optional<T>> optional(asio::awaitable<T> coroutine) {
    T value = co_await std::move(coroutine);
    co_return value;
}

using Accepting = std::optional<std::variant<AcceptedUpgrade, IncomingRequest>>;

/// A server that waits for a request.
struct Server {
    Server() { accepting.start(context, optional(websocket::accept(pair.first, lite))); }

    void send(std::string_view bytes) {
        REQUIRE(send_raw(pair.second, bytes) == bytes.size());
        settle_down(context);
    }
    std::string received() {
        settle_down(context);
        return received_raw(pair.second);
    }
    const AcceptedUpgrade &accepted() const { return std::get<AcceptedUpgrade>(accepting.value->value()); }
    const IncomingRequest &request() const { return std::get<IncomingRequest>(accepting.value->value()); }

    asio::io_context context;
    SocketPair pair{context};
    End<Accepting> accepting;
};

/// The status line of a server's refusal, before it gives up for that reason.
std::string refusal_of(std::string_view bytes, Error failure) {
    Server server;
    server.send(bytes);
    CHECK(server.accepting.over);
    CHECK(server.accepting.failure == failure);
    const auto answer = server.received();
    CHECK(answer.ends_with("\r\n\r\n"));
    return answer.substr(0, answer.find("\r\n"));
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    return text.replace(text.find(what), what.size(), with);
}

/// A client's outcome for that answer, in which KEY stands for the accept value of its key.
std::error_code failure_of_client(std::string answer) {
    asio::io_context context;
    SocketPair pair(context);
    End<std::optional<ConnectedUpgrade>> connecting;
    connecting.start(context, optional(websocket::connect(pair.first, "h", "/", lite)));
    settle_down(context);
    std::error_code failure;
    const auto request = websocket::parse_request(received_raw(pair.second), failure);
    REQUIRE(request);
    if (answer.find("KEY") != std::string::npos) {
        const auto key = request->fields.only("Sec-WebSocket-Key");
        REQUIRE(key);
        answer = replaced(answer, "KEY", websocket::accept_of(*key));
    }
    send_raw(pair.second, answer);
    pair.second.close();
    settle_down(context);
    CHECK(connecting.over);
    CHECK(connecting.value.has_value() == !connecting.failure);
    return connecting.failure;
}

const std::string good_answer = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                                "sec-websocket-accept: KEY\r\nsec-websocket-protocol: qmux-01.moq-lite-05\r\n\r\n";

}  // namespace

TEST_CASE("websocket upgrade: a browser is accepted", "[websocket]") {
    Server server;
    server.send(from_browser + "\x82\x85");
    REQUIRE(server.accepting.value);
    const auto &accepted = server.accepted();
    CHECK(accepted.version == Version::Draft01);
    CHECK(accepted.protocol == "moq-lite-05");
    CHECK(accepted.request.target == "/room/42?jwt=x");
    CHECK(accepted.request.fields.only("Origin") == "https://example.com");
    CHECK(text_of(accepted.leftover) == "\x82\x85");
    CHECK(server.received() == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                               "Sec-WebSocket-Protocol: qmux-01.moq-lite-05\r\n\r\n");
}

TEST_CASE("websocket upgrade: the request may arrive byte by byte", "[websocket]") {
    Server server;
    for (const char &one : from_browser) {
        CHECK_FALSE(server.accepting.over);
        server.send({&one, 1});
    }
    REQUIRE(server.accepting.value);
    CHECK(server.accepted().leftover.empty());
}

TEST_CASE("websocket upgrade: any other request is returned, and more can follow", "[websocket]") {
    Server server;
    server.send("GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n" + from_browser.substr(0, 20));
    REQUIRE(server.accepting.value);
    auto request = server.request();
    CHECK(request.head.target == "/index.html");
    CHECK(request.head.keeps_alive());
    CHECK(server.received().empty());

    End<std::optional<IncomingRequest>> next;
    next.start(server.context, optional(websocket::read_request(server.pair.first, std::move(request.leftover))));
    server.send(from_browser.substr(20));
    REQUIRE(next.value);
    CHECK(websocket::is_upgrade((*next.value)->head));
    End<std::optional<AcceptedUpgrade>> accepting;
    accepting.start(server.context, optional(websocket::accept(server.pair.first, std::move(**next.value), lite)));
    settle_down(server.context);
    REQUIRE(accepting.value);
    CHECK(server.received().starts_with("HTTP/1.1 101 "));
}

TEST_CASE("websocket upgrade: a malformed request gets an answer", "[websocket]") {
    CHECK(refusal_of(replaced(from_browser, "qmux-01.moq-lite-05", "qmux-01.moq-lite-04"), Error::UnknownAlpn) ==
          "HTTP/1.1 400 Bad Request");
    CHECK(refusal_of(replaced(from_browser, "Version: 13", "Version: 8"), Error::Version) ==
          "HTTP/1.1 426 Upgrade Required");
    CHECK(refusal_of(replaced(from_browser, "Key: d", "Key: "), Error::ProtocolViolation) == "HTTP/1.1 400 Bad Request");
    CHECK(refusal_of("\x16\x03\x01", Error::Decode) == "HTTP/1.1 400 Bad Request");
    CHECK(refusal_of("GET / HTTP/1.1\r\n\r\n", Error::Decode) == "HTTP/1.1 400 Bad Request");
    CHECK(refusal_of("PRI * HTTP/2.0\r\n\r\n", Error::Version) == "HTTP/1.1 505 HTTP Version Not Supported");
    CHECK(refusal_of("GET /" + std::string(websocket::max_head_size, 'x'), Error::BoundsExceeded) ==
          "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_CASE("websocket upgrade: the stream may end before a request", "[websocket]") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, from_browser.size() - 1}) {
        Server server;
        server.send(from_browser.substr(0, size));
        server.pair.second.close();
        settle_down(server.context);
        CHECK(server.accepting.failure == asio::error::eof);
    }
}

TEST_CASE("websocket upgrade: a client tells a good answer from a bad one", "[websocket]") {
    CHECK_FALSE(failure_of_client(good_answer));
    CHECK(failure_of_client(replaced(good_answer, "KEY", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) == Error::ProtocolViolation);
    CHECK(failure_of_client(replaced(good_answer, "qmux-01", "qmux-00")) == Error::UnknownAlpn);
    CHECK(failure_of_client("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") == Error::NotFound);
    CHECK(failure_of_client("HTTP/1.1 400 Bad Request\r\n\r\n") == Error::Unsupported);
    CHECK(failure_of_client("SSH-2.0-x\r\n\r\n") == Error::Decode);
    CHECK(failure_of_client("\x15\x03\x01") == Error::Decode);
    CHECK(failure_of_client(std::string(websocket::max_head_size, 'x')) == Error::BoundsExceeded);
    for (const std::size_t size : {0u, 1u, 50u}) CHECK(failure_of_client(good_answer.substr(0, size)) == asio::error::eof);
}

TEST_CASE("websocket upgrade: a client sends nothing that would be read as something else", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    for (const auto &[host, target] : {std::pair("h", "/ x"), std::pair("h\r\nA: b", "/"), std::pair("h", "")}) {
        End<std::optional<ConnectedUpgrade>> connecting;
        connecting.start(context, optional(websocket::connect(pair.first, host, target, lite)));
        settle_down(context);
        CHECK(connecting.failure == Error::Encode);
    }
    CHECK(received_raw(pair.second).empty());
}

TEST_CASE("websocket upgrade: a connection of qmux runs the protocol that client and server agreed on", "[websocket]") {
    for (const std::size_t at_once : {1u, 7u, 5000u}) {
        asio::io_context context;
        SocketPair pair(context);
        Trickle at_client{std::move(pair.first), at_once}, at_server{std::move(pair.second), at_once};
        End<std::optional<ConnectedUpgrade>> connecting;
        End<Accepting> accepting;
        connecting.start(context, optional(websocket::connect(at_client, "h", "/room", lite)));
        accepting.start(context, optional(websocket::accept(at_server, lite)));
        settle_down(context);
        REQUIRE(connecting.value);
        REQUIRE(accepting.value);
        const auto &here = **connecting.value;
        const auto &there = std::get<AcceptedUpgrade>(**accepting.value);
        CHECK(here.version == Version::Draft02);
        CHECK(there.version == Version::Draft02);
        CHECK(there.request.target == "/room");

        qmux::ConnectionConfig config;
        config.version = here.version;
        config.protocol = here.protocol;
        const auto client = std::make_shared<qmux::Connection>(context.get_executor(), true, config);
        const auto server = std::make_shared<qmux::Connection>(context.get_executor(), false, config);
        using Channel = websocket::WebSocketChannel<Trickle>;
        int running = 2;
        const auto over = [&running](std::exception_ptr) { --running; };
        asio::co_spawn(context, qmux::run(client, Channel(std::move(at_client), Role::Client, here.leftover)), over);
        asio::co_spawn(context, qmux::run(server, Channel(std::move(at_server), Role::Server, there.leftover)), over);
        settle_down(context);
        CHECK(client->protocol() == "moq-lite-05");
        // Each side has the other's parameters.
        CHECK(client->max_datagram_size() != 0);
        CHECK(server->max_datagram_size() != 0);
        client->close({}, "done");
        settle_down(context);
        // It did not wait for a time-out.
        CHECK(running == 0);
    }
}

}
