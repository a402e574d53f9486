// SPDX-License-Identifier: MIT
#pragma once
#include "field_reader.hpp"
#include "pairs.hpp"

#include <cstdint>

namespace comoq::ietf {

/// The properties of a track whose values the drafts bound. All others pass as they are.
enum class TrackProperty : std::uint64_t {
    GroupOrder = 0x22,     ///< 1 is ascending, 2 descending
    DynamicGroups = 0x30,  ///< 0 or 1: a subscriber may ask for a new group
};

namespace detail {

constexpr bool is_in_bounds(const Pair &pair) noexcept {
    switch (static_cast<TrackProperty>(pair.type)) {
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
        if (!detail::is_in_bounds(pair)) from.fail();
    return properties;
}

}  // namespace comoq::ietf
