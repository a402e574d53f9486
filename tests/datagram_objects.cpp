// SPDX-License-Identifier: MIT
// Datagrams of MoQ Transport: many of a number, each with an object id, and with extras.
#include <comoq/datagram.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/heap.hpp"
#include "support/media.hpp"

namespace datagram_objects_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using comoq::detail::MediaBounds;

struct Scene {
    TrackSubscriber subscribe() const { return now(track->consume().subscribe()); }
    void insert(std::uint64_t sequence, std::uint64_t object, ObjectExtras extras = {}) {
        track->insert_datagram(Datagram(sequence, {}, payload("x"), object, std::move(extras)));
    }
    std::error_code refusal(std::uint64_t sequence, std::uint64_t object) {
        return error_of([&] { insert(sequence, object); });
    }

    Origin origin;
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    std::optional<TrackProducer> track = broadcast.create_track("video");
};

/// The places of those that are there.
Words places(TrackSubscriber &subscriber) {
    Words all;
    while (const auto datagram = subscriber.try_recv_datagram())
        all.push_back(std::to_string(datagram->sequence) + "/" + std::to_string(datagram->object));
    return all;
}

}  // namespace

TEST_CASE("datagram objects: a subscriber gets the place and the extras of each", "[datagram][object_extras]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    ObjectExtras::Parts parts;
    parts.properties = payload("block");
    parts.priority = std::uint8_t{9};
    parts.ends_group = true;
    const ObjectExtras extras(parts);
    scene.insert(7, 3, extras);
    scene.insert(7, 0);
    scene.insert(2, 1);
    const auto first = now(subscriber.recv_datagram()).value();
    CHECK(first.sequence == 7);
    CHECK(first.object == 3);
    CHECK(first.extras == extras);
    const auto second = now(subscriber.recv_datagram()).value();
    CHECK(second.object == 0);
    CHECK(second.extras.empty());
    CHECK(places(subscriber) == Words{"2/1"});
}

TEST_CASE("datagram objects: a place is used once, by a datagram or by a group", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.insert(7, 0);
    scene.insert(7, 3);
    CHECK(scene.refusal(7, 0) == Error::Duplicate);
    CHECK(scene.refusal(7, 3) == Error::Duplicate);
    scene.insert(7, 4);
    scene.insert(8, 3);
    CHECK(places(subscriber) == Words{"7/0", "7/3", "7/4", "8/3"});
    // Also when it has left the buffer.
    CHECK(scene.refusal(7, 3) == Error::Duplicate);
    scene.track->create_group(9).finish();
    CHECK(scene.refusal(9, 0) == Error::Duplicate);
    scene.insert(9, 1);
    CHECK(error_of([&] { return scene.track->create_group(7); }) == Error::Duplicate);
    CHECK(error_of([&] { scene.insert(7, std::uint64_t{1} << 62); }) == Error::BoundsExceeded);
}

TEST_CASE("datagram objects: the highest 1,024 places are remembered, and charged while there are datagrams", "[datagram][memory]") {
    Scene scene;
    const auto empty = scene.origin.stats().cached_bytes;
    {
        auto subscriber = scene.subscribe();
        constexpr std::uint64_t most = MediaBounds::max_datagrams;
        for (std::uint64_t id = 1; id <= most; ++id) scene.insert(1, id);
        for (const std::uint64_t id : {std::uint64_t{1}, most}) CHECK(scene.refusal(1, id) == Error::Duplicate);
        scene.insert(1, most + 1);
        // The lowest one is forgotten, and a lower one is not remembered.
        CHECK(scene.refusal(1, 2) == Error::Duplicate);
        scene.insert(1, 1);
        scene.insert(1, 1);
        CHECK(scene.origin.stats().cached_bytes > empty);
    }
    // Nobody has them any more.
    CHECK(scene.origin.stats().cached_bytes == empty);
    scene.insert(1, 5);
    CHECK(scene.origin.stats().cached_bytes == empty);
}

TEST_CASE("datagram objects: with their places and extras they are charged at what they take on the heap", "[datagram][costs]") {
    if (heap_in_use() == 0) return;
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.insert(1, 1, ObjectExtras(payload("p")));
    const auto heap = heap_in_use();
    const auto held = scene.origin.stats().cached_bytes;
    constexpr std::uint64_t many = MediaBounds::max_datagrams - 1;
    for (std::uint64_t id = 2; id <= many; ++id) scene.insert(1, id, ObjectExtras(payload("p")));
    const auto taken = static_cast<double>(heap_in_use() - heap), charged = static_cast<double>(scene.origin.stats().cached_bytes - held);
    INFO("taken " << taken / many << ", charged " << charged / many);
    CHECK(taken <= charged);
    CHECK(taken * 2 > charged);
}

TEST_CASE("datagram objects: where a number has many, their stream ends with the track alone", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.insert(0, 0);
    scene.insert(0, 1);
    scene.track->finish();
    CHECK(places(subscriber) == Words{"0/0", "0/1"});
    auto waiting = wait(subscriber.recv_datagram());
    CHECK_FALSE(waiting.done());
    scene.insert(0, 2);
    CHECK(waiting.value()->object == 2);
    auto end = wait(subscriber.recv_datagram());
    CHECK_FALSE(end.done());
    scene.track.reset();
    CHECK_FALSE(end.value().has_value());
}

TEST_CASE("datagram objects: nothing comes once the stream has ended", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.insert(0, 0);
    scene.track->finish();
    CHECK(places(subscriber) == Words{"0/0"});
    CHECK_FALSE(now(subscriber.recv_datagram()).has_value());
    CHECK(scene.refusal(0, 1) == Error::Closed);
    CHECK(scene.refusal(0, 0) == Error::Duplicate);
    CHECK_FALSE(now(subscriber.recv_datagram()).has_value());
}

}
