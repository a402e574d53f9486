// Servers of ws, wss and tls that stop speaking, and addresses with a zone.
#include <comoq/net/web_schemes.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <comoq/detail/net/tls_stream.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/schemes.hpp>

#include "net/net_scene.hpp"
#include "support/catch.hpp"
#include "support/manual_sleep.hpp"

namespace web_deadlines_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("connect: a server that takes the first bytes of TLS or of a WebSocket, and says nothing, ends the attempt in time", "[net]") {
    const bool is_tls = GENERATE(true, false);
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::optional<asio::ip::tcp::socket> silent;
    std::array<char, 1024> room{};
    bool has_heard = false;
    acceptor.async_accept([&](std::error_code, asio::ip::tcp::socket socket) {
        silent.emplace(std::move(socket));
        silent->async_read_some(asio::buffer(room), [&](std::error_code, std::size_t) { has_heard = true; });
    });
    ManualSleep time;
    ConnectConfig config;
    config.session.sleep = time;
    config.tls.accept_any_certificate = true;
    (is_tls ? config.deadlines.tls : config.deadlines.upgrade) = 3s;
    const auto url = std::string(is_tls ? "tls" : "ws") + "://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    std::error_code failure;
    auto connecting = comoq::connect(context.get_executor(), url, config);
    connecting.async_wait(asio::bind_executor(context, [&](std::error_code code, const auto &) { failure = code; }));
    run_until(context, [&] { return has_heard && time.sleepers() == 1; });
    time.advance(2'999ms);
    context.poll();
    CHECK_FALSE(failure);
    time.advance(1ms);
    run_until(context, [&] { return static_cast<bool>(failure); });
    CHECK(failure == (is_tls ? ConnectError::TlsTimeout : ConnectError::UpgradeTimeout));
}

TEST_CASE("the zone of an IPv6 address stays on this machine", "[net]") {
    CHECK(net::detail::without_zone("fe80::1%eth0") == "fe80::1");
    CHECK(net::detail::without_zone("fe80::1") == "fe80::1");
    // A name has none.
    CHECK(net::detail::without_zone("a%b.example") == "a%b.example");
    const auto url = net::known_url("wss://[fe80::1%25eth0]:4443/room");
    CHECK(net::detail::without_zone(url.host) == "fe80::1");
    CHECK(url.authority() == "[fe80::1%25eth0]:4443");
}

}  // namespace web_deadlines_tests
