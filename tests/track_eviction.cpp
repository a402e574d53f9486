// Groups that are evicted for others, and what tracks and their readers know of them afterwards.
#include <comoq/track.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/given_group.hpp>
#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "track_memory_scene.hpp"

namespace track_eviction_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace track_memory_tests;

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
    auto group = other->append_group();
    auto slow = group.consume();
    for (int i = 0; i <= 32768; ++i) group.write_frame(Bytes());
    CHECK(code_now(slow.read_frame()) == Error::Lagged);
    group.finish();
    other.reset();
    CHECK(scene.broadcast.stats().tracks == 1);
    CHECK(scene.broadcast.stats().evicted_groups == 2);
    CHECK(scene.broadcast.stats().lagged_readers == 1);
    CHECK(scene.broadcast.stats().cached_groups == 0);
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
