// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace comoq {

/// The cost of pulling a broadcast from the place of its announcement, in units that the operators of a cluster agree
/// on.
struct Cost {
    /// Compared first: the cost if the route already carries the broadcast.
    std::uint64_t warm = 0;
    /// Compared between equal warm costs: the cost if the route has to fetch it first.
    std::uint64_t cold = 0;

    friend auto operator<=>(const Cost &, const Cost &) = default;
};

/// Properties that travel with a broadcast from one origin to the next.
class BroadcastInfo {
public:
    BroadcastInfo() = default;
    /// `through` are the ids of the origins that the broadcast came through, oldest first; 0 stands for an unknown id.
    /// A broadcast with more than `max_hops`, or with an id other than 0 twice, cannot be announced.
    explicit BroadcastInfo(std::vector<std::uint64_t> through) : hops(std::move(through)) {}

    /// The limit of moq-lite.
    static constexpr std::size_t max_hops = 32;

    /// True if it came through the origin with that id, or by the session with that number (`via`).
    bool came_through(std::uint64_t origin) const noexcept {
        return (via != 0 && via == origin) || std::find(hops.begin(), hops.end(), origin) != hops.end();
    }
    /// True if the broadcast came through any of them.
    bool came_through(std::span<const std::uint64_t> origins) const noexcept {
        return std::any_of(origins.begin(), origins.end(), [this](std::uint64_t each) { return came_through(each); });
    }

    /// Whether one of the origins has an unknown id.
    bool anonymous() const noexcept { return came_through(std::uint64_t{0}); }
    /// Whether the chain contains an id other than 0 twice: the broadcast went round in a circle.
    bool has_loop() const noexcept {
        for (auto hop = hops.begin(); hop != hops.end(); ++hop)
            if (*hop != 0 && std::find(hops.begin(), hop, *hop) != hop) return true;
        return false;
    }

    /// The hop ids of the origins that it came through, the publisher's first; 0 for an unknown one. At most 32 can be
    /// announced.
    std::vector<std::uint64_t> hops;
    /// Of several publishers of one path, those with a lower cost come first.
    Cost cost;
    /// The session that brought it here, by a random number which that session has for its peer; 0 if none did. What a
    /// `mirror` announces, or a `proxy` serves for a request, has that of its first source: its peer is not offered what it
    /// sent itself, even if it has no hop id. It is not a hop here; peers are told it in front of a chain whose first hop is
    /// unknown.
    std::uint64_t via = 0;

    friend bool operator==(const BroadcastInfo &, const BroadcastInfo &) = default;
};

}  // namespace comoq
