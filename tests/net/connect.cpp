// Connections over sockets of this machine, by tcp.
#include <comoq/net/connect.hpp>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <new>
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
#include <asio/ip/tcp.hpp>
#include <asio/strand.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>

#include <comoq/detail/net/tcp_acceptor.hpp>
#include <comoq/detail/wait/code_of.hpp>
#include <comoq/net/listener.hpp>
#include <comoq/net/schemes.hpp>
#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/net/source_limits.hpp>
#include <comoq/with_timeout.hpp>

#include "net/net_scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_sleep.hpp"
#include "support/media.hpp"

namespace connect_tests {

using namespace comoq;
using namespace comoq::test;
using asio::ip::tcp;

namespace {

/// A server that reads what a client sends first, and answers what the test says.
struct RawServer {
    explicit RawServer(asio::io_context &context) : acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
    std::string port() const { return std::to_string(acceptor.local_endpoint().port()); }
    /// To one connection. Closes it after that if `closes`.
    void answer(std::string text, bool closes) {
        acceptor.async_accept([this, text = std::move(text), closes](std::error_code failed, tcp::socket socket) {
            if (failed) {
                return;
            }
            kept.push_back(std::move(socket));
            kept.back().async_read_some(asio::buffer(room), [this, text, closes](std::error_code, std::size_t) {
                std::error_code ignored;
                asio::write(kept.back(), asio::buffer(text), ignored);
                has_answered = true;
                if (closes) {
                    kept.pop_back();
                }
            });
        });
    }

    tcp::acceptor acceptor;
    std::vector<tcp::socket> kept;
    std::array<char, 4096> room{};
    bool has_answered = false;
};

/// A client that says nothing, and sees the end of its connection.
struct SilentClient {
    SilentClient(asio::io_context &context, std::uint16_t port) : socket(context) {
        socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
        asio::async_read(socket, asio::buffer(all), [this](std::error_code, std::size_t) { is_over = true; });
    }
    tcp::socket socket;
    std::vector<char> all = std::vector<char>(1 << 20);
    bool is_over = false;
};

/// A listener whose `run` can be cancelled.
struct CancelledListener {
    CancelledListener(asio::io_context &context, ListenConfig config)
        : listener(context.get_executor(), "tcp://127.0.0.1:0", std::move(config)) {
        asio::co_spawn(context, listener.run(), asio::bind_cancellation_slot(cancel.slot(), [this](const std::exception_ptr &thrown) {
                           failure = detail::code_of(thrown);
                           over = true;
                       }));
    }
    std::uint16_t port() const { return *listener.url().port; }

    Listener listener;
    asio::cancellation_signal cancel;
    std::error_code failure;
    bool over = false;
};

/// A port at which nobody listens.
std::string closed_port(asio::io_context &context) { return RawServer(context).port(); }

}  // namespace

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

TEST_CASE("limits of an address that are 0 keep nothing of those that are refused", "[net]") {
    net::SourceLimits limits(0, 1);
    CHECK_FALSE(limits.enter(asio::ip::address_v4::loopback()));
    CHECK(limits.size() == 0);
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

TEST_CASE("listen: the connection of a client ends with its hook, whether that returns or throws", "[net]") {
    const bool throws = GENERATE(false, true);
    asio::io_context context;
    ListenConfig config;
    // It outlives the hook, as one that the hook has given away.
    std::shared_ptr<Transport> kept;
    config.serve = [&](AcceptedClient client) -> asio::awaitable<void> {
        kept = client.transport;
        if (throws) detail::throw_error(make_error_code(Error::Unauthorized));
        co_return;
    };
    NetServer server(context, "tcp://127.0.0.1:0", std::move(config));
    SilentClient client(context, *server.listener->url().port);
    run_until(context, [&] { return client.is_over; });
    server.end();
    CHECK(server.refused.size() == (throws ? 1 : 0));
}

TEST_CASE("listen: a cancelled run ends the clients of a hook, and listens no longer", "[net]") {
    asio::io_context context;
    ListenConfig config;
    ManualSleep time;
    std::shared_ptr<Transport> kept;
    config.serve = [&](AcceptedClient client) -> asio::awaitable<void> {
        kept = client.transport;
        co_await time(std::chrono::hours(1));
    };
    CancelledListener server(context, std::move(config));
    SilentClient client(context, server.port());
    run_until(context, [&] { return time.sleepers() == 1; });
    server.cancel.emit(asio::cancellation_type::terminal);
    run_until(context, [&] { return server.over && client.is_over; });
    CHECK(server.failure == asio::error::operation_aborted);
    CHECK(server.listener.connections() == 0);
    const auto url = server.listener.url().text();
    CHECK(connect_now(context, url).failure == asio::error::connection_refused);
}

TEST_CASE("listen: a cancelled run ends all sessions", "[net]") {
    asio::io_context context;
    Origin there;
    ListenConfig config;
    config.session.publish = there.consumer();
    CancelledListener server(context, std::move(config));
    const auto connected = connect_now(context, server.listener.url().text());
    REQUIRE(connected.session);
    CHECK(server.listener.connections() == 1);
    server.cancel.emit(asio::cancellation_type::terminal);
    run_until(context, [&] { return server.over; });
    CHECK(server.listener.connections() == 0);
    run_until(context, [&] { return connected.session->closed().ready(); });
}

TEST_CASE("listen: one deadline is for the handshake and the SETUP together", "[net]") {
    net::Scheme scheme;
    scheme.name = "test-slow";
    scheme.listen = [](asio::any_io_executor executor, net::Url &url, std::shared_ptr<const ListenConfig> listening) {
        auto shake = [listening](tcp::socket socket) -> asio::awaitable<AcceptedClient> {
            co_await sleep_for(std::chrono::seconds(6), listening->session.sleep);
            qmux::ConnectionConfig parameters;
            parameters.protocols = listening->protocols;
            AcceptedClient client;
            client.transport = qmux::start(qmux::TcpChannel<tcp::socket>(std::move(socket)), false, std::move(parameters));
            co_return client;
        };
        return net::detail::acceptors_at(executor, url, listening, shake);
    };
    net::add_scheme(scheme);
    asio::io_context context;
    ManualSleep time;
    ListenConfig config;
    config.session.sleep = time;
    NetServer server(context, "test-slow://127.0.0.1:0", std::move(config));
    SilentClient client(context, *server.listener->url().port);
    run_until(context, [&] { return time.sleepers() == 2; });
    time.advance(std::chrono::seconds(6));
    context.poll();
    time.advance(std::chrono::milliseconds(3'999));
    context.poll();
    CHECK(server.refused.empty());
    time.advance(std::chrono::milliseconds(1));
    run_until(context, [&] { return client.is_over && !server.refused.empty(); });
    CHECK(server.refused == std::vector<std::error_code>{make_error_code(Error::Timeout)});
    server.end();
}

TEST_CASE("listen: an acceptor without memory for a connection is asked again after a pause", "[net]") {
    static int asked = 0;
    struct Poor final : net::Acceptor {
        asio::awaitable<std::unique_ptr<net::Arrival>> next() override {
            ++asked;
            if (asked <= 2) throw std::bad_alloc();
            throw std::system_error(asio::error::operation_aborted);
            co_return nullptr;
        }
        void close() override {}
    };
    net::Scheme scheme;
    scheme.name = "test-poor";
    scheme.usual_port = 1;
    scheme.listen = [](asio::any_io_executor, net::Url &, std::shared_ptr<const ListenConfig>) {
        std::vector<std::unique_ptr<net::Acceptor>> all;
        all.push_back(std::make_unique<Poor>());
        return all;
    };
    net::add_scheme(scheme);
    asio::io_context context;
    ManualSleep time;
    ListenConfig config;
    config.session.sleep = time;
    NetServer server(context, "test-poor://h", std::move(config));
    for (int i = 1; i <= 2; ++i) {
        context.poll();
        CHECK(asked == i);
        time.advance(std::chrono::milliseconds(100));
    }
    run_until(context, [&] { return server.over; });
    CHECK_FALSE(server.failure);
    CHECK(asked == 3);
    CHECK(server.listener->refused() == 2);
}

TEST_CASE("listen: why nothing can be accepted is told once, and again after a minute without", "[net]") {
    asio::io_context context;
    ListenConfig config;
    config.serve = [](AcceptedClient) -> asio::awaitable<void> { co_return; };
    std::vector<std::error_code> told;
    config.on_refused = [&](const asio::ip::address &address, std::error_code code) {
        CHECK(address == asio::ip::address());
        told.push_back(code);
    };
    const auto shared = std::make_shared<const ListenConfig>(std::move(config));
    net::detail::AcceptFailures failures(shared);
    const auto tell = [&failures](std::error_code code, int second) {
        failures.tell(code, std::chrono::steady_clock::time_point(std::chrono::seconds(second)));
    };
    tell(asio::error::no_descriptors, 100);
    tell(asio::error::no_descriptors, 101);
    tell(asio::error::no_memory, 102);
    tell(asio::error::no_descriptors, 162);
    CHECK(told == std::vector<std::error_code>{asio::error::no_descriptors, asio::error::no_memory});
    tell(asio::error::no_descriptors, 223);
    CHECK(told.size() == 3);
}

TEST_CASE("a listener that was moved from accepts nothing, and has an empty URL", "[net]") {
    asio::io_context context;
    Listener first(context.get_executor(), "tcp://127.0.0.1:0");
    const Listener second(std::move(first));
    CHECK(second.url().port != 0);
    CHECK(first.url().scheme.empty());
    CHECK(first.connections() + first.refused() == 0);
    first.close();
    bool over = false;
    asio::co_spawn(context, first.run(), [&](const std::exception_ptr &failure) { over = failure == nullptr; });
    run_until(context, [&] { return over; });
}

}  // namespace connect_tests
