// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string_view>

namespace comoq::lite {

/// The versions of moq-lite, the older ones first.
enum class Version : std::uint8_t { Draft05, Draft06 };

/// The version of a session by the name that its transport agreed on. A transport without a name has the oldest one.
constexpr Version version_of(std::string_view protocol) noexcept {
    return protocol == "moq-lite-06" ? Version::Draft06 : Version::Draft05;
}

/// What the messages of a version contain, and mean. The codec and the session ask this table, and never for the version
/// itself.
struct Layout {
    /// Announcements have numbers, by which they are changed and ended; a type stands before each message's length.
    bool announce_ids;
    /// Announcements have costs, and so does SETUP.
    bool route_cost;
    /// SUBSCRIBE, its update and FETCH can ask for a part of a group, and a group's stream may begin within the group.
    bool frame_bounds;
    /// The first group that is wanted is a plain number, and 0 says nothing; else it is one more, and 0 is none.
    bool raw_start;
    /// Subscriptions and tracks say whether groups are wanted in order.
    bool ordered_byte;
    /// ANNOUNCE_REQUEST names an origin whose routes are not wanted; else it is the peer's own, which SETUP names.
    bool exclude_hop;
    /// The replies to a subscription contain an END, and no group is beyond it: else the track fails.
    bool strict_end;
    /// PROBE may say that the bitrate is unknown, by 0. Common peers of an older version take that for a link that carries
    /// nothing.
    bool unknown_rate;
};

constexpr Layout layout_of(Version version) noexcept {
    const bool is_06 = version == Version::Draft06;
    Layout layout{};
    layout.announce_ids = layout.route_cost = layout.frame_bounds = layout.raw_start = layout.strict_end = is_06;
    layout.unknown_rate = is_06;
    layout.ordered_byte = layout.exclude_hop = !is_06;
    return layout;
}

}  // namespace comoq::lite
