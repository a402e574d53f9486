// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../wire/varint.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace comoq::detail {

/// No route is dearer: the cost of one that is about to go, because its peer is.
inline constexpr Cost dearest{max_varint, max_varint};

/// What a route over a link costs more than at its end: as this side is told, or else as the peer says, or else 1.
constexpr std::uint64_t link_price(const std::optional<std::uint64_t> &own, const std::optional<std::uint64_t> &said) noexcept {
    return own ? *own : said.value_or(1);
}

/// What a route costs at the other end of a link with that price. Sums that the wire cannot carry are `dearest`.
constexpr Cost over_link(const Cost &cost, std::uint64_t price) noexcept {
    const auto sum = [price](std::uint64_t part) {
        const auto most = max_varint;
        return part >= most || price >= most - part ? most : part + price;
    };
    return {sum(cost.warm), sum(cost.cold)};
}

}  // namespace comoq::detail
