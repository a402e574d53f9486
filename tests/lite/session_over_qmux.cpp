// Sessions whose transport is qmux, record by record: the effects of the peer's parameters, and of the order of
// sending.
#include <comoq/lite/session.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/detail/qmux/connection.hpp>

#include "lite/scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/move_record.hpp"
#include "support/settle.hpp"

namespace session_over_qmux_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Broadcasts published at `there` are seen at `here`; records move when the test says so.
struct QmuxScene {
    QmuxScene() {
        lite::SessionConfig of_there, of_here;
        of_there.publish = there.consumer();
        of_here.subscribe = here.producer();
        server.emplace(server_side, std::move(of_there));
        client.emplace(client_side, std::move(of_here));
    }
    ~QmuxScene() {
        client->close();
        server->close();
        settle();
    }
    void run() { settle_down(context); }
    void settle() {
        for (bool more = true; more;) {
            run();
            more = move_record(*client_side, *server_side);
            more = move_record(*server_side, *client_side) || more;
        }
        run();
    }
    std::shared_ptr<qmux::Connection> side(bool is_client) {
        qmux::ConnectionConfig config;
        config.protocols = {spoken_protocol()};
        return std::make_shared<qmux::Connection>(context.get_executor(), is_client, std::move(config));
    }

    asio::io_context context;
    Origin there = origin_with_id(1), here = origin_with_id(2);
    std::shared_ptr<qmux::Connection> server_side = side(false), client_side = side(true);
    std::optional<lite::Session> server, client;
};

}  // namespace

TEST_CASE("a session over qmux: datagrams go as soon as the peer's parameters allow them, however late those come",
          "[lite][session][qmux]") {
    QmuxScene scene;
    auto broadcast = scene.there.producer().create_broadcast("a");
    auto track = broadcast.producer().create_track("positions");
    // The peer's parameters have not come yet.
    CHECK(scene.client_side->max_datagram_size() == 0);
    scene.settle();
    auto found = now(scene.here.consumer().announced_broadcast("a"));
    auto subscribing = wait(found.track("positions").subscribe());
    scene.settle();
    auto subscriber = std::move(subscribing.value());
    auto datagram = wait(subscriber.recv_datagram());
    scene.settle();
    track.append_datagram(payload("here"));
    scene.settle();
    REQUIRE(datagram.done());
    CHECK(datagram.value()->payload.view() == "here");
}

TEST_CASE("a session over qmux: an answer does not wait behind media, whatever a viewer's priority", "[lite][session][qmux]") {
    QmuxScene scene;
    auto broadcast = scene.there.producer().create_broadcast("a");
    auto video = broadcast.producer().create_track("video"), chat = broadcast.producer().create_track("chat");
    scene.settle();
    const auto found = now(scene.here.consumer().announced_broadcast("a"));
    Subscription wishes;
    wishes.priority = 200;
    auto subscribing = wait(found.track("video").subscribe(wishes));
    scene.settle();
    auto subscriber = std::move(subscribing.value());
    auto group = video.append_group();
    auto reader = wait(subscriber.recv_group());
    auto info = wait(found.track("chat").info());
    auto late = std::optional(scene.there.producer().create_broadcast("late"));
    auto announced = wait(scene.here.consumer().announced_broadcast("late"));
    int records = 0;
    for (; records < 100 && !(info.done() && announced.done()); ++records) {
        // Two records' worth are written for each one that is sent.
        for (int i = 0; i < 4; ++i) {
            group.write_frame(payload(8'000));
        }
        scene.run();
        while (move_record(*scene.client_side, *scene.server_side)) {
            scene.run();
        }
        scene.run();
        move_record(*scene.server_side, *scene.client_side);
        scene.run();
    }
    CHECK(records < 20);
}

TEST_CASE("a session over qmux: what it asks before the sides have agreed on a protocol has that protocol's form",
          "[lite][session][qmux]") {
    const Speaking version(GENERATE("moq-lite-05", "moq-lite-06"));
    QmuxScene scene;
    auto broadcast = scene.there.producer().create_broadcast("a");
    auto track = broadcast.producer().create_track("video"), other = broadcast.producer().create_track("audio");
    for (auto *each : {&track, &other}) {
        auto group = each->append_group();
        group.write_frame(payload("frame"));
        group.finish();
    }
    // A track, a group and the announcements are asked for at once.
    CHECK(scene.client_side->protocol().empty());
    const auto asked = scene.client->broadcast("a");
    auto subscribing = wait(asked.track("video").subscribe());
    auto fetching = wait(asked.track("audio").fetch_group(0));
    auto announced = wait(scene.here.consumer().announced_broadcast("a"));
    scene.settle();
    CHECK(scene.client_side->protocol() == spoken_protocol());
    REQUIRE(announced.done());
    CHECK_FALSE(announced.value().is_closed());
    REQUIRE(subscribing.done());
    REQUIRE(fetching.done());
    auto subscriber = std::move(subscribing.value());
    auto group = wait(subscriber.next_group());
    scene.settle();
    REQUIRE(group.done());
    CHECK(group.value()->sequence() == 0);
    CHECK(fetching.value().sequence() == 0);
}

}
