// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"
#include "../../subscription.hpp"
#include "../../time.hpp"
#include "../media/track_shared.hpp"
#include "names.hpp"
#include "pairs.hpp"
#include "parameters.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace comoq::ietf::detail {

// A track's info, and its properties on the wire. What is as it would be without a property has none there: so a track that
// only passes through is described as its publisher did. MoQ Transport sends low numbers first, and moq-lite high ones.

/// In either direction.
constexpr std::uint8_t turned(std::uint64_t priority) noexcept {
    return static_cast<std::uint8_t>(255 - std::min<std::uint64_t>(priority, 255));
}

inline constexpr std::uint64_t property_cache = 0x04, property_timescale = 0x08, property_priority = 0x0e,
                               property_order = 0x22, object_timestamp = 0x10, object_old_timestamp = 0x06;
inline constexpr std::uint8_t usual_priority = 128;

/// A block of pairs, as the model keeps it, with some of this side's. A block that cannot be read is left out.
inline Pairs merged(const Pairs &own, const Bytes &block) {
    if (block.empty()) return own;
    FieldReader from(block.span(), kept_dialect);
    const Pairs others = Pairs::read_rest(from);
    if (!from.ok()) return own;
    // Both are in the order of their types.
    Pairs all;
    auto next = own.begin();
    for (const Pair &other : others) {
        for (; next != own.end() && next->type < other.type; ++next) all.add(*next);
        all.add(other);
    }
    for (; next != own.end(); ++next) all.add(*next);
    return all;
}

/// Throws BoundsExceeded if they are more than a track keeps.
inline TrackInfo info_of(const Pairs &properties) {
    TrackInfo info;
    info.priority = turned(usual_priority);
    info.ordered = true;
    info.has_timestamps = false;
    Pairs others;
    for (const Pair &pair : properties) {
        constexpr std::uint64_t longest = std::uint64_t{1} << 40;
        switch (pair.type) {
        case property_cache: info.max_latency = std::chrono::milliseconds(std::min(pair.number, longest)); break;
        case property_timescale:
            if (pair.number == 0 || pair.number > Timestamp::max_value) break;
            info.timescale = Timescale(pair.number);
            info.has_timestamps = true;
            break;
        case property_priority: info.priority = turned(pair.number); break;
        case property_order: info.ordered = pair.number != 2; break;
        default: others.add(pair);
        }
    }
    if (!others.empty()) info.properties = TrackProperties(Bytes::copy(others.bytes()));
    comoq::detail::throw_unless_possible(info);
    return info;
}

inline Pairs properties_of(const TrackInfo &info) {
    Pairs known;
    if (info.max_latency != TrackInfo().max_latency)
        known.add(property_cache, static_cast<std::uint64_t>(std::max<std::int64_t>(info.max_latency.count(), 0)));
    if (info.has_timestamps) known.add(property_timescale, info.timescale.units_per_second());
    if (turned(info.priority) != usual_priority) known.add(property_priority, turned(info.priority));
    if (!info.ordered) known.add(property_order, 2);
    return merged(known, info.properties.bytes());
}

/// The largest object as a peer says it. Throws BoundsExceeded for one that no track here can have.
inline void throw_unless_possible(const std::optional<Location> &largest) {
    if (largest && std::max(largest->group, largest->object) > highest_number)
        comoq::detail::throw_error(make_error_code(Error::BoundsExceeded));
}

/// The timestamp among an object's properties, in the track's units.
inline std::optional<std::uint64_t> timestamp_in(const Pairs &properties) noexcept {
    for (const Pair &pair : properties)
        if (pair.type == object_timestamp || pair.type == object_old_timestamp) return pair.number;
    return std::nullopt;
}

}  // namespace comoq::ietf::detail
