// Clients that stop speaking before a listener knows them.
#include <comoq/net/listener.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <comoq/net/connect.hpp>
#include <comoq/net/web_schemes.hpp>

#include "net/certificate.hpp"
#include "net/net_scene.hpp"
#include "support/catch.hpp"
#include "support/manual_sleep.hpp"

namespace listener_deadlines_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// Time stands still for the handshakes.
struct Scene {
    explicit Scene(const std::string &scheme) : server(context, scheme + "://127.0.0.1:0", config()) {}
    ListenConfig config() const {
        static const Certificate certificate = make_certificate("IP:127.0.0.1");
        ListenConfig config;
        config.handshake_within = 3s;
        config.session.sleep = time;
        config.session.publish = there.consumer();
        config.tls.context = server_context(certificate);
        return config;
    }
    /// A client that says `words` and no more.
    void say(std::string_view words) {
        client.connect({asio::ip::address_v4::loopback(), *server.listener->url().port});
        asio::write(client, asio::buffer(words));
        read();
        run_until(context, [this] { return server.listener->connections() == 1 && time.sleepers() != 0; });
    }
    /// A server may speak first.
    void read() {
        client.async_read_some(asio::buffer(room), [this](std::error_code code, std::size_t) {
            if (code)
                end = code;
            else
                read();
        });
    }
    /// Everything that is due now, also what comes over the sockets of this machine.
    void settle() {
        for (int i = 0; i < 3; ++i) context.poll();
    }

    asio::io_context context;
    ManualSleep time;
    Origin there;
    NetServer server;
    asio::ip::tcp::socket client{context};
    std::array<char, 4096> room{};
    std::optional<std::error_code> end;
};

/// The first bytes of a ClientHello.
const std::string half_hello("\x16\x03\x01\x02\x00\x01\x00\x01", 8);

}  // namespace

TEST_CASE("listener: a client that says nothing, or half of what it must, has the time of the handshakes and no more", "[net]") {
    struct Silence {
        std::string scheme, words;
    };
    const auto each = GENERATE(as<Silence>(), Silence{"ws", ""}, Silence{"ws", "G"}, Silence{"ws", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"},
                               Silence{"wss", ""}, Silence{"wss", half_hello}, Silence{"tls", ""}, Silence{"tls", half_hello},
                               Silence{"tcp", ""}, Silence{"tcp", std::string("\x40", 1)});
    CAPTURE(each.scheme, each.words.size());
    Scene scene(each.scheme);
    scene.say(each.words);
    scene.time.advance(2'999ms);
    scene.settle();
    CHECK(scene.server.refused.empty());
    CHECK_FALSE(scene.end);
    scene.time.advance(1ms);
    run_until(scene.context, [&] { return scene.end && scene.server.listener->connections() == 0; });
    REQUIRE(scene.server.refused.size() == 1);
    CHECK(scene.server.refused.front() == Error::Timeout);
    CHECK(scene.time.sleepers() == 0);
    scene.server.end();
}

TEST_CASE("listener: a client that goes in the midst of a handshake leaves nothing behind", "[net]") {
    const std::string scheme = GENERATE("ws", "wss", "tls", "tcp");
    CAPTURE(scheme);
    Scene scene(scheme);
    scene.say(scheme == "ws" ? "GET / HTTP/1.1\r\n" : "");
    scene.client.close();
    run_until(scene.context, [&] { return scene.server.listener->connections() == 0; });
    CHECK(scene.server.refused.size() == 1);
    CHECK(scene.time.sleepers() == 0);
    scene.server.end();
}

TEST_CASE("listener: one that is closed ends when the time of its last handshake is over", "[net]") {
    const std::string scheme = GENERATE("ws", "wss", "tls", "tcp");
    CAPTURE(scheme);
    Scene scene(scheme);
    scene.say("");
    scene.server.listener->close();
    scene.settle();
    scene.time.advance(3s);
    run_until(scene.context, [&] { return scene.server.over && scene.end.has_value(); });
    CHECK(scene.server.listener->connections() == 0);
    CHECK(scene.time.sleepers() == 0);
}

}  // namespace listener_deadlines_tests
