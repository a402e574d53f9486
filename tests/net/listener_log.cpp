// What the program's log says of connections.
#include <comoq/net/listener.hpp>

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>

#include <comoq/net/connect.hpp>

#include "net/net_scene.hpp"
#include "support/catch.hpp"
#include "support/logged.hpp"

namespace listener_log_tests {

using namespace comoq;
using namespace comoq::test;
using Lines = std::vector<std::string>;

namespace {

/// Those that begin so.
Lines those_of(const Lines &lines, const std::string &begin) {
    Lines found;
    for (const auto &line : lines)
        if (line.starts_with(begin)) found.push_back(line);
    return found;
}

}  // namespace

TEST_CASE("log of a listener: where it listens, who is accepted, and the session by the client's address", "[net][log]") {
    Logged logged;
    asio::io_context context;
    NetServer server(context, "tcp://127.0.0.1:0");
    CHECK(logged.take() == Lines{"info listening name='" + server.url() + "'"});
    auto connected = connect_now(context, server.url());
    REQUIRE(connected.session);
    connected.session->close();
    server.end();
    const auto lines = logged.take();
    CHECK(those_of(lines, "debug accepted") == Lines{"debug accepted name='127.0.0.1'"});
    CHECK(those_of(lines, "debug connecting") == Lines{"debug connecting name='" + server.url() + "'"});
    CHECK(those_of(lines, "info session_begun name='127.0.0.1'").size() == 1);
    CHECK(those_of(lines, "info session_ended name='127.0.0.1'").size() == 1);
    CHECK(those_of(lines, "info client_failed").empty());
}

TEST_CASE("log of a listener: a connection beyond a limit is refused with the name of the limit", "[net][log]") {
    const bool is_of_address = GENERATE(false, true);
    Logged logged;
    asio::io_context context;
    ListenConfig config;
    (is_of_address ? config.max_connections_of_address : config.max_connections) = 0;
    NetServer server(context, "tcp://127.0.0.1:0", std::move(config));
    const asio::ip::tcp::endpoint there(asio::ip::address_v4::loopback(), *server.listener->url().port);
    asio::ip::tcp::socket socket(context), another(context);
    socket.connect(there);
    another.connect(there);
    run_until(context, [&] { return server.refused.size() == 2; });
    server.end();
    const std::string which = is_of_address ? "too many of one address" : "too many are connected";
    const auto lines = logged.take();
    CHECK(those_of(lines, "debug connection_refused") ==
          Lines(2, "debug connection_refused name='127.0.0.1' code='limit reached' reason='" + which + "'"));
    // One warning, however many come.
    CHECK(those_of(lines, "warning") ==
          Lines{"warning limit_reached name='" + server.url() + "' code='limit reached' reason='" + which + "'"});
}

TEST_CASE("log of a listener: a handshake that fails is told with its code", "[net][log]") {
    Logged logged;
    asio::io_context context;
    NetServer server(context, "tcp://127.0.0.1:0");
    {
        asio::ip::tcp::socket socket(context);
        socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), *server.listener->url().port));
    }
    run_until(context, [&] { return server.refused.size() == 1; });
    server.end();
    CHECK(those_of(logged.take(), "debug handshake_failed name='127.0.0.1' code='the transport failed'").size() == 1);
}

TEST_CASE("log of a listener: what the program's own code throws for a client is told with its words", "[net][log]") {
    Logged logged(LogLevel::Info);
    asio::io_context context;
    ListenConfig config;
    config.serve = [](AcceptedClient) -> asio::awaitable<void> { throw std::runtime_error("the list of guests is away"); };
    NetServer server(context, "tcp://127.0.0.1:0", std::move(config));
    asio::ip::tcp::socket socket(context);
    socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), *server.listener->url().port));
    run_until(context, [&] { return server.refused.size() == 1; });
    server.end();
    CHECK(those_of(logged.take(), "info client_failed") ==
          Lines{"info client_failed name='127.0.0.1' code='cancelled' reason='the list of guests is away'"});
}

TEST_CASE("log of connect: what the program's own code throws is told with its words, and a cancellation is not", "[net][log]") {
    Logged logged(LogLevel::Info);
    asio::io_context context;
    const bool is_cancelled = GENERATE(false, true);
    ConnectConfig config;
    config.resolve = [is_cancelled](std::string) -> asio::awaitable<std::vector<asio::ip::address>> {
        if (is_cancelled) throw std::system_error(make_error_code(asio::error::operation_aborted));
        throw std::runtime_error("the list of names is away");
    };
    const auto connected = connect_now(context, "tcp://there:1/room", std::move(config));
    CHECK(connected.failure);
    const Lines told{"info connect_failed name='tcp://there:1/room' code='cancelled' reason='the list of names is away'"};
    CHECK(logged.take() == (is_cancelled ? Lines() : told));
}

TEST_CASE("log of connect: an attempt that fails is told with the URL and the code, without the query", "[net][log]") {
    Logged logged(LogLevel::Info);
    asio::io_context context;
    std::string port;
    {
        asio::ip::tcp::acceptor closed(context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        port = std::to_string(closed.local_endpoint().port());
    }
    const auto connected = connect_now(context, "tcp://127.0.0.1:" + port + "/room?jwt=SECRET");
    CHECK(connected.failure == asio::error::connection_refused);
    CHECK(logged.take() == Lines{"info connect_failed name='tcp://127.0.0.1:" + port + "/room' code='Connection refused'"});
}

}  // namespace listener_log_tests
