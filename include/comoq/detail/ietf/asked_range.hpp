// SPDX-License-Identifier: MIT
#pragma once
#include "../../subscription.hpp"
#include "names.hpp"
#include "parameters.hpp"
#include "protocol.hpp"
#include "track_facts.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace comoq::ietf::detail {

/// The part of a track that a subscriber wants, in this library's terms: groups, and in the first and the last of them the
/// objects.
struct AskedRange {
    /// Nothing means from the newest group on.
    std::optional<Location> start;
    std::optional<RangeEnd> end;

    /// The objects of that group: the first, and one after the last; nothing if all that come.
    std::uint64_t first_in(std::uint64_t group) const noexcept { return start && start->group == group ? start->object : 0; }
    std::optional<std::uint64_t> last_in(std::uint64_t group) const noexcept {
        return end && end->group == group ? end->object : std::nullopt;
    }
    bool has(std::uint64_t group, std::uint64_t object) const noexcept {
        if (start && (group < start->group || object < first_in(group))) return false;
        return !end || group < end->group || (group == end->group && object <= end->object.value_or(object));
    }
};

/// What a filter comes to for a track whose largest object is that. Without a filter a subscriber wants what is published from
/// now on, with all of the newest group; one that says everything begins with the first group that is kept.
inline AskedRange range_of(const std::optional<Filter> &filter, const std::optional<Location> &largest) noexcept {
    AskedRange range;
    if (!filter) return range;
    switch (filter->kind) {
    case Filter::Kind::Everything: range.start = Location{}; break;
    case Filter::Kind::NextObject:
        if (largest) range.start = Location{largest->group, largest->object + 1};
        break;
    case Filter::Kind::Relative:
        if (largest) range.start = Location{filter->groups > largest->group ? 0 : largest->group + 1 - filter->groups, 0};
        break;
    case Filter::Kind::Absolute:
        range.start = filter->start;
        range.end = filter->end;
    }
    return range;
}
/// Whether all of that has passed.
inline bool has_passed(const AskedRange &range, const std::optional<Location> &largest) noexcept {
    return range.end && largest && range.end->group < largest->group;
}

/// What the parameters of a subscription, or of an update of one, change in the wishes.
inline void take_wishes(const Parameters &parameters, Subscription &wishes) noexcept {
    if (parameters.subscriber_priority) wishes.priority = turned(*parameters.subscriber_priority);
    if (parameters.group_order) wishes.ordered = *parameters.group_order == GroupOrder::Ascending;
    const auto &object = parameters.object_delivery_timeout, &subgroup = parameters.subgroup_delivery_timeout;
    if (!object && !subgroup) return;
    // 0 is none.
    constexpr auto none = std::numeric_limits<std::uint64_t>::max();
    const auto time = std::min(object.value_or(0) - 1, subgroup.value_or(0) - 1);
    constexpr std::uint64_t longest = std::uint64_t{1} << 40;
    wishes.max_latency = std::chrono::milliseconds(time == none ? 0 : std::min(time + 1, longest));
}
/// The groups of a range as wishes.
inline void take_range(const AskedRange &range, Subscription &wishes) noexcept {
    wishes.start = range.start ? std::optional(range.start->group) : std::nullopt;
    wishes.end = range.end ? std::optional(range.end->group) : std::nullopt;
}

/// The other way round: wishes as a filter. Without a start, from the newest group on: with all of it, which a fetch brings where
/// a filter cannot.
inline Filter filter_of(const Subscription &wishes, const Rules &rules) noexcept {
    Filter filter;
    filter.kind = Filter::Kind::NextObject;
    if (wishes.start) {
        filter.kind = Filter::Kind::Absolute;
        filter.start = Location{*wishes.start, 0};
        if (wishes.end) filter.end = RangeEnd{std::max(*wishes.end, *wishes.start), {}};
    } else if (!rules.joining_fetch) {
        filter.kind = Filter::Kind::Relative;
        filter.groups = 1;
    }
    return filter;
}
inline Parameters parameters_of(const Subscription &wishes, const Rules &rules) {
    Parameters parameters;
    if (turned(wishes.priority) != usual_priority) parameters.subscriber_priority = turned(wishes.priority);
    parameters.group_order = wishes.ordered ? GroupOrder::Ascending : GroupOrder::Descending;
    parameters.filter = filter_of(wishes, rules);
    return parameters;
}

}  // namespace comoq::ietf::detail
