// What the tests of requests for groups share.
#pragma once

#include <comoq/track_dynamic.hpp>

#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>

#include "support/manual_clock.hpp"

namespace track_dynamic_tests {

using namespace comoq;
using namespace comoq::test;

/// The request that a handler takes now, if there is one.
inline std::optional<GroupRequest> take(TrackDynamic &handler) {
    auto next = handler.requested_group();
    return next.ready() ? now(std::move(next)) : std::nullopt;
}

struct Scene {
    auto fetch(std::uint64_t sequence, std::uint8_t priority = 0) const {
        Fetch how;
        how.priority = priority;
        return consumer.fetch_group(sequence, how);
    }
    std::error_code refusal(std::uint64_t sequence) const {
        auto fetched = fetch(sequence);
        return fetched.ready() ? code_now(std::move(fetched)) : std::error_code();
    }

    ManualClock time;
    Origin origin = time.origin();
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    std::optional<TrackProducer> track = broadcast.create_track("video");
    TrackConsumer consumer = broadcast.consume().track("video");
    std::optional<TrackDynamic> handler = track->dynamic();
};

// A track that is only requested
struct Unserved {
    auto fetch(std::uint64_t sequence) const { return broadcast.consume().track("video").fetch_group(sequence); }

    BroadcastProducer broadcast;
    std::optional<BroadcastDynamic> handler = broadcast.dynamic();
};

}  // namespace track_dynamic_tests
