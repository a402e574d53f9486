// SPDX-License-Identifier: MIT
#pragma once
#include "../../subscription.hpp"
#include "names.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace comoq::ietf::detail {

/// The groups of a track that have come, or never will, because the ranges that were subscribed to are over: nobody asks for them
/// again. It keeps one piece: where a range does not touch it, the new one counts.
class BroughtGroups {
public:
    /// The range from `first` to `last` is over, both included.
    void add(std::uint64_t first, std::uint64_t last) noexcept {
        const std::uint64_t next = std::min(last, highest_number) + 1;
        const bool touches = first_ && first <= next_ && next >= *first_;
        first_ = touches ? std::min(first, *first_) : first;
        next_ = touches ? std::max(next, next_) : next;
    }
    /// What is left of such wishes; nothing if all of it is here. Without a start, they go on where the last range ended.
    std::optional<Subscription> rest_of(Subscription wishes) const noexcept {
        if (!first_) return wishes;
        if (!wishes.start || (*wishes.start >= *first_ && *wishes.start < next_))
            wishes.start = next_;
        else if (*wishes.start < *first_ && wishes.end && *wishes.end >= *first_ && *wishes.end < next_)
            wishes.end = *first_ - 1;
        if (wishes.end && *wishes.end < *wishes.start) return std::nullopt;
        return wishes;
    }

private:
    std::optional<std::uint64_t> first_;
    std::uint64_t next_ = 0;
};

}  // namespace comoq::ietf::detail
