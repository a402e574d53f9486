// What the tests of corners share.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>

#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace media_corners_tests {

using namespace comoq;
using namespace comoq::test;

struct Scene {
    TrackSubscriber subscribe(Subscription wishes = {}) const { return now(consumer.subscribe(wishes)); }
    /// Makes finished groups of one frame, which contains the group's number.
    void create(const Numbers &sequences) {
        for (const auto sequence : sequences) {
            auto group = track->create_group(sequence);
            group.write_frame(payload(std::to_string(sequence)));
            group.finish();
        }
    }

    ManualClock time;
    Origin origin = time.origin();
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    std::optional<TrackProducer> track = broadcast.create_track("video");
    TrackConsumer consumer = track->consume();
};

inline std::optional<GroupRequest> take(TrackDynamic &handler) {
    auto next = handler.requested_group();
    return next.ready() ? now(std::move(next)) : std::nullopt;
}

/// The texts of the frames that a step yields without waiting.
template <class Step> Words frames(TrackSubscriber &subscriber, Step step) {
    Words all;
    for (auto next = (subscriber.*step)(); next.ready(); next = (subscriber.*step)()) {
        const auto frame = now(std::move(next));
        if (!frame) break;
        all.emplace_back(frame->payload.view());
    }
    return all;
}

inline Words every(TrackSubscriber &subscriber) { return frames(subscriber, &TrackSubscriber::read_frame); }

}  // namespace media_corners_tests
