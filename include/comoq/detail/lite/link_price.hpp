// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../wire/varint.hpp"

#include <algorithm>
#include <cstdint>

namespace comoq::lite::detail {

/// No route is dearer: the cost of one that is about to go, because its peer is.
inline constexpr Cost dearest{comoq::detail::max_varint, comoq::detail::max_varint};

/// What a route costs at the other end of a link with that price. Sums that the wire cannot carry are `dearest`.
constexpr Cost over_link(const Cost &cost, std::uint64_t price) noexcept {
    const auto sum = [price](std::uint64_t part) {
        const auto most = comoq::detail::max_varint;
        return part >= most || price >= most - part ? most : part + price;
    };
    return {sum(cost.warm), sum(cost.cold)};
}

}  // namespace comoq::lite::detail
