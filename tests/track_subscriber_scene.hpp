// What the tests of subscribers share.
#pragma once

#include <comoq/track_subscriber.hpp>

#include <string>

#include <comoq/broadcast.hpp>

#include "support/media.hpp"
#include "support/settle.hpp"

namespace track_subscriber_tests {

using namespace comoq;
using namespace comoq::test;

struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");

    TrackSubscriber subscribe(Subscription wishes = {}) { return now(track.consume().subscribe(wishes)); }

    /// Makes finished groups of one frame, which contains the group's number.
    void create(const Numbers &sequences) {
        for (const auto sequence : sequences) {
            auto group = track.create_group(sequence);
            group.write_frame(payload(std::to_string(sequence)));
            group.finish();
        }
    }
};

inline std::string text(TrackSubscriber &subscriber) { return std::string(now(subscriber.read_first_frame())->payload.view()); }

}  // namespace track_subscriber_tests
