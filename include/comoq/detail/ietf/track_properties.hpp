// SPDX-License-Identifier: MIT
#pragma once
#include "field_reader.hpp"
#include "pairs.hpp"

#include <cstdint>

namespace comoq::ietf {

/// The properties of a track whose values the drafts bound. All others pass as they are.
enum class TrackProperty : std::uint64_t {
    DeliveryTimeout = 0x02,  ///< milliseconds
    GroupOrder = 0x22,     ///< 1 is ascending, 2 descending
    DynamicGroups = 0x30,  ///< 0 or 1: a subscriber may ask for a new group
};

namespace detail {

constexpr bool is_in_bounds(const Pair &pair, const Dialect &dialect) noexcept {
    switch (static_cast<TrackProperty>(pair.type)) {
        case TrackProperty::DeliveryTimeout: return dialect.zero_timeout || pair.number != 0;
        case TrackProperty::GroupOrder: return pair.number == 1 || pair.number == 2;
        case TrackProperty::DynamicGroups: return pair.number <= 1;
    }
    return true;
}

}  // namespace detail

/// To the end of the message. A value out of its bounds violates the protocol.
inline Pairs read_track_properties(FieldReader &from) {
    Pairs properties = Pairs::read_rest(from);
    for (const Pair &pair : properties)
        if (!detail::is_in_bounds(pair, from.dialect())) from.fail();
    return properties;
}
/// Throws Encode for a value out of its bounds. A delivery timeout that is none is left out where it would be wrong.
inline void write_track_properties(FieldWriter &to, const Pairs &properties) {
    const auto is_left_out = [&](const Pair &pair) {
        const bool is_timeout = static_cast<TrackProperty>(pair.type) == TrackProperty::DeliveryTimeout;
        return is_timeout && !detail::is_in_bounds(pair, to.dialect());
    };
    bool is_whole = true;
    for (const Pair &pair : properties) {
        if (is_left_out(pair)) is_whole = false;
        else FieldWriter::need(detail::is_in_bounds(pair, to.dialect()));
    }
    if (is_whole) return properties.write(to);
    Pairs rest;
    for (const Pair &pair : properties)
        if (!is_left_out(pair)) rest.add(pair);
    rest.write(to);
}

}  // namespace comoq::ietf
