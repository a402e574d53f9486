#pragma once
#include "time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace comoq {

/// What a publisher says of a track. Fixed once the track is accepted.
struct TrackInfo {
    /// Breaks ties between tracks that subscribers want equally.
    std::uint8_t priority = 0;
    /// Whether older groups matter more than newer ones when not all can be sent.
    bool ordered = false;
    /// How long a group is kept after it was last written or fetched.
    std::chrono::milliseconds max_latency = std::chrono::seconds(5);
    /// The unit of the track's timestamps.
    Timescale timescale = Timescale(1000);
};

/// What a subscriber wants of a track.
struct Subscription {
    /// Higher is more urgent.
    std::uint8_t priority = 0;
    /// Oldest group first; else newest first.
    bool ordered = false;
    /// How late a group may come; for the publisher, who is told, and not enforced here.
    std::chrono::milliseconds max_latency{0};
    /// The first group that is wanted; none means the highest one there is.
    std::optional<std::uint64_t> start = std::nullopt;
    /// The last group that is wanted, inclusive; none means no end.
    std::optional<std::uint64_t> end = std::nullopt;

    friend bool operator==(const Subscription &, const Subscription &) = default;
};

/// How a group is asked for by its number.
struct Fetch {
    /// Higher is more urgent.
    std::uint8_t priority = 0;
};

}  // namespace comoq
