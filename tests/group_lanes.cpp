// SPDX-License-Identifier: MIT
// Groups with lanes, which are subgroups of MoQ Transport: which readers see them, and how they end.
#include <comoq/group_info.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace group_lanes_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using comoq::detail::MediaBounds;
using comoq::detail::MediaCost;

GroupInfo lane(std::uint64_t subgroup) { return GroupInfo{.subgroup = subgroup, .ends_group = false}; }

struct Scene {
    explicit Scene(std::size_t max_cached_bytes = OriginConfig().max_cached_bytes) : origin(time.origin(max_cached_bytes)) {}

    TrackSubscriber subscribe(Subscription wishes = {}) const { return now(reader.subscribe(wishes)); }

    ManualClock time;
    Origin origin;
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    TrackProducer track = broadcast.create_track("video");
    TrackConsumer reader = track.consume();
};

/// "group.lane" of each that `recv_group` gives now.
Words received_lanes(TrackSubscriber &subscriber) {
    Words all;
    while (const auto group = subscriber.try_recv_group())
        all.push_back(std::to_string(group->sequence()) + "." + std::to_string(group->info().subgroup));
    return all;
}
Words lanes_of(const TrackConsumer &track, std::uint64_t sequence) {
    Words all;
    for (auto &each : track.get_lanes(sequence)) {
        auto text = std::to_string(each.info().subgroup);
        while (const auto frame = each.try_read_frame()) text += " " + std::string(frame->payload.view());
        all.push_back(text);
    }
    return all;
}

}  // namespace

TEST_CASE("lanes: recv_group gives each lane as it comes, once, and every other step knows lane 0 alone", "[lanes]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto all = scene.subscribe();
    auto first = scene.subscribe();
    auto third = scene.track.create_group(0, lane(3));
    third.write_frame(payload("three"));
    CHECK(received_lanes(subscriber) == Words{"0.3"});
    CHECK_FALSE(all.try_read_frame());
    auto zero = scene.track.create_group(0, lane(0));
    zero.write_frame(payload("zero"));
    auto one = scene.track.create_group(0, lane(1));
    one.write_frame(payload("one"));
    CHECK(received_lanes(subscriber) == Words{"0.0", "0.1"});
    CHECK(now(all.read_frame())->payload.view() == "zero");
    CHECK(now(first.read_first_frame())->payload.view() == "zero");
    third.write_frame(payload("four"));
    CHECK_FALSE(all.try_read_frame());
    CHECK_FALSE(all.try_next_group());
    scene.track.create_group(1, lane(0)).write_frame(payload("next"));
    CHECK(now(all.next_group())->sequence() == 1);
    CHECK(received_lanes(subscriber) == Words{"1.0"});
    CHECK(subscriber.stats().groups == 2);
    CHECK(subscriber.stats().lanes == 2);
    CHECK(subscriber.stats().missing_groups == 0);
    CHECK(lanes_of(scene.reader, 0) == Words{"0 zero", "1 one", "3 three four"});
    CHECK(lanes_of(scene.reader, 7).empty());
    CHECK(scene.reader.get_group(0)->info().subgroup == 0);
    CHECK(scene.track.stats().groups == 4);
    CHECK(scene.track.stats().lanes == 2);
    CHECK(scene.track.latest() == 1);
    // A cursor that goes back gives nothing twice.
    subscriber.start_at(5);
    subscriber.start_at(0);
    CHECK(received_lanes(subscriber).empty());
}

TEST_CASE("lanes: a waiting recv_group is woken, starts and caps hold for lanes, and a late reader gets the edge", "[lanes]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto waiting = wait(subscriber.recv_group());
    auto two = scene.track.create_group(4, lane(2));
    REQUIRE(waiting.done());
    CHECK(waiting.value()->info().subgroup == 2);
    auto capped = scene.subscribe(Wish{.start = 0, .end = 3});
    auto held_back = wait(capped.recv_group());
    scene.track.finish_at(5);
    CHECK_FALSE(held_back.done());
    capped.end_at(4);
    REQUIRE(held_back.done());
    CHECK(held_back.value()->info().subgroup == 2);
    auto late = scene.subscribe();
    CHECK(received_lanes(late) == Words{"4.2"});
    auto later = scene.subscribe(Wish{.start = 5});
    CHECK(received_lanes(later).empty());
}

TEST_CASE("lanes: the end of the track waits for no lane, but is not reached while a cap holds one back", "[lanes]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0, .end = 0});
    scene.track.write_frame(payload("zero"));
    scene.track.write_frame(payload("one"));
    auto two = scene.track.create_group(1, lane(2));
    scene.track.finish();
    CHECK(received_lanes(subscriber) == Words{"0.0"});
    CHECK(subscriber.try_recv_group().is_nothing_yet());
    subscriber.end_at(1);
    CHECK(received_lanes(subscriber) == Words{"1.0", "1.2"});
    CHECK(subscriber.try_recv_group().is_end());
}

TEST_CASE("lanes: the same lane twice, too many, and impossible ones are refused and change nothing", "[lanes]") {
    Scene scene;
    auto group = scene.track.create_group(0, lane(0));
    auto one = group.create_lane(lane(1));
    CHECK(one.sequence() == 0);
    CHECK(error_of([&] { return group.create_lane(lane(1)); }) == Error::Duplicate);
    CHECK(error_of([&] { return one.create_lane(lane(1)); }) == Error::Duplicate);
    CHECK(error_of([&] { return scene.track.create_group(0, lane(1)); }) == Error::Duplicate);
    CHECK(error_of([&] { return scene.track.create_group(0, lane(0)); }) == Error::Duplicate);
    CHECK(error_of([&] { return group.create_lane(lane(0)); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { return group.create_lane(lane(~std::uint64_t{0})); }) == Error::BoundsExceeded);
    std::vector<GroupProducer> kept;
    for (std::uint64_t i = 2; i <= MediaBounds::max_group_lanes; ++i) kept.push_back(group.create_lane(lane(i)));
    const auto held = scene.origin.stats().cached_bytes;
    CHECK(error_of([&] { return group.create_lane(lane(5'000)); }) == Error::LimitReached);
    CHECK(error_of([&] { return scene.track.create_group(0, lane(5'000)); }) == Error::LimitReached);
    std::error_code code;
    static_cast<void>(group.create_lane(lane(5'000), code));
    CHECK(code == Error::LimitReached);
    CHECK(scene.origin.stats().cached_bytes == held);
    CHECK(held == (MediaBounds::max_group_lanes + 1) * (MediaCost::group + MediaCost::group_objects));
    kept.clear();
    scene.track.abort(Error::Timeout);
    CHECK(scene.origin.stats().cached_bytes == 0);
    CHECK(error_of([&] { return scene.track.create_group(1, lane(1)); }) == Error::Timeout);
}

TEST_CASE("lanes: the largest place is the largest of all lanes, and does not go back", "[lanes][largest]") {
    Scene scene;
    auto zero = scene.track.append_group();
    auto one = zero.create_lane(GroupInfo{.subgroup = 1, .first_object = 4});
    zero.write_frame(payload("a"));
    CHECK(scene.reader.largest() == Location{0, 0});
    one.write_frame(payload("b"));
    CHECK(scene.reader.largest() == Location{0, 4});
    zero.write_frame(payload("c"), {}, ObjectExtras(Bytes(), 8));
    CHECK(scene.reader.largest() == Location{0, 9});
    one.write_frame(payload("d"), {}, ObjectExtras(Bytes(), 90));
    one.abort(Error::Timeout);
    CHECK(scene.reader.largest() == Location{0, 95});
}

TEST_CASE("lanes: they end, fail and are dropped each for itself", "[lanes]") {
    Scene scene;
    auto zero = scene.track.append_group();
    auto one = zero.create_lane(lane(1)), two = zero.create_lane(lane(2));
    auto subscriber = scene.subscribe();
    for (auto *each : {&zero, &one, &two}) each->write_frame(payload("a"));
    auto readers = scene.reader.get_lanes(0);
    REQUIRE(readers.size() == 3);
    one.abort(Error::Timeout);
    two.finish(EndMarker{ObjectStatus::EndOfGroup, 7});
    CHECK(readers[1].try_read_frame().code() == Error::Timeout);
    CHECK(readers[2].try_read_frame());
    CHECK(readers[2].try_read_frame().is_end());
    CHECK(readers[2].end_marker() == EndMarker{ObjectStatus::EndOfGroup, 7});
    CHECK(readers[0].try_read_frame());
    CHECK(readers[0].try_read_frame().is_nothing_yet());
    // A group whose producers have gone keeps its complete frames.
    auto three = zero.create_lane(lane(3));
    three.write_frame(payload("b"));
    three = GroupProducer();
    CHECK(lanes_of(scene.reader, 0) == Words{"0 a", "1", "2 a", "3 b"});
    scene.track.finish();
    zero.write_frame(payload("on"));
    CHECK(readers[0].try_read_frame());
}

TEST_CASE("lanes: those of the newest group do not age, the pool may have them, and older ones go as groups do", "[lanes][memory]") {
    constexpr std::size_t pool = 100'000;
    Scene scene(pool);
    auto zero = scene.track.append_group();
    zero.write_frame(payload("a"));
    auto one = zero.create_lane(lane(1));
    one.write_frame(payload("b"));
    scene.time.advance(1h);
    CHECK(lanes_of(scene.reader, 0) == Words{"0 a", "1 b"});
    one.write_frame(payload(pool));
    CHECK(lanes_of(scene.reader, 0) == Words{"0 a"});
    CHECK(scene.track.stats().evicted_groups == 1);
    CHECK(error_of([&] { one.write_frame(payload("c")); }) == Error::Evicted);
    // Its place is free again.
    auto again = zero.create_lane(lane(1));
    again.write_frame(payload("d"));
    scene.track.write_frame(payload("next"));
    scene.time.advance(1h);
    CHECK(lanes_of(scene.reader, 0).empty());
    CHECK(lanes_of(scene.reader, 1) == Words{"0 next"});
    CHECK(error_of([&] { again.write_frame(payload("e")); }) == Error::Old);
    // Where lane 0 is not there, the lowest stays.
    auto five = scene.track.create_group(9, lane(5));
    five.write_frame(payload(pool));
    CHECK(lanes_of(scene.reader, 9).size() == 1);
    auto first = scene.track.create_group(9, lane(0));
    first.write_frame(payload("first"));
    CHECK(lanes_of(scene.reader, 9) == Words{"0 first"});
}

TEST_CASE("lanes: a fetch gives lane 0, the others are with it, and a fetched group is replaced with its lanes", "[lanes]") {
    Scene scene;
    auto handler = scene.track.dynamic();
    auto fetching = wait(scene.reader.fetch_group(3));
    // A lane that comes is not the group.
    auto stray = scene.track.create_group(3, lane(2));
    stray.write_frame(payload("stray"));
    CHECK_FALSE(fetching.done());
    auto fetched = now(handler.requested_group())->accept({}, lane(7));
    fetched.write_frame(payload("zero"));
    auto one = fetched.create_lane(lane(1));
    one.write_frame(payload("one"));
    CHECK(fetching.value().info().subgroup == 0);
    CHECK(lanes_of(scene.reader, 3) == Words{"0 zero", "1 one"});
    auto subscriber = scene.subscribe(Wish{.start = 0});
    CHECK(received_lanes(subscriber) == Words{"3.2"});
    fetched.abort(Error::Timeout);
    auto again = wait(scene.reader.fetch_group(3));
    auto better = now(handler.requested_group())->accept();
    better.write_frame(payload("better"));
    CHECK(again.done());
    CHECK(lanes_of(scene.reader, 3) == Words{"0 better"});
    CHECK(error_of([&] { one.write_frame(payload("x")); }) == Error::Evicted);
    CHECK(received_lanes(subscriber).empty());
}

TEST_CASE("lanes: with each allocation failing in turn, making and taking one changes nothing and can be repeated", "[lanes][memory]") {
    if (!allocations_can_fail()) return;
    for (int which = 0; which < 3; ++which) {
        for (std::size_t point = 0;; ++point) {
            INFO("call " << which << ", allocation " << point);
            Scene scene;
            auto zero = scene.track.append_group();
            auto subscriber = scene.subscribe();
            CHECK(received_lanes(subscriber) == Words{"0.0"});
            if (which == 2) zero.create_lane(lane(1)).finish();
            std::error_code code;
            bool failed = false;
            {
                FailingAllocation failing(point);
                if (which == 0) static_cast<void>(zero.create_lane(lane(1), code));
                if (which == 1) static_cast<void>(scene.track.create_group(0, lane(1), code));
                if (which == 2) code = subscriber.try_recv_group().code();
                failed = failing.stop();
            }
            if (!failed) break;
            CHECK(code == std::errc::not_enough_memory);
            if (which != 2) {
                CHECK(scene.track.stats().lanes == 0);
                zero.create_lane(lane(1)).finish();
            }
            CHECK(received_lanes(subscriber) == Words{"0.1"});
            scene.track.abort(Error::Cancelled);
            CHECK(scene.origin.stats().cached_bytes == 0);
        }
    }
}

}
