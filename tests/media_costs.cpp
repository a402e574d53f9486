// Held memory is charged at its cost, whatever it consists of, and is bounded by that.
#include <comoq/track.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/heap.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace media_costs_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using comoq::detail::MediaCost;

TrackInfo kept_for(std::chrono::milliseconds max_latency) {
    TrackInfo info;
    info.max_latency = max_latency;
    return info;
}

struct Scene {
    explicit Scene(std::size_t max_cached_bytes = OriginConfig().max_cached_bytes) : origin(time.origin(max_cached_bytes)) {}
    std::size_t held() const { return origin.stats().cached_bytes; }

    ManualClock time;
    Origin origin;
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    TrackProducer track = broadcast.create_track("video", kept_for(24h));
};

Numbers datagrams(TrackSubscriber &subscriber) {
    Numbers all;
    for (auto next = subscriber.recv_datagram(); next.ready(); next = subscriber.recv_datagram()) {
        const auto datagram = now(std::move(next));
        if (!datagram) break;
        all.push_back(datagram->sequence);
    }
    return all;
}

}  // namespace

TEST_CASE("section 6 memory: the pool bounds the cost of groups, whatever they are made of", "[memory][costs]") {
    constexpr std::size_t pool = 256 * 1024;
    using Fill = void (*)(TrackProducer &);
    const Fill fills[] = {
        [](TrackProducer &track) { track.append_group().finish(); },
        [](TrackProducer &track) { track.append_group().abort(Error::Timeout); },
        [](TrackProducer &track) { track.write_frame(payload("x")); },
        [](TrackProducer &track) {
            auto group = track.append_group();
            for (int i = 0; i < 10; ++i) group.write_frame(Bytes());
            group.finish();
        },
        [](TrackProducer &track) {
            auto group = track.append_group();
            auto frame = group.create_frame(100);
            for (int i = 0; i < 100; ++i) frame.write(payload("x"));
            frame.finish();
            group.finish();
        },
    };
    for (const auto fill : fills) {
        Scene scene(pool);
        std::size_t most = 0;
        for (int i = 0; i < 2000; ++i) {
            fill(scene.track);
            most = std::max(most, scene.held());
        }
        CHECK(most <= pool);
        CHECK(most > pool / 2);
        CHECK(scene.track.stats().groups <= pool / MediaCost::group);
        scene.track.abort(Error::Cancelled);
        CHECK(scene.held() == 0);
    }
}

TEST_CASE("section 6 memory: a track holds 65,536 groups at most, with or without a pool", "[memory][costs]") {
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video", kept_for(24h));
    constexpr std::size_t most = 65'536;
    for (std::size_t i = 0; i < most; ++i) track.append_group().finish();
    CHECK(track.stats().evicted_groups == 0);
    for (std::size_t i = 0; i < 10; ++i) track.append_group().finish();
    CHECK(track.stats().groups == most);
    CHECK(track.stats().evicted_groups == 10);
    CHECK_FALSE(track.consume().get_group(9).has_value());
    CHECK(track.consume().get_group(10).has_value());
}

TEST_CASE("section 6 memory: an origin keeps nothing longer than its config allows, whatever a publisher says",
          "[memory][costs]") {
    ManualClock time;
    OriginConfig config;
    config.clock = time.clock();
    config.max_latency = 1s;
    const Origin origin(std::move(config));
    auto broadcast = origin.producer().make_broadcast();
    auto track = broadcast.create_track("video", kept_for(std::chrono::milliseconds::max()));
    auto subscriber = now(track.consume().subscribe());
    track.write_frame(payload("0"));
    track.append_datagram(payload("1"));
    track.write_frame(payload("2"));
    time.advance(2s);
    CHECK_FALSE(track.consume().get_group(0).has_value());
    CHECK(track.consume().get_group(2).has_value());
    CHECK(datagrams(subscriber).empty());
    CHECK(track.info().max_latency == std::chrono::milliseconds::max());
}

TEST_CASE("section 8 datagrams: none is kept without a subscriber, and the last one that leaves takes them along",
          "[memory][costs]") {
    Scene scene;
    CHECK(scene.track.append_datagram(payload("x")) == 0);
    CHECK(scene.track.stats().datagrams == 0);
    CHECK(scene.held() == 0);
    {
        auto first = now(scene.track.consume().subscribe());
        auto second = now(scene.track.consume().subscribe());
        CHECK(scene.track.append_datagram(payload("abc")) == 1);
        constexpr std::size_t one = MediaCost::datagram + sizeof(comoq::detail::DatagramSlot) + 3;
        CHECK(scene.held() == one);
        CHECK(scene.track.stats().cached_bytes == one);
        CHECK(datagrams(first) == Numbers{1});
        first = TrackSubscriber();
        CHECK(scene.track.stats().datagrams == 1);
        CHECK(datagrams(second) == Numbers{1});
    }
    CHECK(scene.track.stats().datagrams == 0);
    CHECK(scene.held() == 0);
}

TEST_CASE("section 6 memory: datagrams age as groups do, and go to the pool", "[memory][costs]") {
    Scene scene(10'000);
    auto track = scene.broadcast.create_track("audio", kept_for(1s));
    auto slow = now(track.consume().subscribe());
    track.append_datagram(payload("old"));
    scene.time.advance(800ms);
    track.append_datagram(payload("new"));
    scene.time.advance(800ms);
    CHECK(datagrams(slow) == Numbers{1});
    CHECK(track.stats().datagrams == 1);
    track.append_datagram(payload("x"));
    CHECK(track.stats().datagrams == 2);
    // The track is not written to any more: its groups are the ones used longest ago.
    scene.track.write_frame(payload(8'900));
    CHECK(track.stats().datagrams == 2);
    scene.track.write_frame(payload(8'900));
    CHECK(track.stats().datagrams == 0);
    CHECK(scene.held() == pool_of(1, 8'900));
    CHECK(datagrams(slow).empty());
    track.append_datagram(payload("on"));
    CHECK(datagrams(slow) == Numbers{3});
}

TEST_CASE("section 6 memory: datagrams are charged at what they hold", "[memory][costs]") {
    if (heap_in_use() == 0) return;
    {
        // What the process makes once is not theirs.
        Scene scene;
        auto slow = now(scene.track.consume().subscribe());
        for (int i = 0; i < 100; ++i) scene.track.append_datagram(payload("x"));
    }
    for (const std::size_t size : {1u, 100u, 1'200u}) {
        // Beyond 1,024 the oldest go, and the slots are used again.
        for (const std::size_t count : {100u, 1'000u, 1'024u, 1'500u, 2'100u, 5'000u}) {
            INFO(count << " datagrams of " << size << " bytes");
            Scene scene;
            auto slow = now(scene.track.consume().subscribe());
            const auto text = std::string(size, 'x');
            const auto before = heap_in_use();
            for (std::size_t i = 0; i < count; ++i) scene.track.append_datagram(Bytes::copy(text));
            const auto held = static_cast<double>(heap_in_use() - before), charged = static_cast<double>(scene.held());
            CHECK(held <= 1.1 * charged);
            // A sanitizer's heap counts no overhead of its own.
            CHECK(charged <= 1.4 * held);
        }
    }
}

TEST_CASE("section 6 memory: an announced broadcast takes 1,000 bytes at most, and an idle track with a subscriber 1,600",
          "[memory][costs]") {
    if (heap_in_use() == 0) return;
    constexpr std::size_t count = 500;
    const auto taken_by = [](auto make) {
        make(0);
        const auto before = heap_in_use();
        for (std::size_t i = 1; i <= count; ++i) make(i);
        return static_cast<double>(heap_in_use() - before) / static_cast<double>(count);
    };
    Scene scene;
    std::vector<BroadcastPublish> published;
    std::vector<TrackProducer> tracks;
    std::vector<TrackSubscriber> subscribers;
    published.reserve(count + 1);
    tracks.reserve(count + 1);
    subscribers.reserve(count + 1);
    const auto producer = scene.origin.producer();
    CHECK(taken_by([&](std::size_t i) { published.push_back(producer.create_broadcast("room/" + std::to_string(i) + "/alice")); }) <
          1000);
    CHECK(taken_by([&](std::size_t i) {
              tracks.push_back(scene.broadcast.create_track("track" + std::to_string(i)));
              subscribers.push_back(now(tracks.back().consume().subscribe()));
          }) < 1600);
}

TEST_CASE("section 8 frame: a frame that came in chunks is held once, however it is read", "[memory][costs]") {
    const std::vector<std::byte> bytes(10'000);
    std::vector<std::weak_ptr<const void>> owners;
    const auto chunk = [&] {
        auto owner = std::make_shared<int>(0);
        owners.push_back(owner);
        return Bytes(std::move(owner), std::span(bytes));
    };
    const auto held = [&] {
        std::size_t count = 0;
        for (const auto &owner : owners) count += owner.expired() ? 0 : 1;
        return count;
    };
    Scene scene;
    for (const int how : {0, 1, 2, 3}) {
        owners.clear();
        auto group = scene.track.append_group();
        auto frame = group.create_frame(30'000);
        for (int i = 0; i < 3; ++i) frame.write(chunk());
        frame.finish();
        group.finish();
        CHECK(held() == 3);
        auto reader = group.consume();
        if (how == 0) CHECK(now(reader.read_frame())->payload.size() == 30'000);
        if (how == 1) CHECK(now(reader.read_frames(3))->front().payload.size() == 30'000);
        if (how == 2) CHECK(now(reader.get_frame(0))->payload.size() == 30'000);
        if (how == 3) CHECK(now(now(reader.next_frame())->read_all()).size() == 30'000);
        // The joined piece is held, which replaced the chunks.
        CHECK(held() == 0);
        auto late = group.consume();
        CHECK(now(now(late.next_frame())->read_chunk())->size() == 30'000);
    }
}

TEST_CASE("section 6 memory: a frame that comes a byte at a time is joined, and read as it was written", "[memory][costs]") {
    Scene scene;
    constexpr std::size_t size = 20'000;
    auto group = scene.track.append_group();
    auto frame = group.create_frame(size);
    auto follower = *now(group.consume().next_frame());
    std::string followed, written;
    for (std::size_t i = 0; i < size; ++i) {
        const std::string text(1, static_cast<char>('a' + i % 26));
        written += text;
        frame.write(payload(text));
        if (i % 7 == 0) {
            while (true) {
                auto chunk = follower.read_chunk();
                if (!chunk.ready()) break;
                followed += now(std::move(chunk))->view();
            }
        }
    }
    CHECK(scene.held() < size + MediaCost::group + MediaCost::frame_state + 40 * MediaCost::chunk + 4096);
    frame.finish();
    followed += now(follower.read_all()).view();
    CHECK(followed == written);
    std::size_t chunks = 0;
    std::string late;
    auto reader = *now(group.consume().next_frame());
    while (auto chunk = now(reader.read_chunk())) {
        late += chunk->view();
        ++chunks;
    }
    CHECK(late == written);
    CHECK(chunks < 40);
}

TEST_CASE("section 6 endings: a track whose last group is evicted before its subscriber had it ends with an error for that one",
          "[memory][costs]") {
    for (const bool by_age : {false, true}) {
        Scene scene(by_age ? OriginConfig().max_cached_bytes : 1000);
        auto init = std::make_optional(scene.broadcast.create_track("init", kept_for(1s)));
        const auto consumer = init->consume();
        auto subscriber = now(consumer.subscribe()), reads = now(consumer.subscribe());
        init->write_frame(payload("init"));
        CHECK(nexts(reads) == Numbers{0});
        CHECK(received(reads) == Numbers{0});
        init->finish();
        init.reset();
        scene.track.write_frame(payload(2000));
        if (by_age) {
            scene.time.advance(2s);
            CHECK_FALSE(consumer.get_group(0).has_value());
        }
        const auto expected = make_error_code(by_age ? Error::Old : Error::Evicted);
        CHECK(code_now(subscriber.next_group()) == expected);
        CHECK(code_now(subscriber.recv_group()) == expected);
        CHECK(code_now(subscriber.read_frame()) == expected);
        CHECK(code_now(subscriber.read_first_frame()) == expected);
        CHECK(now(subscriber.closed()) == std::error_code());
        // A subscriber that had it is at the end.
        CHECK_FALSE(now(reads.next_group()).has_value());
        CHECK_FALSE(now(reads.recv_group()).has_value());
    }
}

}
