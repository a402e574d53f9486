// How a channel ends, and what it does between records.
#include <comoq/websocket/channel.hpp>

#include <comoq/qmux/run.hpp>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>

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
#include "websocket/channel_scene.hpp"
#include "websocket/raw.hpp"

namespace channel_endings_tests {

using namespace comoq;
using namespace comoq::test;
using namespace channel_tests;

namespace {

/// Its peer pings until it is not read any further. Then the channel closes.
void close_behind_pings(Scene &scene) {
    const std::string pings = masked(Ping, std::string(125, 'p'));
    while (send_raw(scene.peer, pings) != 0) settle_down(scene.context);
    CHECK_FALSE(scene.reading.over);
    scene.channel.close();
    settle_down(scene.context);
    CHECK(scene.reading.over);
}

}  // namespace

TEST_CASE("websocket channel: the peer's close frame is answered, and is the end", "[websocket]") {
    for (const std::string &payload : {std::string(), close_code(1000), close_code(1001) + "reason", close_code(4000)}) {
        Scene scene(Role::Server);
        scene.send(masked(Binary, "last") + masked(Close, payload) + masked(Binary, "none"));
        CHECK(scene.reading.records == Records{"last"});
        CHECK(scene.reading.failure == asio::error::eof);
        CHECK(scene.received() == Frames{{Close, payload}});
        CHECK_FALSE(scene.ended);
        CHECK(scene.write({"x"}) == asio::error::broken_pipe);
        scene.channel.close();
        CHECK(scene.received().empty());
        CHECK(scene.ended);
    }
}

TEST_CASE("websocket channel: a stream may end without a close frame", "[websocket]") {
    for (const auto &before : {std::string(), masked(Binary, "part", false), masked(Binary, "part").substr(0, 7)}) {
        Scene scene(Role::Server);
        scene.send(masked(Binary, "x") + before);
        scene.peer.close();
        settle_down(scene.context);
        CHECK(scene.reading.records == Records{"x"});
        CHECK(scene.reading.failure == asio::error::eof);
    }
}

TEST_CASE("websocket channel: closing it tells the peer, and ends waiting reads and writes", "[websocket]") {
    for (const Role role : {Role::Client, Role::Server}) {
        Scene scene(role);
        CHECK_FALSE(scene.write({"x"}));
        scene.channel.close();
        scene.channel.close();
        const bool is_masked = role == Role::Client;
        CHECK(scene.received() == Frames{{Binary, "x", true, is_masked}, {Close, close_code(1000), true, is_masked}});
        CHECK(scene.ended);
        CHECK(scene.reading.over);
        CHECK(scene.reading.failure == asio::error::operation_aborted);
        CHECK(scene.write({"y"}) == asio::error::broken_pipe);
        scene.channel.close();
    }
}

TEST_CASE("websocket channel: closing it while a record is being written does not wait", "[websocket]") {
    Scene scene(Role::Server);
    std::error_code failure;
    start_writing(scene.context, scene.channel, {std::string(1 << 24, 'x')}, &failure);
    CHECK(settle_down(scene.context));
    scene.send(masked(Ping, "p"));
    scene.channel.close();
    CHECK_FALSE(settle_down(scene.context));
    CHECK(failure);
    CHECK(scene.reading.over);
}

TEST_CASE("websocket channel: closing it in the middle of a record adds nothing to the record", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    Channel channel(std::move(pair.first), Role::Server);
    start_writing(context, channel, {std::string(1 << 24, 'x')});
    settle_down(context);
    auto all = received_raw(pair.second);
    channel.close();
    settle_down(context);
    bool ended = false;
    all += received_raw(pair.second, &ended);
    CHECK(ended);
    CHECK(all.size() < 1 << 24);
    CHECK(all.find_first_not_of('x', 10) == std::string::npos);
}

TEST_CASE("websocket channel: a record waits for an answer that is being written, and so does its failure",
          "[websocket]") {
    Scene scene(Role::Server);
    const std::string pings = masked(Ping, std::string(125, 'p'));
    while (send_raw(scene.peer, pings) != 0) settle_down(scene.context);
    // No room is left: an answer is being written.
    std::error_code failure;
    start_writing(scene.context, scene.channel, {"x"}, &failure);
    settle_down(scene.context);
    SECTION("until there is room") {
        std::string all;
        for (std::string some; settle_down(scene.context), some = received_raw(scene.peer), !some.empty();) all += some;
        std::size_t records = 0;
        for (const RawFrame &frame : frames_in(all)) records += frame == RawFrame{Binary, "x"} ? 1 : 0;
        CHECK(records == 1);
        CHECK_FALSE(failure);
    }
    SECTION("until the channel is closed") {
        scene.channel.close();
        settle_down(scene.context);
        CHECK(failure);
        CHECK(scene.reading.over);
    }
}

TEST_CASE("websocket channel: a record does not interrupt an answer", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    TrickleChannel slow(Trickle{std::move(pair.first), 10}, Role::Server);
    Reading reading;
    start_reading(context, slow, reading);
    send_raw(pair.second, masked(Ping, std::string(125, 'p')));
    std::string all;
    while (all.empty()) {
        context.poll_one();
        all += received_raw(pair.second);
    }
    CHECK(all.size() == 10);
    start_writing(context, slow, {"x", "y"});
    settle_down(context);
    all += received_raw(pair.second);
    CHECK(frames_in(all) == Frames{{Pong, std::string(125, 'p')}, {Binary, "x"}, {Binary, "y"}});
}

TEST_CASE("websocket channel: a reader that waits for a record to be written ends with the channel", "[websocket]") {
    Scene scene(Role::Server);
    start_writing(scene.context, scene.channel, {std::string(1 << 24, 'x')});
    settle_down(scene.context);
    close_behind_pings(scene);
}

TEST_CASE("websocket channel: nothing follows a record that is cancelled half-way", "[websocket]") {
    Scene scene(Role::Server);
    asio::cancellation_signal cancel;
    std::error_code failure;
    const auto over = [&failure](std::exception_ptr thrown) { failure = code_of(thrown); };
    asio::co_spawn(scene.context, write_all(scene.channel, {std::string(1 << 24, 'x')}),
                   asio::bind_cancellation_slot(cancel.slot(), over));
    settle_down(scene.context);
    cancel.emit(asio::cancellation_type::terminal);
    settle_down(scene.context);
    CHECK(failure == asio::error::operation_aborted);
    CHECK(scene.write({"y"}) == asio::error::broken_pipe);
    scene.send(masked(Ping, "p"));
    CHECK(received_raw(scene.peer).find_first_not_of('x', 10) == std::string::npos);
}

TEST_CASE("websocket channel: a context can be destroyed while a channel is used", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    // Used by coroutines that only the context destroys.
    const auto channel = std::make_shared<Channel>(std::move(pair.first), Role::Server);
    const auto read = [](std::shared_ptr<Channel> used) -> asio::awaitable<void> {
        Reading reading;
        co_await read_all(*used, reading);
    };
    const auto write = [](std::shared_ptr<Channel> used) -> asio::awaitable<void> {
        std::vector<std::string> records(1, std::string(1 << 24, 'x'));
        co_await write_all(*used, std::move(records));
    };
    asio::co_spawn(context, read(channel), asio::detached);
    asio::co_spawn(context, write(channel), asio::detached);
    asio::co_spawn(context, write(channel), asio::detached);
    settle_down(context);
    send_raw(pair.second, masked(Ping, "p"));
    settle_down(context);
    CHECK(channel.use_count() == 4);
}

TEST_CASE("websocket channel: its destruction closes the stream, whatever is in progress", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    Reading reading;
    {
        Channel channel(std::move(pair.first), Role::Server);
        Channel moved(std::move(channel));
        start_reading(context, moved, reading);
        start_writing(context, moved, {std::string(1 << 24, 'x')});
        settle_down(context);
    }
    settle_down(context);
    CHECK(reading.over);
    bool ended = false;
    received_raw(pair.second, &ended);
    CHECK(ended);
}

TEST_CASE("websocket channel: a ping is answered between records", "[websocket]") {
    Scene scene(Role::Server);
    const std::string large(1 << 22, 'x');
    std::error_code failure;
    start_writing(scene.context, scene.channel, {large, "after"}, &failure);
    settle_down(scene.context);
    scene.send(masked(Ping, "p") + masked(Pong, "q"));
    std::string all;
    while (settle_down(scene.context)) {
        const auto some = received_raw(scene.peer);
        if (some.empty()) break;
        all += some;
    }
    CHECK_FALSE(failure);
    const auto frames = frames_in(all);
    REQUIRE(frames.size() == 3);
    CHECK(frames[0] == RawFrame{Binary, large});
    CHECK(frames[1] == RawFrame{Pong, "p"});
    CHECK(frames[2] == RawFrame{Binary, "after"});
}

TEST_CASE("websocket channel: a peer that pings and does not read is not read any further", "[websocket]") {
    Scene scene(Role::Server);
    const std::string pings = masked(Ping, std::string(125, 'p'));
    std::size_t sent = 0;
    while (true) {
        const auto size = send_raw(scene.peer, std::string_view(pings).substr(sent % pings.size()));
        sent += size;
        settle_down(scene.context);
        if (size == 0) break;
        REQUIRE(sent < (1u << 26));
    }
    CHECK_FALSE(scene.reading.over);
    // Nothing was dropped: it continues as soon as the peer reads.
    std::string all;
    for (std::string some; settle_down(scene.context), some = received_raw(scene.peer), !some.empty();) all += some;
    CHECK(frames_in(all) == Frames(sent / pings.size(), RawFrame{Pong, std::string(125, 'p')}));
}

TEST_CASE("websocket channel: a reader that is stopped by pings ends with the channel", "[websocket]") {
    Scene scene(Role::Server);
    close_behind_pings(scene);
    CHECK(scene.reading.failure);
}

}
