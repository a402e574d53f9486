// The memory of a track, and its time limits: by age, by the origin's pool, and by the bounds of one group.
#include <comoq/track.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/given_group.hpp>
#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace track_memory_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

TrackInfo keeps(std::chrono::milliseconds max_latency) {
    TrackInfo info;
    info.max_latency = max_latency;
    return info;
}

/// A track that keeps groups for a second, on a clock of the test's own.
struct Scene {
    explicit Scene(std::size_t max_cached_bytes = OriginConfig().max_cached_bytes)
        : origin(time.origin(max_cached_bytes)) {}

    TrackProducer another(const std::string &name) { return broadcast.create_track(name, keeps(1s)); }
    /// The groups that can be looked up, of the first ten.
    Numbers held() const { return held(consumer); }
    static Numbers held(const TrackConsumer &of) {
        Numbers numbers;
        for (std::uint64_t sequence = 0; sequence < 10; ++sequence) {
            if (of.get_group(sequence)) {
                numbers.push_back(sequence);
            }
        }
        return numbers;
    }

    ManualClock time;
    Origin origin;
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    TrackProducer track = broadcast.create_track("video", keeps(1s));
    TrackConsumer consumer = track.consume();
};

}  // namespace

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

TEST_CASE("section 6 memory: eviction wakes the readers that wait for the removed group", "[memory]") {
    Scene scene(1000);
    auto group = scene.track.append_group();
    auto frame = group.create_frame(50);
    frame.write(payload("half"));
    auto reader = group.consume();
    auto opened = *now(reader.next_frame());
    CHECK(now(opened.read_chunk())->view() == "half");
    auto chunk = wait(opened.read_chunk());
    auto next = wait(reader.next_frame());
    auto whole = wait(opened.read_all());
    auto tenth = wait(reader.get_frame(10));
    auto finished = wait(reader.finished());
    scene.track.write_frame(payload(100));
    for (auto code : {chunk.code(), next.code(), whole.code(), tenth.code(), finished.code()}) {
        CHECK(code == Error::Evicted);
    }
    CHECK(error_of([&] { frame.write(payload("x")); }) == Error::Evicted);
    CHECK(scene.origin.stats().cached_bytes == pool_of(1, 100));
}

TEST_CASE("section 6 memory: the pool evicts the group that was written or fetched longest ago, over all tracks", "[memory]") {
    // Room for five groups, and for two frames more.
    Scene scene(pool_of(5, 50) + 2 * detail::MediaCost::frame);
    auto other = scene.another("other");
    auto idle = scene.another("idle");
    const auto fill = [](TrackProducer &track) { track.write_frame(payload(10)); };
    fill(idle);
    fill(scene.track);
    fill(other);
    auto slow = scene.track.append_group();
    slow.write_frame(payload(4));
    fill(scene.track);
    fill(idle);
    // Six groups: the oldest evictable one is the idle track's first.
    CHECK(Scene::held(idle.consume()) == Numbers{1});
    CHECK(scene.held() == Numbers{0, 1, 2});
    // Then the first of `track`, but it is fetched.
    static_cast<void>(now(scene.consumer.fetch_group(0)));
    fill(other);
    CHECK(scene.origin.stats().cached_bytes == pool_of(5, 44));
    CHECK(Scene::held(other.consume()) == Numbers{1});
    // That was the first of `other`. Next comes the second of `idle`, which was written before the fetch.
    slow.write_frame(payload(4));
    fill(idle);
    CHECK(scene.held() == Numbers{0, 1, 2});
    CHECK(Scene::held(idle.consume()) == Numbers{2});
    fill(idle);
    CHECK(scene.held() == Numbers{1, 2});
    CHECK(Scene::held(idle.consume()) == Numbers{2, 3});
    CHECK(scene.track.stats().evicted_groups == 1);
    CHECK(other.stats().evicted_groups == 1);
    CHECK(idle.stats().evicted_groups == 2);
    CHECK(scene.origin.stats().evicted_groups == 4);
}

TEST_CASE("section 6 memory: a track that nobody writes to any more gives its groups up to the pool", "[memory]") {
    Scene scene(pool_of(1, 20));
    auto ended = std::make_optional(scene.another("ended"));
    const auto reader = ended->consume();
    ended->write_frame(payload(10));
    ended->finish();
    ended.reset();
    CHECK(Scene::held(reader) == Numbers{0});
    scene.track.write_frame(payload(20));
    CHECK(Scene::held(reader) == Numbers{});
    CHECK(scene.origin.stats().cached_bytes == pool_of(1, 20));
}

TEST_CASE("section 6 memory: a group whose track is gone is evicted from under its reader", "[memory]") {
    Scene scene(pool_of(1, 20));
    auto gone = std::make_optional(scene.another("gone"));
    gone->write_frame(payload(10));
    auto reader = gone->consume().get_group(0).value();
    gone.reset();
    scene.track.write_frame(payload(20));
    CHECK(code_now(reader.read_frame()) == Error::Evicted);
    CHECK(scene.origin.stats().cached_bytes == pool_of(1, 20));
}

TEST_CASE("section 7: an eviction that cannot free enough ends", "[memory]") {
    Scene scene(1);
    std::vector<TrackProducer> tracks;
    for (int i = 0; i < 20; ++i) {
        tracks.push_back(scene.another(std::to_string(i)));
        for (int group = 0; group < 3; ++group) {
            tracks.back().write_frame(payload(10));
        }
    }
    CHECK(scene.origin.stats().cached_bytes == pool_of(20, 200));
    CHECK(scene.origin.stats().cached_groups == 20);
    CHECK(scene.origin.stats().evicted_groups == 40);
}

TEST_CASE("section 6 memory: a source may give an evicted group again, and subscribers get it once", "[memory]") {
    Scene scene;
    auto subscriber = now(scene.consumer.subscribe());
    scene.track.write_frame(payload("first"));
    static_cast<void>(scene.track.append_group());
    CHECK(received(subscriber) == Numbers{0, 1});
    CHECK(error_of([&] { return comoq::detail::given_group(scene.track, 0); }) == Error::Duplicate);
    scene.time.advance(2s);
    CHECK(scene.held() == Numbers{1});
    auto again = comoq::detail::given_group(scene.track, 0);
    again.write_frame(payload("again"));
    CHECK(scene.held() == Numbers{0, 1});
    CHECK(received(subscriber).empty());
    auto reader = scene.consumer.get_group(0).value();
    CHECK(texts(reader) == Words{"again"});
    CHECK(scene.track.latest() == 1);
}

TEST_CASE("section 6 memory: create_group of a number is Duplicate when its group has expired or was evicted", "[memory]") {
    Scene scene(100'000);
    static_cast<void>(scene.track.create_group(7));
    static_cast<void>(scene.track.create_group(8));
    SECTION("it expired") {
        scene.time.advance(2s);
        CHECK(scene.held() == Numbers{8});
    }
    SECTION("it was evicted") {
        std::vector<TrackProducer> others;
        for (int i = 0; !scene.held().empty() && scene.held().front() == 7; ++i) {
            others.push_back(scene.another(std::to_string(i)));
            others.back().write_frame(payload(1'000));
        }
        CHECK(scene.held() == Numbers{8});
    }
    SECTION("it failed, and was fetched since") {
        auto handler = scene.track.dynamic();
        scene.time.advance(2s);
        auto fetched = wait(scene.consumer.fetch_group(7));
        auto group = now(handler.requested_group())->accept({});
        CHECK(scene.held() == Numbers{7, 8});
    }
    CHECK(error_of([&] { return scene.track.create_group(7); }) == Error::Duplicate);
    CHECK(scene.track.create_group(6).sequence() == 6);
    CHECK(scene.track.append_group().sequence() == 9);
}

TEST_CASE("section 6 memory: a fetched group does not use its number", "[memory]") {
    Scene scene;
    auto handler = scene.track.dynamic();
    static_cast<void>(scene.track.create_group(8));
    auto fetched = wait(scene.consumer.fetch_group(7));
    { const auto group = now(handler.requested_group())->accept({}); }
    CHECK(scene.track.create_group(7).sequence() == 7);
}

TEST_CASE("section 6 memory: a track knows the used numbers above its highest 1,024 gaps", "[memory]") {
    Scene scene;
    constexpr std::uint64_t gaps = 1'024;
    const auto is_used = [&](std::uint64_t number) {
        return error_of([&] { return scene.track.create_group(number); }) == Error::Duplicate;
    };
    for (std::uint64_t i = 0; i <= gaps; ++i) static_cast<void>(scene.track.create_group(2 * i));
    scene.time.advance(2s);
    bool all = true;
    for (std::uint64_t i = 0; i <= gaps; ++i) all = all && is_used(2 * i);
    CHECK(all);
    // This gives up the lowest gap, 1, and the one after that, 3.
    for (std::uint64_t i = gaps + 1; i <= gaps + 2; ++i) static_cast<void>(scene.track.create_group(2 * i));
    scene.time.advance(2s);
    for (std::uint64_t i = 2; i <= gaps + 2; ++i) all = all && is_used(2 * i);
    CHECK(all);
    for (std::uint64_t number = 0; number < 4; ++number) {
        CHECK_FALSE(is_used(number));
        CHECK(is_used(number));  // it is there again
    }
    CHECK_FALSE(is_used(5));
}

TEST_CASE("section 6 memory: subscribers pass over removed groups, and a track that lost groups still ends", "[memory]") {
    Scene scene;
    auto subscriber = now(scene.consumer.subscribe());
    for (int i = 0; i < 3; ++i) {
        scene.track.write_frame(payload("x"));
    }
    scene.time.advance(2s);
    CHECK(nexts(subscriber) == Numbers{2});
    CHECK(received(subscriber) == Numbers{2});
    scene.track.finish();
    CHECK_FALSE(now(subscriber.next_group()).has_value());
    CHECK_FALSE(now(subscriber.recv_group()).has_value());
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

TEST_CASE("section 6 memory: a reader that fell behind is counted once, at every level", "[memory]") {
    Scene scene;
    auto group = scene.track.append_group();
    auto slow = group.consume(), fast = group.consume();
    for (int i = 0; i < 32768; ++i) {
        group.write_frame(Bytes());
    }
    CHECK(now(fast.read_frames(100'000))->size() == 32768);
    group.write_frame(Bytes());
    CHECK(now(fast.read_frame()).has_value());
    CHECK(scene.origin.stats().lagged_readers == 0);
    CHECK(code_now(slow.read_frame()) == Error::Lagged);
    CHECK(code_now(slow.read_frame()) == Error::Lagged);
    CHECK(scene.track.stats().lagged_readers == 1);
    CHECK(scene.broadcast.stats().lagged_readers == 1);
    CHECK(scene.origin.stats().lagged_readers == 1);
    // A new reader begins at the first frame still held.
    auto late = group.consume();
    CHECK(now(late.read_frames(100'000))->size() == 32768);
}

TEST_CASE("section 6 memory: a broadcast remembers the losses of tracks that are gone", "[memory]") {
    Scene scene;
    auto other = std::make_optional(scene.another("other"));
    other->write_frame(payload("x"));
    other->write_frame(payload("x"));
    scene.time.advance(2s);
    other->write_frame(payload("x"));
    other.reset();
    CHECK(scene.broadcast.stats().tracks == 1);
    CHECK(scene.broadcast.stats().evicted_groups == 2);
    CHECK(scene.broadcast.stats().cached_groups == 0);
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

TEST_CASE("section 6 memory: the end of a track brings the pool within its bound", "[memory]") {
    Scene scene(10);
    scene.track.write_frame(payload(1000));
    CHECK(scene.origin.stats().cached_bytes == pool_of(1, 1000));
    {
        const auto gone = std::move(scene.track);
    }
    CHECK(scene.origin.stats().cached_bytes == 0);
}

TEST_CASE("section 6 memory: a reader that waits behind a cap is woken when the group above it is removed", "[memory]") {
    Scene scene;
    auto subscriber = now(scene.consumer.subscribe(Wish{.start = 0, .end = 0}));
    scene.track.write_frame(payload("0"));
    scene.track.write_frame(payload("1"));
    CHECK(nexts(subscriber) == Numbers{0});
    CHECK(received(subscriber) == Numbers{0});
    auto next = wait(subscriber.next_group());
    auto arrival = wait(subscriber.recv_group());
    scene.track.finish();
    const auto consumer = scene.track.consume();
    {
        const auto gone = std::move(scene.track);
    }
    CHECK_FALSE(next.done());
    CHECK_FALSE(arrival.done());
    scene.time.advance(10s);
    CHECK_FALSE(consumer.get_group(7).has_value());
    CHECK(next.done());
    CHECK(arrival.done());
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

TEST_CASE("section 6 memory: a broadcast that stands alone has no pool", "[memory]") {
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    const std::vector<std::byte> chunk(1 << 20);
    const auto shared = Bytes::copy(chunk);
    // The same bytes again and again: more by count than any default bound.
    for (int group = 0; group < 70; ++group) {
        auto writer = track.append_group();
        for (int i = 0; i < 32; ++i) {
            writer.write_frame(shared);
        }
        writer.finish();
    }
    CHECK(track.stats().groups == 70);
    CHECK(track.stats().evicted_groups == 0);
}

}
