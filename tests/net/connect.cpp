// Connections over sockets of this machine, by tcp.
#include <comoq/net/connect.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/use_future.hpp>

#include <comoq/net/listener.hpp>
#include <comoq/net/schemes.hpp>
#include <comoq/qmux/run.hpp>

#include "net/net_scene.hpp"
#include "net/raw_server.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace connect_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("connect and listen, tcp: the session is admitted, and the path of the URL is its root", "[net]") {
    asio::io_context context;
    NetServer server(context, "tcp://127.0.0.1:0");
    auto inside = server.there.producer().create_broadcast("room/alice");
    auto outside = server.there.producer().create_broadcast("secret");
    Origin here;
    ConnectConfig config;
    config.session.subscribe = here.producer();
    auto connected = connect_now(context, server.url("/room"), std::move(config));
    REQUIRE(connected.session);
    run_until(context, [&] { return here.stats().announced == 1; });
    CHECK(here.consumer().announced_broadcast("alice").ready());
    CHECK(connected.session->admitted().ready());
    connected.session->close();
    server.end();
    CHECK_FALSE(server.failure);
    CHECK(server.refused.empty());
}

TEST_CASE("connect, tcp: the failures of the system are passed on", "[net]") {
    asio::io_context context;
    CHECK(connect_now(context, "tcp://127.0.0.1:" + closed_port(context)).failure == asio::error::connection_refused);
}

TEST_CASE("connect: the exception of the operation names the URL, without its query", "[net]") {
    asio::io_context context;
    const auto url = "tcp://127.0.0.1:" + closed_port(context) + "/room";
    auto connecting = comoq::connect(context.get_executor(), url + "?jwt=secret");
    std::string what;
    const auto wait = [&]() -> asio::awaitable<void> { co_await std::move(connecting); };
    asio::co_spawn(context, wait(), [&](const std::exception_ptr &failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const std::system_error &error) {
            what = error.what();
        }
    });
    run_until(context, [&] { return !what.empty(); });
    CHECK(what.find("comoq: '" + url + "': ") == 0);
}

TEST_CASE("connect: the operation may outlive the context that was destroyed in the midst of the attempt", "[net]") {
    for (int steps = 0; steps < 4; ++steps) {
        asio::io_context elsewhere;
        RawServer server(elsewhere);
        std::optional<Operation<std::shared_ptr<Session>>> connecting;
        {
            asio::io_context context;
            connecting.emplace(comoq::connect(context.get_executor(), "tcp://127.0.0.1:" + server.port()));
            for (int i = 0; i < steps; ++i) context.poll_one();
            CHECK_FALSE(connecting->ready());
        }
        CHECK(connecting->ready());
        connecting.reset();
    }
}

TEST_CASE("connect: the path is the URL's, also if the configuration has one", "[net]") {
    asio::io_context context;
    ListenConfig listening;
    std::optional<std::string> asked;
    listening.session.authorize = [&](const lite::Setup &setup, const Transport &) -> asio::awaitable<lite::SessionViews> {
        asked = setup.path;
        co_return lite::SessionViews();
    };
    NetServer server(context, "tcp://127.0.0.1:0", std::move(listening));
    ConnectConfig config;
    config.session.path = "/other";
    auto connected = connect_now(context, server.url("/room"), std::move(config));
    run_until(context, [&] { return asked.has_value(); });
    CHECK(asked == "/room");
    if (connected.session) connected.session->close();
    server.end();
}

TEST_CASE("connect: a wrong URL, an unknown scheme and a missing port throw at once, with a sentence", "[net]") {
    asio::io_context context;
    const auto text_of = [&](std::string_view url) -> std::string {
        try {
            static_cast<void>(comoq::connect(context.get_executor(), url));
        } catch (const std::system_error &error) {
            return error.what();
        }
        return {};
    };
    CHECK(text_of("tcp://h:x").find("not a number") != std::string::npos);
    CHECK(text_of("tcp://h").find("names no port") != std::string::npos);
    const auto unknown = text_of("gopher://h/a?jwt=secret");
    CHECK(unknown.find("'gopher://h/a': this program knows tcp://") == 0);
    CHECK(unknown.find("unknown URL scheme") != std::string::npos);
    CHECK(error_of([&] { return comoq::connect(context.get_executor(), "gopher://h"); }) == ConnectError::UnknownScheme);
    CHECK(error_of([&] { return comoq::connect(context.get_executor(), "tcp://h"); }) == ConnectError::InvalidUrl);
    CHECK(context.poll() == 0);
}

TEST_CASE("connect: dropping the operation at any step leaves nothing behind", "[net]") {
    int steps = 0;
    for (bool finished = false; !finished; ++steps) {
        REQUIRE(steps < 1'000);
        asio::io_context context;
        NetServer server(context, "tcp://127.0.0.1:0");
        std::optional connecting(comoq::connect(context.get_executor(), server.url()));
        for (int i = 0; i < steps && !connecting->ready(); ++i) {
            context.run_one_for(std::chrono::seconds(10));
        }
        finished = connecting->ready();
        connecting.reset();
        server.listener->close();
        // All sessions end, and nothing waits any more: otherwise this would not return.
        run_until(context, [&] { return server.over; });
        CHECK(server.listener->connections() == 0);
    }
    CHECK(steps > 5);
}

TEST_CASE("connect: a cancelled wait ends the attempt", "[net]") {
    asio::io_context context;
    RawServer server(context);
    server.answer("", false);
    asio::cancellation_signal cancel;
    std::error_code failure;
    auto connecting = comoq::connect(context.get_executor(), "tcp://127.0.0.1:" + server.port());
    connecting.async_wait(asio::bind_cancellation_slot(
        cancel.slot(), asio::bind_executor(context, [&](std::error_code code, const auto &) { failure = code; })));
    run_until(context, [&] { return server.has_answered; });
    cancel.emit(asio::cancellation_type::terminal);
    run_until(context, [&] { return static_cast<bool>(failure); });
    CHECK(failure == asio::error::operation_aborted);
    // The other end sees that the connection is closed.
    std::error_code end;
    std::vector<char> all(1 << 16);
    asio::async_read(server.kept.front(), asio::buffer(all), [&](std::error_code code, std::size_t) { end = code; });
    run_until(context, [&] { return static_cast<bool>(end); });
    CHECK(end);
}

TEST_CASE("connect: with use_future, on a strand of a context that two threads run", "[net]") {
    asio::io_context context;
    const auto work = asio::make_work_guard(context);
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] { context.run(); });
    }
    Origin there;
    const auto strand = asio::make_strand(context);
    ListenConfig config;
    config.session.publish = there.consumer();
    std::optional<Listener> listener;
    asio::cancellation_signal stop;
    std::promise<void> listening;
    asio::post(strand, [&] {
        listener.emplace(strand, "tcp://127.0.0.1:0", std::move(config));
        listening.set_value();
    });
    listening.get_future().get();
    auto served = asio::co_spawn(strand, listener->run(), asio::use_future);
    const auto url = listener->url().text();
    for (int i = 0; i < 5; ++i) {
        auto connecting = comoq::connect(asio::make_strand(context), url);
        auto future = connecting.async_wait(asio::use_future);
        const auto session = future.get();
        REQUIRE(session);
        session->close();
    }
    asio::post(strand, [&] { listener->close(); });
    served.get();
    auto refused = comoq::connect(asio::make_strand(context), url);
    auto future = refused.async_wait(asio::use_future);
    CHECK(error_of([&] { return future.get(); }) == asio::error::connection_refused);
    context.stop();
    for (auto &thread : threads) {
        thread.join();
    }
}

TEST_CASE("keep_connected with a URL connects again when the connection is lost, and ends when it is cancelled", "[net]") {
    asio::io_context context;
    Origin there;
    std::vector<std::shared_ptr<Transport>> clients;
    ListenConfig listening;
    listening.session.publish = there.consumer();
    listening.serve = [&](AcceptedClient client) -> asio::awaitable<void> {
        clients.push_back(client.transport);
        lite::SessionConfig serving;
        serving.publish = there.consumer();
        lite::Session session(client.transport, std::move(serving));
        co_await session.closed();
    };
    NetServer server(context, "tcp://127.0.0.1:0", std::move(listening));
    auto broadcast = there.producer().create_broadcast("a");
    Origin here;
    ConnectConfig config;
    config.session.subscribe = here.producer();
    lite::ReconnectConfig retry;
    retry.first_delay = std::chrono::milliseconds(1);
    std::vector<std::error_code> lost;
    retry.on_retry = [&](std::error_code code, std::chrono::milliseconds) { lost.push_back(code); };
    asio::cancellation_signal cancel;
    bool over = false;
    asio::co_spawn(context, keep_connected(server.url(), std::move(config), std::move(retry)),
                   asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr &) { over = true; }));
    run_until(context, [&] { return here.stats().announced == 1; });
    CHECK(clients.size() == 1);
    clients.front()->close(0, "lost");
    run_until(context, [&] { return clients.size() == 2 && here.stats().announced == 1; });
    CHECK(lost.size() == 1);
    server.listener->close();
    cancel.emit(asio::cancellation_type::terminal);
    run_until(context, [&] { return over && server.over; });
    CHECK(here.stats().announced == 0);
    CHECK(error_of([&] { return keep_connected("gopher://h", ConnectConfig()); }) == ConnectError::UnknownScheme);
}

TEST_CASE("a scheme that is added is known to connect, and named to those that look for another one", "[net]") {
    static int asked = 0;
    net::Scheme scheme;
    scheme.name = "test-moqt";
    scheme.usual_port = 443;
    scheme.connect = [](net::Url url, std::shared_ptr<const ConnectConfig>) -> asio::awaitable<std::shared_ptr<Transport>> {
        asked += url.port.value_or(0);
        throw std::system_error(make_error_code(Error::Unsupported));
        co_return nullptr;
    };
    net::add_scheme(scheme);
    asio::io_context context;
    CHECK(connect_now(context, "test-moqt://h").failure == Error::Unsupported);
    CHECK(asked == 443);
    try {
        static_cast<void>(comoq::connect(context.get_executor(), "gopher://h"));
    } catch (const std::system_error &error) {
        CHECK(std::string(error.what()).find("test-moqt://") != std::string::npos);
    }
    CHECK(error_of([&] { return Listener(context.get_executor(), "test-moqt://h"); }) == ConnectError::UnknownScheme);
}

}
