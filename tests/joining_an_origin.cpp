// A broadcast that stands alone: an origin's pool, clock and bounds cover it once it is announced or served there.
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/joining_count.hpp>
#include <comoq/origin.hpp>
#include <comoq/origin_dynamic.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"
#include "support/origin_fixture.hpp"

namespace joining_an_origin_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A broadcast that stands alone, with a track of this many groups of 1,000 bytes.
struct Alone {
    explicit Alone(std::size_t groups) {
        TrackInfo info;
        info.max_latency = 10s;
        track.emplace(broadcast->create_track("video", info));
        for (; groups != 0; --groups) track->write_frame(payload(1000));
    }
    std::optional<BroadcastProducer> broadcast = BroadcastProducer();
    std::optional<TrackProducer> track;
};

/// Announces it, or serves it on request.
struct Shown {
    Shown(Origin &origin, const BroadcastProducer &broadcast, bool announced) {
        if (announced) {
            guard.emplace(origin.producer().publish_broadcast("room", broadcast.consume()));
        } else {
            auto handler = origin.producer().dynamic();
            const auto asked = origin.consumer().request_broadcast("room");
            take_request(handler)->accept(broadcast.consume());
        }
    }
    std::optional<OriginPublish> guard;
};

}  // namespace

TEST_CASE("section 4: the memory of a broadcast that stood alone counts in the origin that shows it", "[memory]") {
    const bool announced = GENERATE(true, false);
    Origin origin;
    Alone alone(3);
    CHECK(origin.stats().cached_bytes == 0);
    std::optional<Shown> shown(std::in_place, origin, *alone.broadcast, announced);
    CHECK(origin.stats().cached_bytes == pool_of(3, 3000));
    CHECK(origin.stats().cached_groups == 3);
    alone.track->write_frame(payload(1000));
    auto audio = std::make_optional(alone.broadcast->create_track("audio"));
    audio->write_frame(payload(500));
    CHECK(origin.stats().cached_bytes == pool_of(5, 4500));
    shown.reset();
    CHECK(origin.stats().cached_bytes == pool_of(5, 4500));
    audio.reset();
    alone.track.reset();
    alone.broadcast.reset();
    CHECK(origin.stats().cached_bytes == 0);
    CHECK(origin.stats().cached_groups == 0);
}

TEST_CASE("section 4: the origin's pool evicts groups of a broadcast that stood alone, at once and from then on", "[memory]") {
    const bool announced = GENERATE(true, false);
    ManualClock time;
    auto origin = time.origin(pool_of(2, 2000));
    Alone alone(4);
    CHECK(alone.track->stats().groups == 4);
    const Shown shown(origin, *alone.broadcast, announced);
    CHECK(alone.track->stats().groups == 2);
    CHECK(alone.track->stats().evicted_groups == 2);
    alone.track->write_frame(payload(1000));
    CHECK(alone.track->stats().groups == 2);
    CHECK(origin.stats().evicted_groups == 3);
}

TEST_CASE("section 4: the pool evicts the group whose last use was longest ago, even if the broadcast stood alone then",
          "[memory]") {
    ManualClock time;
    auto small = time.origin(pool_of(4, 4000));
    auto own = small.producer().create_broadcast("own");
    auto track = own.producer().create_track("video");
    track.write_frame(payload(1000));
    track.write_frame(payload(1000));
    Alone alone(2);
    const Shown shown(small, *alone.broadcast, true);
    // The first group of the origin's own track was written before both of the other one.
    track.write_frame(payload(1000));
    CHECK(track.stats().evicted_groups == 1);
    CHECK(alone.track->stats().evicted_groups == 0);
}

TEST_CASE("section 4: the origin's clock judges the age in a broadcast that stood alone", "[memory]") {
    ManualClock time;
    auto origin = time.origin();
    Alone alone(2);
    const Shown shown(origin, *alone.broadcast, true);
    time.advance(9s);
    CHECK(alone.track->consume().get_group(0).has_value());
    time.advance(2s);
    CHECK_FALSE(alone.track->consume().get_group(0).has_value());
    // The newest one stays.
    CHECK(alone.track->consume().get_group(1).has_value());
}

TEST_CASE("section 4: the origin's bounds hold in a broadcast that stood alone", "[memory]") {
    OriginConfig config;
    config.max_frame_size = 100;
    config.max_latency = 3s;
    ManualClock time;
    config.clock = time.clock();
    Origin origin(std::move(config));
    Alone alone(2);
    const Shown shown(origin, *alone.broadcast, true);
    CHECK(error_of([&] { alone.track->write_frame(payload(101)); }) == Error::FrameTooLarge);
    time.advance(4s);
    CHECK_FALSE(alone.track->consume().get_group(0).has_value());
}

TEST_CASE("section 4: the first origin that shows a broadcast covers it, and no other", "[memory]") {
    std::optional<Origin> first = Origin();
    Origin second;
    Alone alone(1);
    {
        const Shown there(*first, *alone.broadcast, true);
        const Shown here(second, *alone.broadcast, true);
        CHECK(first->stats().cached_groups == 1);
        CHECK(second.stats().cached_groups == 0);
    }
    // The origin may go before the broadcast.
    first.reset();
    alone.track->write_frame(payload(1000));
    CHECK(alone.track->stats().groups == 2);
}

TEST_CASE("a refused announcement leaves a broadcast that stands alone as it is", "[memory]") {
    Origin origin;
    Alone alone(1);
    CHECK(error_of([&] { static_cast<void>(origin.producer().publish_broadcast("a\n", alone.broadcast->consume())); }) ==
          Error::InvalidPath);
    CHECK(origin.stats().cached_groups == 0);
}

TEST_CASE("joining_count: counts of several threads while it joins are counted once", "[memory]") {
    for (int round = 0; round < 200; ++round) {
        comoq::detail::JoiningCount count, other;
        other.add(1);
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i) {
            threads.emplace_back([&] {
                for (int k = 0; k < 50; ++k) {
                    count.add(3);
                    count.subtract(2);
                }
            });
        }
        threads.emplace_back([&] { count.join(other); });
        for (auto &thread : threads) thread.join();
        CHECK(other.load() == 151);
        CHECK(count.load() == 151);
    }
}

}
