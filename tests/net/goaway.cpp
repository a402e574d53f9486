// Clients that a server sends to another address.
#include <comoq/net/connect.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <comoq/detail/wait/code_of.hpp>
#include <comoq/net/listener.hpp>

#include "net/net_scene.hpp"
#include "support/catch.hpp"

namespace goaway_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A server that sends each client to `address`, and serves it if that is empty.
struct Sender {
    explicit Sender(asio::io_context &context) : server(context, "tcp://127.0.0.1:0", config()) {}
    ListenConfig config() {
        ListenConfig config;
        config.serve = [this](AcceptedClient client) { return serve(*this, std::move(client)); };
        return config;
    }
    static asio::awaitable<void> serve(Sender &self, AcceptedClient client) {
        ++self.clients;
        lite::SessionConfig config;
        config.publish = self.server.there.consumer();
        lite::Session session(client.transport, std::move(config));
        co_await session.peer();
        ++self.sessions;
        if (!self.address.empty()) session.goaway(self.address);
        self.latest = client.transport;
        co_await session.closed();
    }
    std::string there() const { return "tcp://127.0.0.1:" + server.port(); }

    std::string address;
    int clients = 0, sessions = 0;
    std::shared_ptr<Transport> latest;
    NetServer server;
};

/// All servers of these tests are on one host.
ConnectConfig same_host() {
    ConnectConfig config;
    config.redirects.hosts = {"127.0.0.1"};
    return config;
}

/// A client of `url` until the scene ends.
struct Kept {
    Kept(asio::io_context &on, const std::string &url, ConnectConfig config = same_host()) : context(on) {
        lite::ReconnectConfig retry;
        retry.first_delay = retry.longest_delay = std::chrono::milliseconds(1);
        retry.gives_up_on = [](std::error_code code) { return static_cast<bool>(code); };
        retry.on_change = [this](const lite::ConnectionEvent &event) {
            using Kind = lite::ConnectionEvent::Kind;
            if (event.kind == Kind::SentAway || event.kind == Kind::Lost) lost.push_back(event.code);
        };
        asio::co_spawn(context, keep_connected(url, std::move(config), std::move(retry)),
                       asio::bind_cancellation_slot(cancel.slot(), [this](const std::exception_ptr &thrown) {
                           failure = detail::code_of(thrown);
                           is_over = true;
                       }));
    }
    void end() {
        cancel.emit(asio::cancellation_type::terminal);
        run_until(context, [this] { return is_over; });
        CHECK(failure == asio::error::operation_aborted);
    }

    asio::io_context &context;
    asio::cancellation_signal cancel;
    std::vector<std::error_code> lost;
    std::error_code failure;
    bool is_over = false;
};

}  // namespace

TEST_CASE("keep_connected follows a server to another address, and comes back when the connection there is lost", "[net]") {
    asio::io_context context;
    Sender home(context), other(context);
    home.address = other.there();
    Kept client(context, home.there());
    run_until(context, [&] { return other.sessions == 1; });
    CHECK(home.sessions == 1);
    home.address.clear();
    other.latest->close(0, "gone");
    run_until(context, [&] { return home.sessions == 2; });
    CHECK(other.clients == 1);
    client.end();
}

TEST_CASE("keep_connected goes on with its URL when an address is refused, or nobody is there", "[net]") {
    const std::string address = GENERATE("tcp://127.0.0.2:1", "ws://127.0.0.1:1", "nonsense", "tcp://127.0.0.1:1");
    INFO(address);
    asio::io_context context;
    Sender home(context);
    home.address = address;
    Kept client(context, home.there());
    run_until(context, [&] { return home.sessions >= 2; });
    // First a session is sent away, in peace.
    REQUIRE(client.lost.size() >= 2);
    CHECK_FALSE(client.lost.front());
    if (address == "tcp://127.0.0.1:1") {
        CHECK(client.lost[1] == asio::error::connection_refused);
    } else {
        CHECK(client.lost[1] == ConnectError::RedirectRefused);
    }
    client.end();
}

TEST_CASE("keep_connected follows no address at another port of its URL's host that is not listed", "[net]") {
    asio::io_context context;
    Sender home(context), other(context);
    home.address = other.there();
    Kept client(context, home.there(), ConnectConfig());
    run_until(context, [&] { return home.sessions == 2; });
    CHECK(other.clients == 0);
    REQUIRE(client.lost.size() >= 2);
    CHECK(client.lost[1] == ConnectError::RedirectRefused);
    client.end();
}

TEST_CASE("keep_connected follows no circle for ever", "[net]") {
    asio::io_context context;
    Sender home(context), other(context);
    home.address = other.there();
    other.address = home.there();
    Kept client(context, home.there());
    const auto refused = [&] { return std::count(client.lost.begin(), client.lost.end(), ConnectError::RedirectRefused); };
    const auto clients = [&] { return home.clients + other.clients; };
    run_until(context, [&] { return refused() == 1 || clients() > 5 || client.is_over; });
    CHECK(refused() == 1);
    // The URL, and four addresses.
    CHECK(clients() == 5);
    client.end();
}

TEST_CASE("keep_connected goes to no address if none may be followed", "[net]") {
    asio::io_context context;
    Sender home(context), other(context);
    home.address = other.there();
    auto config = same_host();
    config.redirects.most = 0;
    Kept client(context, home.there(), std::move(config));
    run_until(context, [&] { return home.sessions == 3; });
    CHECK(other.clients == 0);
    client.end();
}

}  // namespace goaway_tests
