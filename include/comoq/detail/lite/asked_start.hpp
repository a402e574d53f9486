// SPDX-License-Identifier: MIT
#pragma once
#include "../../subscription.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace comoq::lite {

// Where a subscription begins, on the wire and in this library's terms.
//
// In this library, a start is the first wanted group, and without one a subscriber begins at the newest group. max_latency
// says how late a group may come, and 0 leaves that to the publisher.
//
// On the wire a start is a floor, and the age brings older groups: the publisher begins with the oldest group from the
// floor on that is not older than the age (see `choose_start`), so that 0 asks for the newest group alone. moq-lite-06 has
// a plain start, whose 0 says nothing. On moq-lite-05 no start asks for the newest group, whatever the age; and a start
// without an age is read as the first wanted group, because the stock peers that speak nothing newer mean that.

/// The longest time that takes four bytes, 12 days. It asks for all groups that the publisher still has: their timestamps
/// are not looked at.
inline constexpr std::chrono::milliseconds any_age((std::int64_t{1} << 30) - 1);

/// The wishes as a peer is told them. `has_begun`: the peer has chosen its first group. Before that, an age would bring
/// older groups than a subscriber without a start wants; the peer is told it afterwards.
inline Subscription told_wishes(Subscription wishes, bool raw_start, bool has_begun) noexcept {
    if (wishes.start)
        wishes.max_latency = wishes.max_latency.count() <= 0 ? any_age : wishes.max_latency;
    else if (raw_start && !has_begun)
        wishes.max_latency = std::chrono::milliseconds(0);
    return wishes;
}

/// What the peer is told after `told`, in several steps if need be: until it returns `told`. A start that is given up is
/// told before an age. A greater age alone brings nothing back, and neither does the plain start of 0 to a peer that was
/// told none; a start that is lowered does. So there a higher one is told before.
inline Subscription next_told(const Subscription &wishes, const Subscription &told, bool raw_start, bool has_begun) noexcept {
    auto next = told_wishes(wishes, raw_start, has_begun && (wishes.start || !told.start));
    if (!next.start || next.max_latency >= any_age) return next;
    const bool is_unseen = raw_start && *next.start == 0 && !told.start;
    if (is_unseen || (next.start == told.start && next.max_latency > told.max_latency)) ++*next.start;
    return next;
}

/// What the peer asks for, from its first message on.
class AskedStart {
public:
    explicit AskedStart(bool raw_start) noexcept : raw_start_(raw_start) {}

    /// Takes the peer's wishes, the first ones or new ones, and returns them in this library's terms.
    Subscription take(Subscription told) noexcept {
        if (!raw_start_ && told.start && told.max_latency.count() <= 0) told.max_latency = any_age;
        const auto floor = told.start;
        is_moved_ = is_first_ || floor != floor_;
        if (!raw_start_)
            is_named_ = floor.has_value();
        else if (is_moved_)
            // A plain floor of 0 wants older groups if an age comes with it.
            is_named_ = floor || told.max_latency.count() > 0;
        // An age that comes later does not bring groups back, except the one that asks for all of them.
        if ((is_named_ || raw_start_) && told.max_latency >= any_age && age_ < any_age) is_named_ = is_moved_ = true;
        is_first_ = false;
        floor_ = floor;
        age_ = told.max_latency;
        if (is_named_) told.start = floor.value_or(0);
        if (told.max_latency >= any_age)
            told.max_latency = std::chrono::milliseconds(0);
        else if (is_named_)
            // An age of 0 is the least here, because 0 leaves it to the publisher.
            told.max_latency = std::max(told.max_latency, std::chrono::milliseconds(1));
        return told;
    }

    /// True if the start is not simply the newest group.
    bool is_named() const noexcept { return is_named_; }
    /// True if the last wishes that were taken set the start anew.
    bool is_moved() const noexcept { return is_moved_; }
    std::uint64_t floor() const noexcept { return floor_.value_or(0); }
    /// The greatest age that a group may have at the start; nothing if it does not matter.
    std::optional<std::chrono::milliseconds> age() const noexcept {
        return age_ >= any_age ? std::nullopt : std::optional(age_);
    }

private:
    const bool raw_start_;
    bool is_first_ = true, is_named_ = false, is_moved_ = false;
    std::optional<std::uint64_t> floor_;
    std::chrono::milliseconds age_{0};
};

}  // namespace comoq::lite
