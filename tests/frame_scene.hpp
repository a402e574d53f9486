// What the tests of frames share.
#pragma once

#include <comoq/frame.hpp>

#include <string>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>

#include "support/settle.hpp"

namespace frame_tests {

using namespace comoq;
using namespace comoq::test;

/// A track with one group that is being written, and a reader of it.
struct Scene {
    explicit Scene(TrackInfo info = {}) : track(broadcast.create_track("video", info)), group(track.append_group()) {}

    BroadcastProducer broadcast;
    TrackProducer track;
    GroupProducer group;
    GroupConsumer reader = group.consume();
};

inline std::vector<std::string> chunks(FrameConsumer &frame) {
    std::vector<std::string> all;
    for (auto next = frame.read_chunk(); next.ready(); next = frame.read_chunk()) {
        auto outcome = settle(std::move(next));
        if (!outcome || std::get<0>(*outcome) || !std::get<1>(*outcome)) {
            break;
        }
        all.emplace_back(std::get<1>(*outcome)->view());
    }
    return all;
}

}  // namespace frame_tests
