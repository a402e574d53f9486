// Servers that refuse, say nothing or are something else: each attempt has its time, and ends with the reason.
#include <comoq/net/connect.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "net/net_scene.hpp"
#include "net/raw_server.hpp"
#include "support/catch.hpp"
#include "support/manual_sleep.hpp"

namespace connect_failures_tests {

using namespace comoq;
using namespace comoq::test;
using namespace connect_tests;

TEST_CASE("connect, tcp: a web server, a TLS server and a server that closes are told apart", "[net]") {
    asio::io_context context;
    RawServer server(context);
    const auto outcome_of = [&](const std::string &answer, bool closes) {
        server.answer(answer, closes);
        return connect_now(context, "tcp://127.0.0.1:" + server.port()).failure;
    };
    const std::string http = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    CHECK(outcome_of(http, true) == ConnectError::ServerSpeaksHttp);
    // It keeps the connection.
    CHECK(outcome_of(http, false) == ConnectError::ServerSpeaksHttp);
    CHECK(outcome_of(std::string("\x15\x03\x01\x00\x02\x02\x46", 7), true) == ConnectError::ServerSpeaksTls);
    CHECK(outcome_of("", true) == ConnectError::ClosedAtOnce);
}

TEST_CASE("connect, tcp: a server that says nothing ends the attempt with GreetingTimeout", "[net]") {
    asio::io_context context;
    RawServer server(context);
    server.answer("", false);
    ManualSleep time;
    ConnectConfig config;
    config.session.sleep = time;
    Connected connected;
    auto connecting = comoq::connect(context.get_executor(), "tcp://127.0.0.1:" + server.port(), std::move(config));
    connecting.async_wait(asio::bind_executor(context, [&](std::error_code code, const auto &) { connected = {nullptr, code, true}; }));
    run_until(context, [&] { return server.has_answered && time.sleepers() == 1; });
    time.advance(std::chrono::milliseconds(4'999));
    context.poll();
    CHECK_FALSE(connected.over);
    time.advance(std::chrono::milliseconds(1));
    run_until(context, [&] { return connected.over; });
    CHECK(connected.failure == ConnectError::GreetingTimeout);
}

TEST_CASE("connect: an address that refuses or does not answer gives way to the next one", "[net]") {
    asio::io_context context;
    NetServer server(context, "tcp://127.0.0.1:0");
    // A full backlog: the system drops what comes then, and the attempt hangs.
    tcp::acceptor full(context);
    const tcp::endpoint silent(asio::ip::make_address("127.0.0.2"), *server.listener->url().port);
    full.open(tcp::v4());
    full.bind(silent);
    full.listen(0);
    std::vector<tcp::socket> fill;
    for (int i = 0; i < 3; ++i) {
        fill.emplace_back(context);
        fill.back().async_connect(silent, [](std::error_code) {});
    }
    context.poll();

    ManualSleep time;
    ConnectConfig config;
    config.session.sleep = time;
    std::vector<std::string> asked;
    config.resolve = [&](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
        asked.push_back(host);
        std::vector<asio::ip::address> found;
        found.push_back(asio::ip::make_address("127.0.0.2"));
        found.push_back(asio::ip::make_address("::1"));
        found.push_back(asio::ip::make_address("127.0.0.1"));
        co_return found;
    };
    Connected connected;
    auto connecting = comoq::connect(context.get_executor(), "tcp://relay.example:" + server.port(), std::move(config));
    connecting.async_wait(asio::bind_executor(context, [&](std::error_code code, std::shared_ptr<Session> session) {
        connected = {std::move(session), code, true};
    }));
    run_until(context, [&] { return time.sleepers() == 2; });
    CHECK(asked == std::vector<std::string>{"relay.example"});
    CHECK_FALSE(connected.over);
    // The first address keeps its lead; the second one refuses, and the third follows at once.
    time.advance(std::chrono::milliseconds(250));
    run_until(context, [&] { return connected.over; });
    CHECK_FALSE(connected.failure);
    REQUIRE(connected.session);
    connected.session->close();
    server.end();
}

TEST_CASE("connect: if all addresses fail, the failure of the first one counts", "[net]") {
    asio::io_context context;
    ConnectConfig config;
    config.resolve = [](std::string) -> asio::awaitable<std::vector<asio::ip::address>> {
        std::vector<asio::ip::address> none;
        co_return none;
    };
    CHECK(connect_now(context, "tcp://relay.example:1", config).failure == ConnectError::NoAddress);
    config.resolve = [](std::string) -> asio::awaitable<std::vector<asio::ip::address>> {
        std::vector<asio::ip::address> found;
        found.push_back(asio::ip::make_address("127.0.0.1"));
        found.push_back(asio::ip::make_address("127.0.0.2"));
        co_return found;
    };
    CHECK(connect_now(context, "tcp://relay.example:" + closed_port(context), config).failure == asio::error::connection_refused);
}

TEST_CASE("connect: each step has its deadline", "[net]") {
    asio::io_context context;
    ManualSleep time;
    ConnectConfig config;
    config.session.sleep = time;
    config.resolve = [&](std::string) -> asio::awaitable<std::vector<asio::ip::address>> {
        co_await ManualSleep()(std::chrono::hours(1));
        co_return std::vector<asio::ip::address>();
    };
    Connected connected;
    auto connecting = comoq::connect(context.get_executor(), "tcp://relay.example:1", std::move(config));
    connecting.async_wait(asio::bind_executor(context, [&](std::error_code code, const auto &) { connected = {nullptr, code, true}; }));
    context.poll();
    CHECK_FALSE(connected.over);
    time.advance(std::chrono::seconds(5));
    run_until(context, [&] { return connected.over; });
    CHECK(connected.failure == ConnectError::ResolveTimeout);
}

TEST_CASE("connect: a session that the server refuses ends with the reason", "[net]") {
    asio::io_context context;
    ListenConfig config;
    config.session.authorize = [](const lite::Setup &, const Transport &) -> asio::awaitable<lite::SessionViews> {
        throw std::system_error(make_error_code(Error::Unauthorized));
        co_return lite::SessionViews();
    };
    NetServer server(context, "tcp://127.0.0.1:0", std::move(config));
    const auto connected = connect_now(context, server.url("/room"));
    std::error_code end = connected.failure;
    if (connected.session) {
        auto closed = connected.session->closed();
        closed.async_wait(asio::bind_executor(context, [&](std::error_code, std::error_code code) { end = code; }));
    }
    run_until(context, [&] { return static_cast<bool>(end); });
    CHECK(end == Error::Unauthorized);
    server.end();
    CHECK(server.refused == std::vector<std::error_code>{make_error_code(Error::Unauthorized)});
}

}
