// SPDX-License-Identifier: MIT
#pragma once
#include "../../transport.hpp"

#include <cstdint>

namespace comoq::detail {

/// Whether a stream of order `left` goes before one of order `right`: everything is sent by this one comparison. Of two
/// flows that are equally urgent, the one with the smaller turn goes first.
constexpr bool goes_before(const SendOrder &left, const SendOrder &right, std::uint64_t turn_of_left = 0,
                           std::uint64_t turn_of_right = 0) noexcept {
    if (left.urgency() != right.urgency()) return left.urgency() > right.urgency();
    return left.flow == right.flow ? left.rank < right.rank : turn_of_left < turn_of_right;
}

}  // namespace comoq::detail
