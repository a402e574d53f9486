#include <comoq/broadcast.hpp>

#include <chrono>
#include <cstdint>
#include <string>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace subscriber_stats_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    TrackSubscriber subscriber = now(track.consume().subscribe());

    void create(const Numbers &sequences) {
        for (const auto sequence : sequences) {
            auto group = track.create_group(sequence);
            group.write_frame(payload("abc"));
            group.write_frame(payload("de"));
            group.finish();
        }
    }
};

}  // namespace

TEST_CASE("subscriber stats: groups, and the numbers that next_group passed over between them", "[subscriber]") {
    Scene scene;
    scene.create({100, 101, 104});
    CHECK(nexts(scene.subscriber) == Numbers{100, 101, 104});
    auto stats = scene.subscriber.stats();
    CHECK(stats.groups == 3);
    CHECK(stats.skipped_groups == 2);  // a publisher may begin with 100
    scene.create({103, 110});
    CHECK(nexts(scene.subscriber) == Numbers{110});
    stats = scene.subscriber.stats();
    CHECK(stats.groups == 4);
    CHECK(stats.skipped_groups == 7);
    CHECK(stats.frames == 0);
    CHECK(stats.bytes == 0);
}

TEST_CASE("subscriber stats: a cursor that is set elsewhere does not count the distance", "[subscriber]") {
    Scene scene;
    scene.create({0});
    CHECK(nexts(scene.subscriber) == Numbers{0});
    scene.subscriber.start_at(50);
    scene.create({52});
    CHECK(nexts(scene.subscriber) == Numbers{52});
    CHECK(scene.subscriber.stats().skipped_groups == 2);
}

TEST_CASE("subscriber stats: recv_group misses numbers until they come", "[subscriber]") {
    Scene scene;
    scene.create({10, 14, 12});
    CHECK(received(scene.subscriber) == Numbers{10, 14, 12});
    CHECK(scene.subscriber.stats().groups == 3);
    CHECK(scene.subscriber.stats().missing_groups == 2);
    scene.create({11});
    CHECK(received(scene.subscriber) == Numbers{11});
    CHECK(scene.subscriber.stats().missing_groups == 1);
    CHECK(scene.subscriber.stats().skipped_groups == 0);
}

TEST_CASE("subscriber stats: frames and their bytes, by either way of reading", "[subscriber]") {
    Scene scene;
    scene.create({0, 1, 5});
    for (int i = 0; i < 3; ++i) CHECK(now(scene.subscriber.read_frame()));
    CHECK(scene.subscriber.stats().groups == 2);
    CHECK(scene.subscriber.stats().frames == 3);
    CHECK(scene.subscriber.stats().bytes == 8);
    CHECK(now(scene.subscriber.read_first_frame())->payload == payload("abc"));
    const auto stats = scene.subscriber.stats();
    CHECK(stats.groups == 3);
    CHECK(stats.frames == 4);
    CHECK(stats.bytes == 11);
    CHECK(stats.skipped_groups == 3);
}

TEST_CASE("subscriber stats: datagrams, and those that a slow reader misses", "[subscriber]") {
    Scene scene;
    for (int i = 0; i < 1030; ++i) scene.track.append_datagram(payload("xy"));
    CHECK(now(scene.subscriber.recv_datagram()));
    CHECK(scene.subscriber.stats().datagrams == 1);
    CHECK(scene.subscriber.stats().bytes == 2);
    CHECK(scene.subscriber.stats().skipped_datagrams == 6);
}

TEST_CASE("subscriber stats: a frame that cannot be made for want of memory does not count", "[subscriber]") {
    if (!allocations_can_fail()) return;
    Scene scene;
    scene.create({0});
    CHECK(now(scene.subscriber.read_first_frame()));
    auto group = scene.track.create_group(4);
    auto frame = group.create_frame(4);
    frame.write("ab");
    frame.write("cd");
    frame.finish();
    {
        NoMemory none;
        CHECK(scene.subscriber.try_read_first_frame().code() == std::errc::not_enough_memory);
    }
    auto stats = scene.subscriber.stats();
    CHECK(stats.groups == 1);
    CHECK(stats.frames == 1);
    CHECK(stats.bytes == 3);
    CHECK(stats.skipped_groups == 0);
    {
        NoMemory none;
        CHECK(scene.subscriber.try_read_frame().code() == std::errc::not_enough_memory);
    }
    CHECK(to_json(scene.subscriber.stats()) == to_json(stats));
    CHECK(now(scene.subscriber.read_frame())->payload == payload("abcd"));
    stats = scene.subscriber.stats();
    CHECK(stats.groups == 2);
    CHECK(stats.frames == 2);
    CHECK(stats.bytes == 7);
    CHECK(stats.skipped_groups == 3);
}

TEST_CASE("subscriber stats: an empty handle has none, and all of them are JSON", "[subscriber]") {
    CHECK(to_json(TrackSubscriber().stats()) ==
          R"({"groups":0,"lanes":0,"frames":0,"datagrams":0,"bytes":0,"skipped_groups":0,"missing_groups":0,)"
          R"("skipped_datagrams":0,"gaps_given_up":0})");
}

}  // namespace subscriber_stats_tests
