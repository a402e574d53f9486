// SPDX-License-Identifier: MIT
#pragma once
#include "dialect.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace comoq::ietf {

/// A draft by the name that a transport agrees on.
struct Protocol {
    std::string_view name;
    Draft draft;
};

/// Those that a session speaks, the best first. Requests of the last one share a stream.
inline constexpr std::array protocols{
    Protocol{"moqt-18", Draft::Draft18},
    Protocol{"moqt-20", Draft::Draft20},
    Protocol{"moqt-21", Draft::Draft20},
    Protocol{"moqt-22", Draft::Draft22},
    Protocol{"moqt-16", Draft::Draft16},
};

/// Nothing for a protocol that is not one of them.
constexpr std::optional<Draft> draft_of(std::string_view protocol) noexcept {
    for (const Protocol &one : protocols)
        if (one.name == protocol) return one.draft;
    return std::nullopt;
}

/// All requests of that draft share one stream of both directions, on which they have numbers.
constexpr bool has_shared_stream(Draft draft) noexcept { return dialect_of(draft).shared_stream; }

/// What a session does otherwise in one draft than in another, beside what its messages contain.
struct Rules {
    /// A track is subscribed to once at a time; and the end of a subscriber's half of a stream takes the subscription back.
    bool single_subscriptions;
    /// A fetch can join a subscription. Later drafts have filters that begin with the present group.
    bool joining_fetch;
    /// The end of a subscription says whether its range is over, or its track.
    bool has_range_end;
};
constexpr Rules rules_of(Draft draft) noexcept {
    const bool is_older = draft < Draft::Draft20;
    return Rules{is_older, is_older, is_older};
}

}  // namespace comoq::ietf
