// Tracks, groups and datagrams through a session.
#include <comoq/lite/session.hpp>

#include <comoq/detail/lite/datagram.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "lite/scene.hpp"
#include "support/catch.hpp"
#include "support/unusual_track.hpp"

namespace session_tracks_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("a session: an earlier start brings back groups that were evicted here", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    LiteScene scene;
    OriginConfig config;
    config.id = 2;
    config.max_cached_bytes = pool_of(3, 3'000);
    scene.here = Origin(std::move(config));
    auto track = scene.publish("a");
    scene.connect();
    for (int i = 0; i < 6; ++i) track.write_frame(payload(1'000));
    auto first = std::make_optional(scene.subscribe("a", "video", Wish{.start = 0}));
    scene.run();
    first.reset();
    scene.run();
    const auto here = scene.announced("a").track("video");
    REQUIRE(here.get_group(5));
    REQUIRE_FALSE(here.get_group(0));
    auto second = scene.subscribe("a", "video", Wish{.start = 0, .end = 0});
    scene.run();
    CHECK(nexts(second) == Numbers{0});
}

TEST_CASE("a session: a track comes with its info, its groups with their numbers, frames with their bytes",
          "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    LiteScene scene;
    auto track = scene.publish("room/1", "video", unusual_info());
    scene.connect();
    auto group = track.create_group(41);
    group.write_frame(payload("first"), Timestamp(3, Timescale(1)));
    auto subscriber = scene.subscribe("room/1");
    check_unusual(scene.get(scene.announced("room/1").track("video").info()));
    check_passes_frames(scene, group, subscriber);
}

TEST_CASE("a session: a frame is passed on while it is written", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    auto group = track.append_group();
    auto frame = group.create_frame(10);
    frame.write(payload("hello"));
    auto received = scene.get(subscriber.next_group());
    REQUIRE(received);
    auto begun = scene.get(received->next_frame());
    REQUIRE(begun);
    CHECK(begun->size() == 10);
    CHECK(scene.get(begun->read_chunk())->view() == "hello");
    frame.write(payload("world"));
    frame.finish();
    CHECK(scene.get(begun->read_chunk())->view() == "world");
    CHECK_FALSE(scene.get(begun->read_chunk()));
}

TEST_CASE("a session: a track ends for the subscriber as it ends at the publisher", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    auto next = wait(subscriber.next_group());
    scene.run();
    SECTION("in order, with the number that never comes") {
        track.write_frame(payload("1"));
        track.finish_at(5);
        CHECK(scene.get(subscriber.finished()) == 5);
        REQUIRE(next.value());
        CHECK(next.value()->sequence() == 0);
        for (std::uint64_t sequence = 1; sequence < 5; ++sequence) {
            auto group = track.create_group(sequence);
            group.finish();
        }
        std::optional last(std::move(track));
        last.reset();
        scene.run();
        CHECK(nexts(subscriber) == Numbers{1, 2, 3, 4});
        CHECK_FALSE(scene.get(subscriber.next_group()));
        scene.pass(5s);
        CHECK(scene.get(subscriber.closed()) == std::error_code());
    }
    SECTION("in order, without a group") {
        track.finish();
        scene.run();
        CHECK(next.done());
        CHECK_FALSE(next.value());
    }
    SECTION("with a code") {
        track.abort(app_error(5));
        scene.run();
        CHECK(next.code() == app_error(5));
    }
    SECTION("dropped") {
        std::optional last(std::move(track));
        last.reset();
        scene.run();
        CHECK(next.code() == Error::Dropped);
    }
}

TEST_CASE("a session: a group fails for the subscriber with its code, and the track goes on", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    auto group = track.append_group();
    group.write_frame(payload("1"));
    auto received = scene.get(subscriber.next_group());
    CHECK(scene.get(received->read_frame()));
    group.abort(app_error(3));
    CHECK(scene.code(received->read_frame()) == app_error(3));
    track.write_frame(payload("2"));
    CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"2"});
}

TEST_CASE("a session: all subscribers here share one subscription there, which ends with the last of them", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    std::vector<TrackSubscriber> subscribers;
    for (int i = 0; i < 20; ++i) {
        subscribers.push_back(scene.subscribe("a"));
    }
    CHECK(track.stats().subscribers == 1);
    track.write_frame(payload("1"));
    for (auto &subscriber : subscribers) {
        CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"1"});
    }
    subscribers.resize(1);
    scene.run();
    CHECK(track.stats().subscribers == 1);
    subscribers.clear();
    scene.run();
    CHECK(track.stats().subscribers == 0);
    // A subscriber that comes again gets the kept groups and the new ones.
    auto again = scene.subscribe("a");
    CHECK(track.stats().subscribers == 1);
    CHECK(scene.words(*scene.get(again.next_group())) == Words{"1"});
    track.write_frame(payload("2"));
    CHECK(scene.words(*scene.get(again.next_group())) == Words{"2"});
    // After some time nothing is left of it.
    again = {};
    scene.run();
    scene.pass(5s);
    CHECK(scene.link.open_streams() == 4);  // two for announcements, in both directions each
}

TEST_CASE("a session: the publisher knows the combined wishes of the subscribers, and each change of them", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    LiteScene scene;
    auto track = scene.publish("a", "video", unusual_info());
    scene.connect();
    const Subscription first = Wish{.priority = 3, .ordered = true, .max_latency = 50ms, .start = 0, .end = 9};
    auto subscriber = scene.subscribe("a", "video", first);
    CHECK(track.subscription() == first);
    const Subscription second = Wish{.priority = 200, .max_latency = 60ms, .start = 0};
    subscriber.update(second);
    scene.run();
    CHECK(track.subscription() == second);
    auto other = scene.subscribe("a", "video", Wish{.priority = 201, .max_latency = 10ms, .start = 4, .end = 6});
    CHECK(track.subscription()->priority == 201);
    other = {};
    scene.run();
    CHECK(track.subscription() == second);
}

TEST_CASE("a session: a cap holds groups back, and is raised by an update", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a", "video", Wish{.start = 1, .end = 2});
    for (int i = 0; i < 5; ++i) {
        track.write_frame(payload(std::to_string(i)));
    }
    scene.run();
    CHECK(nexts(subscriber) == Numbers{1, 2});
    subscriber.update(Wish{.start = 1, .end = 3});
    scene.run();
    CHECK(nexts(subscriber) == Numbers{3});
}

TEST_CASE("a session: groups are fetched by number, once for all requesters, and refused with the publisher's code",
          "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    auto handler = track.dynamic();
    scene.connect();
    const auto remote = scene.announced("a").track("video");
    auto first = wait(remote.fetch_group(7, {.priority = 4}));
    auto second = wait(remote.fetch_group(7));
    scene.run();
    auto request = now(handler.requested_group());
    REQUIRE(request);
    CHECK(request->sequence() == 7);
    CHECK(request->priority() == 4);
    CHECK_FALSE(handler.requested_group().ready());
    CHECK_FALSE(first.done());
    auto group = request->accept();
    group.write_frame(payload("seven"), Timestamp(7, Timescale(1000)));
    scene.run();
    CHECK(scene.words(first.value()) == Words{"seven"});
    CHECK(scene.words(second.value()) == Words{"seven"});
    group.finish();
    CHECK(scene.get(first.value().finished()) == 1);
    CHECK(track.stats().subscribers == 0);

    auto refused = wait(remote.fetch_group(8));
    scene.run();
    CHECK(now(handler.requested_group())->reject(app_error(8)));
    scene.run();
    CHECK(refused.code() == app_error(8));

    // The session does not wait for a subscriber that leaves.
    {
        auto left = wait(remote.fetch_group(9));
        scene.run();
        request = now(handler.requested_group());
        REQUIRE(request);
        CHECK_FALSE(request->abandoned().ready());
    }
    scene.run();
    CHECK(request->abandoned().ready());
}

TEST_CASE("a session: datagrams reach the subscribers", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a", "video", unusual_info());
    scene.connect();
    auto subscriber = scene.subscribe("a");
    const auto number = track.append_datagram(payload("over"), Timestamp(5, Timescale(1)));
    const auto datagram = scene.get(subscriber.recv_datagram());
    REQUIRE(datagram);
    CHECK(datagram->sequence == number);
    CHECK(datagram->timestamp == Timestamp(450'000, Timescale(90'000)));
    CHECK(datagram->payload.view() == "over");
}

TEST_CASE("a session: a datagram of more than 1,200 bytes with its header is neither sent nor taken", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    const auto come = [&] {
        scene.run();
        Numbers sizes;
        for (auto next = subscriber.recv_datagram(); next.ready(); next = subscriber.recv_datagram())
            sizes.push_back(now(std::move(next))->payload.size());
        return sizes;
    };
    // The numbers of the subscription and of the datagram, and its time, are small.
    for (const std::size_t size : {1'196u, 1'197u, 1'198u, 1'200u}) track.append_datagram(payload(size));
    CHECK(come() == Numbers{1'196u, 1'197u});
    for (const std::size_t size : {1'196u, 1'197u}) {
        std::vector<std::byte> octets;
        const std::vector<std::byte> bytes(size);
        lite::encode(lite::Datagram{0, 100 + size, 0, bytes}, octets);
        scene.link.server()->send_datagram(Bytes(std::move(octets)));
    }
    CHECK(come() == Numbers{1'196});
}

TEST_CASE("a session: a reader that comes back in the middle of a group gets the whole group", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto group = track.append_group();
    group.write_frame(payload("catalog"));
    {
        auto subscriber = scene.subscribe("a");
        auto received = scene.get(subscriber.next_group());
        REQUIRE(received);
        CHECK(scene.get(received->read_frame()));
    }
    scene.run();
    scene.pass(1s);
    auto subscriber = scene.subscribe("a");
    CHECK(track.stats().subscribers == 1);
    auto received = scene.get(subscriber.next_group());
    REQUIRE(received);
    CHECK(received->sequence() == 0);
    CHECK(scene.get(received->read_frame())->payload.view() == "catalog");
    group.write_frame(payload("more"));
    CHECK(scene.get(received->read_frame())->payload.view() == "more");
}

TEST_CASE("a session: a dropped track's groups are still there for its readers", "[lite][session]") {
    LiteScene scene;
    std::optional track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    track->write_frame(payload("1"));
    track->write_frame(payload("2"));
    track.reset();
    CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"1"});
    CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"2"});
    CHECK(scene.code(subscriber.next_group()) == Error::Dropped);
}

TEST_CASE("a session: a track that is read from its middle on ends when the publisher ends it", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    for (int i = 0; i < 3; ++i) {
        track.write_frame(payload("x"));
    }
    auto subscriber = scene.subscribe("a");
    CHECK(scene.get(subscriber.recv_group())->sequence() == 2);
    track.finish();
    CHECK_FALSE(scene.get(subscriber.recv_group()));
}

}
