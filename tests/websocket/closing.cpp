// The end of a connection over a WebSocket: the peer that closes it is answered, whatever this side was writing.
#include <comoq/qmux/run.hpp>
#include <comoq/websocket/channel.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "websocket/raw.hpp"

namespace closing_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using qmux::Connection;
using websocket::Role;
using websocket::WebSocketChannel;

namespace {

/// A server's connection, which begins with a record of its parameters, and its peer's end.
struct Scene {
    template <class Channel> void run(Channel channel, std::chrono::milliseconds close_timeout = 60s) {
        asio::co_spawn(context, qmux::run(connection, std::move(channel), close_timeout), [this](std::exception_ptr) { over = true; });
    }
    /// The frames that have come when nothing is left to do.
    std::vector<RawFrame> received() {
        settle_down(context);
        bytes += received_raw(peer, &ended);
        return frames_in(bytes);
    }

    asio::io_context context;
    SocketPair pair{context};
    Socket &peer = pair.second;
    std::shared_ptr<Connection> connection = std::make_shared<Connection>(context.get_executor(), false, config());
    std::string bytes;
    bool over = false;
    bool ended = false;  // the peer has seen the end of the stream

private:
    static qmux::ConnectionConfig config() {
        qmux::ConnectionConfig config;
        config.protocols = {"moq-lite-05"};
        return config;
    }
};

/// Begins a record, has the peer close in the middle of it, and returns what the peer gets.
std::vector<RawFrame> closed_in_a_record(Scene &scene, std::string_view close) {
    scene.run(WebSocketChannel<Trickle>(Trickle{std::move(scene.pair.first)}, Role::Server));
    while (scene.bytes.empty()) {
        scene.context.poll_one();
        scene.bytes += received_raw(scene.peer);
    }
    REQUIRE(scene.bytes.size() == 1);
    send_raw(scene.peer, close);
    return scene.received();
}

}  // namespace

TEST_CASE("websocket closing: a peer that closes in the middle of a record gets the record, and its answer", "[websocket]") {
    const auto [sent, answer] = GENERATE(std::pair<std::string, std::string>("", ""), std::pair(close_code(1001), close_code(1001)),
                                         std::pair<std::string, std::string>("x", close_code(1002)));
    Scene scene;
    const auto frames = closed_in_a_record(scene, masked(Close, sent));
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].opcode == Binary);
    CHECK(frames[1] == RawFrame{Close, answer});
    // Half a code is a fault: this side then waits for the peer to close the stream.
    if (sent.size() == 1) {
        scene.peer.close();
        settle_down(scene.context);
    } else {
        CHECK(scene.ended);
    }
    CHECK(scene.over);
}

TEST_CASE("websocket closing: the connection is over before the answer is sent", "[websocket]") {
    Scene scene;
    const std::string nothing_fits(1 << 20, 'x');
    send_raw(scene.pair.first, nothing_fits);
    scene.run(WebSocketChannel<Socket>(std::move(scene.pair.first), Role::Server));
    settle_down(scene.context);
    send_raw(scene.peer, masked(Close, ""));
    settle_down(scene.context);
    CHECK(scene.connection->is_silent());
    CHECK(scene.connection->channel_end() == asio::error::eof);
    CHECK_FALSE(scene.over);
    for (bool more = true; more; more = settle_down(scene.context)) scene.bytes += received_raw(scene.peer, &scene.ended);
    scene.bytes += received_raw(scene.peer, &scene.ended);
    CHECK(scene.bytes.ends_with(unmasked(Close, "")));
    CHECK(scene.ended);
    CHECK(scene.over);
}

TEST_CASE("websocket closing: a peer that closes and takes nothing is waited for no longer than the time-out", "[websocket]") {
    Scene scene;
    const std::string nothing_fits(1 << 20, 'x');
    send_raw(scene.pair.first, nothing_fits);
    scene.run(WebSocketChannel<Socket>(std::move(scene.pair.first), Role::Server), 5ms);
    settle_down(scene.context);
    send_raw(scene.peer, masked(Close, ""));
    scene.context.restart();
    scene.context.run_for(50s);
    CHECK(scene.context.stopped());
    CHECK(scene.over);
}

}
