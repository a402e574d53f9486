// A channel that writes without a wait.
#include <comoq/websocket/channel.hpp>

#include <asio/buffer.hpp>
#include <asio/error.hpp>

#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "websocket/channel_scene.hpp"
#include "websocket/raw.hpp"

namespace channel_now_tests {

using namespace comoq;
using namespace comoq::test;
using namespace channel_tests;

namespace {

/// As `write_all` writes it.
bool write_now(Channel &channel, const std::string &record) {
    const auto middle = record.size() / 3;
    const std::vector<asio::const_buffer> parts{asio::buffer(record.data(), middle),
                                                asio::buffer(record.data() + middle, record.size() - middle)};
    return channel.write_now(parts);
}

/// Writes until the stream takes no more. Returns how many records there are, and the last one is not there as a whole.
std::size_t fill(Channel &channel, const std::string &record) {
    std::size_t records = 1;
    while (write_now(channel, record)) REQUIRE(++records < 1000);
    CHECK(records > 1);
    return records;
}

std::string all_of(Scene &scene) {
    std::string all;
    for (std::string some; settle_down(scene.context), some = received_raw(scene.peer), !some.empty();) all += some;
    return all;
}

}  // namespace

TEST_CASE("websocket channel: a record that the stream takes in part goes on with its rest, and answers come after it",
          "[websocket]") {
    const Role role = GENERATE(Role::Server, Role::Client);
    CAPTURE(role == Role::Client);
    Scene scene(role, in_parts);
    const std::string record(15'000, 'x');
    const std::size_t records = fill(scene.channel, record);
    scene.send(role == Role::Server ? masked(Ping, "p") : unmasked(Ping, "p"));
    std::error_code failure = make_error_code(Error::Old);
    start_writing(scene.context, scene.channel, {record, "after"}, &failure);
    const auto frames = frames_in(all_of(scene));
    CHECK_FALSE(failure);
    REQUIRE(frames.size() == records + 2);
    std::string order;
    for (const RawFrame &frame : frames) order += frame.opcode == Pong ? 'p' : frame.payload == record ? 'x' : frame.payload[0];
    CHECK(order == std::string(records, 'x') + "pa");
    // Nothing is left of it.
    CHECK(write_now(scene.channel, "last"));
    CHECK(frames_in(all_of(scene)).at(0).payload == "last");
}

TEST_CASE("websocket channel: closing it adds nothing to a record that the stream has taken in part, and ends its reader",
          "[websocket]") {
    Scene scene(Role::Server, in_parts);
    fill(scene.channel, std::string(15'000, 'x'));
    SECTION("that reads") {}
    SECTION("that waits for the record") {
        const std::string pings = masked(Ping, std::string(125, 'p'));
        while (send_raw(scene.peer, pings) != 0) settle_down(scene.context);
    }
    CHECK_FALSE(scene.reading.over);
    scene.channel.close();
    CHECK_FALSE(write_now(scene.channel, "y"));
    const auto all = all_of(scene);
    CHECK(scene.reading.over);
    CHECK(all.back() == 'x');
    CHECK(all.find('p') == std::string::npos);
}

TEST_CASE("websocket channel: a record does not go now while an answer is being written, nor after a close frame", "[websocket]") {
    Scene scene(Role::Server);
    SECTION("an answer") {
        const std::string pings = masked(Ping, std::string(125, 'p'));
        while (send_raw(scene.peer, pings) != 0) settle_down(scene.context);
        CHECK_FALSE(write_now(scene.channel, "x"));
        std::error_code failure;
        start_writing(scene.context, scene.channel, {"x"}, &failure);
        std::size_t found = 0;
        for (const RawFrame &frame : frames_in(all_of(scene))) found += frame.opcode == Binary ? 1 : 0;
        CHECK(found == 1);
        CHECK_FALSE(failure);
    }
    SECTION("a close frame") {
        scene.send(masked(Close, close_code(1000)));
        CHECK_FALSE(write_now(scene.channel, "x"));
        CHECK(scene.write({"x"}) == asio::error::broken_pipe);
        for (const RawFrame &frame : scene.received()) CHECK(frame.opcode == Close);
    }
}

}  // namespace channel_now_tests
