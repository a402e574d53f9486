// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "publication_rank.hpp"
#include "told_route.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace comoq::detail {

/// The way by which a publication comes, with what follows from it. It may change while the broadcast goes on.
struct PublicationRoute {
    PublicationRoute(std::string_view path, std::shared_ptr<const BroadcastInfo> by)
        : info(std::move(by)), rank(path, *info), told(ToldRoute::of(*info)) {}

    bool shown_without(std::span<const std::uint64_t> excluded_hops) const noexcept {
        return excluded_hops.empty() || !info->came_through(excluded_hops);
    }

    std::shared_ptr<const BroadcastInfo> info;  // never null
    PublicationRank rank;
    ToldRoute told;
};

}  // namespace comoq::detail
