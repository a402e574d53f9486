// What the tests of groups share.
#pragma once

#include <comoq/group.hpp>

#include <comoq/broadcast.hpp>

#include "support/media.hpp"
#include "support/settle.hpp"

namespace group_tests {

using namespace comoq;
using namespace comoq::test;

/// A track with one group that is being written, and a reader of it.
struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    GroupProducer group = track.append_group();
    GroupConsumer reader = group.consume();

    void write(const Words &all) {
        for (const auto &text : all) {
            group.write_frame(payload(text));
        }
    }
};

inline bool at_clean_end(GroupConsumer &reader) { return !now(reader.read_frame()).has_value(); }

}  // namespace group_tests
