#pragma once
#include "../transport.hpp"

namespace comoq::detail {

/// Whether a stream of order `left` goes before one of order `right`, of whatever flows.
constexpr bool goes_before(const SendOrder &left, const SendOrder &right) noexcept {
    if (left.priority != right.priority) return left.priority > right.priority;
    if (left.tie_break != right.tie_break) return left.tie_break > right.tie_break;
    return left.flow == right.flow && left.rank < right.rank;
}

}  // namespace comoq::detail
