// What the tests of the memory of tracks share.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/given_group.hpp>
#include <comoq/origin.hpp>

#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace track_memory_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

inline TrackInfo keeps(std::chrono::milliseconds max_latency) {
    TrackInfo info;
    info.max_latency = max_latency;
    return info;
}

/// A track that keeps groups for a second, on a clock of the test's own.
struct Scene {
    explicit Scene(std::size_t max_cached_bytes = OriginConfig().max_cached_bytes)
        : origin(time.origin(max_cached_bytes)) {}

    TrackProducer another(const std::string &name) { return broadcast.create_track(name, keeps(1s)); }
    /// The groups that can be looked up, of the first ten.
    Numbers held() const { return held(consumer); }
    static Numbers held(const TrackConsumer &of) {
        Numbers numbers;
        for (std::uint64_t sequence = 0; sequence < 10; ++sequence) {
            if (of.get_group(sequence)) {
                numbers.push_back(sequence);
            }
        }
        return numbers;
    }

    ManualClock time;
    Origin origin;
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    TrackProducer track = broadcast.create_track("video", keeps(1s));
    TrackConsumer consumer = track.consume();
};

}  // namespace track_memory_tests
