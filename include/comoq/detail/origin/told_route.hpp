// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../containers/keyed_hash.hpp"
#include "told_hops.hpp"

#include <cstdint>

namespace comoq::detail {

/// What peers are told of a route, as hashes with which it cannot be found: two routes with the same hashes are one for
/// them.
struct ToldRoute {
    std::uint64_t hops = 0;
    std::uint32_t publisher = 0;  // of the first hop
    std::uint32_t cost = 0;

    static ToldRoute of(const BroadcastInfo &info) noexcept {
        // Most of what is published here has no hops and no cost: it is hashed once.
        static const ToldRoute plain = hashed(BroadcastInfo());
        return info.hops.empty() && info.cost == Cost() ? plain : hashed(info);
    }
    friend bool operator==(const ToldRoute &, const ToldRoute &) = default;

private:
    static ToldRoute hashed(const BroadcastInfo &info) noexcept {
        const auto folded = [](std::uint64_t hash) { return static_cast<std::uint32_t>(hash ^ hash >> 32); };
        const auto publisher = tells_via(info) ? info.via : info.hops.empty() ? std::uint64_t{0} : info.hops.front() + 1;
        ToldRoute route;
        route.hops = told_hops_hash(info);
        route.publisher = folded(keyed_hash(publisher));
        route.cost = folded(keyed_hash(keyed_hash(info.cost.warm) ^ info.cost.cold));
        return route;
    }
};

/// A route in the place of another one at the same path.
struct RouteChange {
    ToldRoute before, now;
    /// It is the same broadcast: what its readers have goes on.
    bool in_place = false;

    bool same_publisher() const noexcept { return before.publisher == now.publisher; }
    bool same_hops() const noexcept { return before.hops == now.hops; }
    bool same_cost() const noexcept { return before.cost == now.cost; }

    /// The same after another change.
    void then(const RouteChange &next) noexcept {
        now = next.now;
        in_place = in_place && next.in_place;
    }
};

}  // namespace comoq::detail
