// SPDX-License-Identifier: MIT
#pragma once
#include "detail/containers/config_member.hpp"
#include "time.hpp"
#include "track_properties.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace comoq {

/// A publisher's description of a track. Fixed once the track is accepted.
struct TrackInfo {
    /// Breaks ties between tracks that subscribers want equally.
    std::uint8_t priority = 0;
    /// Whether older groups matter more than newer ones when not all can be sent.
    bool ordered = false;
    /// How long a group is kept after it was last written or fetched.
    std::chrono::milliseconds max_latency = std::chrono::seconds(5);
    /// The unit of the track's timestamps.
    Timescale timescale = Timescale(1000);
    /// Properties of the track in MoQ Transport that are none of the above. moq-lite has none, and drops them.
    detail::ConfigMember<TrackProperties> properties = {};
    /// False if the source of the track gives no timestamps: those of its frames are then times of arrival, and MoQ
    /// Transport sends none of them.
    bool has_timestamps = true;
};

/// A subscriber's wishes for a track.
struct Subscription {
    /// Higher is more urgent.
    std::uint8_t priority = 0;
    /// Oldest group first; else newest first.
    bool ordered = false;
    /// How late a group may come: a session that sends the track gives up groups that still wait this long after a
    /// newer one came, and with a start, it begins with the first group that is not older than this (see `start`). 0
    /// leaves both to the publisher's `TrackInfo::max_latency`. The value is carried to the publisher, and a subscriber in
    /// the same process gets all groups. A session that many read through asks for the longest that any of them has, and
    /// for the publisher's where one leaves it to that.
    std::chrono::milliseconds max_latency{0};
    /// The first wanted group; none means the highest existing one. Over a session, a reader that wants history leaves
    /// `max_latency` at 0, and gets all groups from here on that the publisher still has, whatever their timestamps. With a
    /// `max_latency` the publisher skips groups that end longer than that before the newest frame.
    std::optional<std::uint64_t> start = std::nullopt;
    /// The last wanted group, inclusive; none means no end.
    std::optional<std::uint64_t> end = std::nullopt;

    friend bool operator==(const Subscription &, const Subscription &) = default;
};

/// The parameters of a request for a group by its number.
struct Fetch {
    /// Higher is more urgent.
    std::uint8_t priority = 0;
    /// The number of the asker: 0 for the program itself. Where the number of groups that can be asked for at a time is limited,
    /// askers have equal shares, and the priorities of one change nothing for another. A session gives a number of its own for
    /// its peer.
    std::uint64_t asker = 0;
};

}  // namespace comoq
