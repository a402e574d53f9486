// The connections of a listener, and how they end.
#include <comoq/net/connect.hpp>

#include <chrono>
#include <memory>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>

#include <comoq/detail/net/tcp_acceptor.hpp>
#include <comoq/detail/wait/code_of.hpp>
#include <comoq/net/listener.hpp>
#include <comoq/net/schemes.hpp>
#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/net/source_limits.hpp>
#include <comoq/with_timeout.hpp>

#include "net/net_scene.hpp"
#include "net/raw_server.hpp"
#include "support/catch.hpp"
#include "support/manual_sleep.hpp"

namespace listen_tests {

using namespace comoq;
using namespace comoq::test;
using namespace connect_tests;

namespace {

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

}  // namespace

TEST_CASE("limits of an address that are 0 keep nothing of those that are refused", "[net]") {
    net::SourceLimits limits(0, 1);
    CHECK_FALSE(limits.enter(asio::ip::address_v4::loopback()));
    CHECK(limits.size() == 0);
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

}
