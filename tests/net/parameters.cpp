// The limits of a connection, as a client and a listener set them.
#include <comoq/net/connect.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <comoq/net/listener.hpp>
#include <comoq/transport.hpp>

#include "net/net_scene.hpp"
#include "support/catch.hpp"
#include "support/manual_sleep.hpp"

namespace net_parameters_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("connect and listen, tcp: each side has the limits that the other one's configuration sets", "[net]") {
    const std::uint64_t of_server = GENERATE(std::uint64_t{0}, std::uint64_t{900}),
                        of_client = GENERATE(std::uint64_t{0}, std::uint64_t{700});
    asio::io_context context;
    ManualSleep time;
    std::shared_ptr<Transport> at_server, at_client;
    ListenConfig listening;
    listening.parameters.max_datagram_frame_size = of_server;
    listening.serve = [&](AcceptedClient client) -> asio::awaitable<void> {
        at_server = client.transport;
        co_await time(std::chrono::hours(1));
    };
    NetServer server(context, "tcp://127.0.0.1:0", std::move(listening));
    ConnectConfig config;
    config.parameters.max_datagram_frame_size = of_client;
    asio::co_spawn(context, connect_transport(server.url(), std::move(config)),
                   [&](const std::exception_ptr &, std::shared_ptr<Transport> made) { at_client = std::move(made); });
    run_until(context, [&] { return at_client && at_server && !at_server->protocol().empty(); });
    CHECK((at_client->max_datagram_size() != 0) == (of_server != 0));
    CHECK(at_client->max_datagram_size() <= of_server);
    CHECK((at_server->max_datagram_size() != 0) == (of_client != 0));
    CHECK(at_server->max_datagram_size() <= of_client);
    at_client->close(0, {});
    time.advance(std::chrono::hours(1));
    server.end();
}

}  // namespace net_parameters_tests
