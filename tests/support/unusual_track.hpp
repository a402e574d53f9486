/// \file
/// A track of unusual_info() through a session of any protocol.
#pragma once

#include <chrono>
#include <cstddef>

#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"

namespace comoq::test {

inline void check_unusual(const TrackInfo &info) {
    CHECK(info.priority == 9);
    CHECK(info.ordered);
    CHECK(info.max_latency == std::chrono::seconds(77));
    CHECK(info.timescale == Timescale(90'000));
}

/// The group has the number 41 and one frame, "first" at 3 s. The subscriber gets it, and two more frames that are written later.
template <class Scene> void check_passes_frames(Scene &scene, GroupProducer &group, TrackSubscriber &subscriber) {
    auto received = scene.get(subscriber.next_group());
    REQUIRE(received);
    CHECK(received->sequence() == 41);
    auto frame = scene.get(received->read_frame());
    REQUIRE(frame);
    CHECK(frame->payload.view() == "first");
    CHECK(frame->timestamp == Timestamp(270'000, Timescale(90'000)));
    group.write_frame(payload(""), Timestamp(2, Timescale(1)));
    group.write_frame(payload(std::size_t{100'000}), Timestamp(4, Timescale(1)));
    group.finish();
    frame = scene.get(received->read_frame());
    REQUIRE(frame);
    CHECK(frame->payload.empty());
    CHECK(frame->timestamp == Timestamp(180'000, Timescale(90'000)));
    frame = scene.get(received->read_frame());
    REQUIRE(frame);
    CHECK(frame->payload == payload(std::size_t{100'000}));
    CHECK_FALSE(scene.get(received->read_frame()));
}

}  // namespace comoq::test
