// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "rank_hash.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace comoq::detail {

/// A publication's place among those of one path: the lowest rank is the active one.
///
/// Every origin of a cluster puts the same routes in the same order. Only the order of arrival is an origin's own. It
/// decides between publishers that entered the cluster here, of which the last one wins: a publisher that comes back is
/// not kept out by its old session, which may linger until its time-out.
class PublicationRank {
public:
    /// `path` is absolute.
    PublicationRank(std::string_view path, const BroadcastInfo &info) noexcept
        : anonymous_(info.anonymous()), cost_(info.cost), hops_(info.hops.size()),
          hash_(came_through_another_origin(info) ? rank_hash(path, info.hops) : 0) {}

    /// The publication is the `arrival`th of its origin.
    void arrived(std::uint64_t arrival) noexcept { arrival_ = arrival; }
    std::uint64_t arrival() const noexcept { return arrival_; }

    // A broadcast that is published at this origin itself has no hops, so that the number of hops puts it first.
    friend std::strong_ordering operator<=>(const PublicationRank &left, const PublicationRank &right) noexcept {
        if (const auto order = left.anonymous_ <=> right.anonymous_; order != 0) return order;
        if (const auto order = left.cost_ <=> right.cost_; order != 0) return order;
        if (const auto order = left.hops_ <=> right.hops_; order != 0) return order;
        if (const auto order = left.hash_ <=> right.hash_; order != 0) return order;
        return right.arrival_ <=> left.arrival_;
    }
    friend bool operator==(const PublicationRank &left, const PublicationRank &right) noexcept {
        return (left <=> right) == 0;
    }

private:
    /// The first hop is the publisher itself.
    static bool came_through_another_origin(const BroadcastInfo &info) noexcept { return info.hops.size() >= 2; }

    bool anonymous_;
    Cost cost_;
    std::size_t hops_;
    std::uint64_t hash_;
    std::uint64_t arrival_ = 0;
};

}  // namespace comoq::detail
