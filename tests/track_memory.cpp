// The memory of a track, and its time limits: by age, by the origin's pool, and by the bounds of one group.
#include <comoq/track.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "track_memory_scene.hpp"

namespace track_memory_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("section 6 memory: a group is kept for max_latency after its last write, and removed at the next lookup", "[memory]") {
    Scene scene;
    scene.track.write_frame(payload("0"));
    scene.time.advance(400ms);
    scene.track.write_frame(payload("1"));
    scene.track.write_frame(payload("2"));
    scene.time.advance(600ms);
    CHECK(scene.held() == Numbers{0, 1, 2});
    scene.time.advance(1ns);
    CHECK(scene.held() == Numbers{1, 2});
    scene.time.advance(1h);
    CHECK(scene.held() == Numbers{2});
    CHECK(scene.track.stats().evicted_groups == 2);
    CHECK(scene.broadcast.stats().evicted_groups == 2);
    CHECK(scene.origin.stats().evicted_groups == 2);
}

TEST_CASE("section 6 memory: each kind of write and lookup judges the age", "[memory]") {
    const auto evicts = [](auto &&use) {
        Scene scene;
        scene.track.write_frame(payload("old"));
        auto group = scene.track.append_group();
        auto subscriber = now(scene.consumer.subscribe());
        scene.time.advance(2s);
        REQUIRE(scene.origin.stats().evicted_groups == 0);
        use(scene, group, subscriber);
        return scene.origin.stats().evicted_groups != 0;
    };
    using Subscriber = TrackSubscriber;
    CHECK(evicts([](Scene &scene, auto &, Subscriber &) { static_cast<void>(scene.track.append_group()); }));
    CHECK(evicts([](Scene &scene, auto &, Subscriber &) { static_cast<void>(scene.track.create_group(7)); }));
    CHECK(evicts([](Scene &scene, auto &, Subscriber &) { scene.track.write_frame(payload("x")); }));
    CHECK(evicts([](Scene &, GroupProducer &group, Subscriber &) { group.write_frame(payload("x")); }));
    CHECK(evicts([](Scene &, GroupProducer &group, Subscriber &) { static_cast<void>(group.create_frame(2)); }));
    CHECK(evicts([](Scene &, GroupProducer &group, Subscriber &) { group.finish(); }));
    CHECK(evicts([](Scene &scene, auto &, Subscriber &) { static_cast<void>(scene.consumer.get_group(5)); }));
    CHECK(evicts([](Scene &scene, auto &, Subscriber &) { static_cast<void>(scene.consumer.fetch_group(5)); }));
    CHECK(evicts([](Scene &, auto &, Subscriber &subscriber) { static_cast<void>(subscriber.get_group(5)); }));
    CHECK(evicts([](Scene &, auto &, Subscriber &subscriber) { static_cast<void>(subscriber.next_group()); }));
    CHECK(evicts([](Scene &, auto &, Subscriber &subscriber) { static_cast<void>(subscriber.recv_group()); }));
    CHECK(evicts([](Scene &, auto &, Subscriber &subscriber) { static_cast<void>(subscriber.read_frame()); }));
    CHECK_FALSE(evicts([](Scene &scene, auto &, Subscriber &) { static_cast<void>(scene.track.latest()); }));
}

TEST_CASE("section 6 memory: a write or a fetch keeps a group, looking it up does not", "[memory]") {
    Scene scene;
    auto written = scene.track.append_group();
    scene.track.write_frame(payload("fetched"));
    scene.track.write_frame(payload("looked up"));
    static_cast<void>(scene.track.append_group());
    scene.time.advance(800ms);
    written.write_frame(payload("more"));
    static_cast<void>(now(scene.consumer.fetch_group(1)));
    CHECK(scene.consumer.get_group(2).has_value());
    scene.time.advance(800ms);
    CHECK(scene.held() == Numbers{0, 1, 3});
}

TEST_CASE("section 6 memory: each chunk of a frame keeps its group", "[memory]") {
    Scene scene;
    auto group = scene.track.append_group();
    auto frame = group.create_frame(2);
    static_cast<void>(scene.track.append_group());
    for (int i = 0; i < 2; ++i) {
        scene.time.advance(800ms);
        frame.write(payload("x"));
    }
    scene.time.advance(800ms);
    frame.finish();
    CHECK(scene.held() == Numbers{0, 1});
}

TEST_CASE("section 6 memory: the newest group of a live track is never evicted, for age or for the pool", "[memory]") {
    Scene scene(4);
    scene.track.write_frame(payload("more than four bytes"));
    auto other = scene.another("other");
    other.write_frame(payload("more than four bytes, too"));
    scene.time.advance(1h);
    CHECK(scene.held() == Numbers{0});
    CHECK(Scene::held(other.consume()) == Numbers{0});
    CHECK(scene.origin.stats().cached_bytes == pool_of(2, 45));
    CHECK(scene.origin.stats().evicted_groups == 0);
}

TEST_CASE("section 6 memory: the newest group is the one with the highest number, not the last that came", "[memory]") {
    Scene scene;
    auto newest = scene.track.create_group(5);
    scene.track.create_group(3).finish();
    scene.time.advance(2s);
    CHECK(scene.held() == Numbers{5});
    CHECK(scene.origin.stats().evicted_groups == 1);
}

TEST_CASE("section 6 memory: when its track has ended, the newest group ages like any other", "[memory]") {
    Scene scene;
    scene.track.write_frame(payload("last"));
    auto subscriber = now(scene.consumer.subscribe());
    {
        const auto done = std::move(scene.track);
    }
    CHECK(scene.held() == Numbers{0});
    scene.time.advance(2s);
    CHECK(scene.held() == Numbers{});
    CHECK(scene.origin.stats().cached_groups == 0);
}

TEST_CASE("section 6 endings: age gives Old to readers that had not read all of a group, and to its writer", "[memory]") {
    Scene scene;
    auto group = scene.track.append_group();
    group.write_frame(payload("read"));
    auto reader = group.consume(), parked = group.consume();
    CHECK(texts(reader) == Words{"read"});
    CHECK(texts(parked) == Words{"read"});
    auto waiting = wait(parked.read_frame());
    auto unread = group.consume();
    static_cast<void>(scene.track.append_group());
    scene.time.advance(2s);
    static_cast<void>(scene.track.append_group());
    CHECK(waiting.code() == Error::Old);
    CHECK(code_now(unread.read_frame()) == Error::Old);
    CHECK(code_now(reader.read_frame()) == Error::Old);
    CHECK(code_now(reader.finished()) == Error::Old);
    CHECK(error_of([&] { group.write_frame(payload("late")); }) == Error::Old);
    CHECK(error_of([&] { group.finish(); }) == Error::Old);
}

TEST_CASE("section 6 endings: a reader that had read all of a finished group keeps its clean end", "[memory]") {
    Scene scene(1);
    auto group = scene.track.append_group();
    group.write_frame(payload("a"));
    auto done = group.consume(), halfway = group.consume();
    group.finish();
    CHECK(texts(done) == Words{"a"});
    scene.track.write_frame(payload("bcd"));
    CHECK_FALSE(now(done.read_frame()).has_value());
    CHECK(now(done.finished()) == 1);
    CHECK(code_now(halfway.read_frame()) == Error::Evicted);
    CHECK(error_of([&] { group.write_frame(payload("late")); }) == Error::Closed);
}

TEST_CASE("section 6 endings: bytes that a reader was given stay valid after their group is removed", "[memory]") {
    Scene scene(1);
    scene.track.write_frame(payload("the payload"));
    auto reader = scene.consumer.get_group(0).value();
    const auto frame = now(reader.read_frame()).value();
    scene.track.write_frame(payload("another"));
    CHECK(scene.held() == Numbers{1});
    CHECK(frame.payload.view() == "the payload");
}

TEST_CASE("section 6 memory: bytes count as they come, and until their frames are released", "[memory]") {
    Scene scene;
    using comoq::detail::MediaCost;
    const auto held = [&] { return scene.origin.stats().cached_bytes; };
    std::optional group = scene.track.append_group();
    CHECK(held() == MediaCost::group);
    group->write_frame(payload(10));
    CHECK(held() == pool_of(1, 10));
    {
        auto frame = group->create_frame(1000);
        CHECK(held() == pool_of(1, 10) + MediaCost::frame_state);
        frame.write(payload(300));
        CHECK(held() == pool_of(1, 310) + MediaCost::frame_state + MediaCost::chunk);
        CHECK(scene.track.stats().bytes == 310);
        // Its group goes before it is finished: the complete frames are kept.
        group.reset();
        CHECK(held() == pool_of(1, 10));
    }
    CHECK(held() == pool_of(1, 10));
    auto whole = scene.track.append_group();
    auto frame = whole.create_frame(3);
    frame.write(payload("abc"));
    frame.finish();
    // In one piece it needs no state of its own.
    CHECK(held() == pool_of(2, 13));
    CHECK(scene.broadcast.stats().cached_bytes == held());
    CHECK(scene.track.stats().cached_bytes == held());
    CHECK(scene.broadcast.stats().cached_groups == 2);
    // A group that has dropped its frames takes a place in the track until it leaves that.
    whole.abort(Error::Timeout);
    CHECK(held() == pool_of(1, 10) + MediaCost::group);
    CHECK(scene.track.stats().bytes == 10);
    auto parts = scene.track.append_group();
    auto of_two = parts.create_frame(4);
    of_two.write(payload("ab"));
    of_two.write(payload("cd"));
    of_two.finish();
    CHECK(held() == pool_of(2, 14) + MediaCost::group + MediaCost::frame_state + 2 * MediaCost::chunk);
    scene.track.abort(Error::Timeout);
    CHECK(held() == 0);
    CHECK(scene.origin.stats().cached_groups == 0);
}

TEST_CASE("section 6 memory: the chunks of an open frame count against the bound of their group", "[memory]") {
    Scene scene;
    auto group = scene.track.append_group();
    group.write_frame(payload("old"));
    auto reader = group.consume();
    auto frame = group.create_frame(32u << 20);
    frame.write(payload((32u << 20) - 1));
    CHECK(scene.track.stats().bytes == (32u << 20) - 1);
    CHECK(code_now(reader.read_frame()) == Error::Lagged);
    frame.write(payload(1));
    frame.finish();
    CHECK(scene.track.stats().bytes == 32u << 20);
}

TEST_CASE("section 6 memory: a track may keep groups for ever, and may keep none", "[memory]") {
    Scene scene;
    auto for_ever = scene.broadcast.create_track("for ever", keeps(std::chrono::milliseconds::max()));
    auto none = scene.broadcast.create_track("none", keeps(0ms));
    for (int i = 0; i < 3; ++i) {
        for_ever.write_frame(payload("x"));
        none.write_frame(payload("x"));
        scene.time.advance(24h);
    }
    CHECK(Scene::held(for_ever.consume()) == Numbers{0, 1, 2});
    CHECK(Scene::held(none.consume()) == Numbers{2});
}

TEST_CASE("section 6 memory: the clock is called without a lock", "[memory]") {
    OriginConfig config;
    std::optional<TrackProducer> track;
    config.clock = [&track] {
        // This would wait for itself under the track's lock.
        if (track) {
            static_cast<void>(track->latest());
        }
        return std::chrono::steady_clock::now();
    };
    const Origin origin(config);
    auto broadcast = origin.producer().make_broadcast();
    track = broadcast.create_track("video");
    track->write_frame(payload("x"));
    auto group = track->append_group();
    group.write_frame(payload("x"));
    CHECK(track->consume().get_group(0).has_value());
    CHECK(texts(*std::make_unique<GroupConsumer>(track->consume().get_group(1).value())) == Words{"x"});
    track.reset();
}

TEST_CASE("section 6 memory: a write that comes too late finds its group gone", "[memory]") {
    Scene scene;
    auto group = scene.track.append_group();
    static_cast<void>(scene.track.append_group());
    scene.time.advance(1h);
    CHECK(error_of([&] { group.write_frame(payload("late")); }) == Error::Old);
    CHECK(scene.held() == Numbers{1});
}

TEST_CASE("section 6 memory: a payload's owner is freed while no lock is held", "[memory]") {
    Scene scene;
    auto handler = scene.track.dynamic();
    const auto serve = [&](Bytes bytes) {
        auto waiting = scene.consumer.fetch_group(5);
        auto request = now(handler.requested_group()).value();
        auto group = request.accept();
        group.write_frame(std::move(bytes));
        // Dropped unfinished, so that the next requester asks the handler again.
    };
    bool freed = false;
    {
        const std::byte one{};
        std::shared_ptr<const void> owner(&one, [&](const void *) {
            // This would wait for itself under the track's lock.
            static_cast<void>(scene.track.latest());
            freed = true;
        });
        serve(Bytes(std::move(owner), std::span(&one, 1)));
    }
    CHECK_FALSE(freed);
    serve(payload("x"));
    CHECK(freed);
}

}
