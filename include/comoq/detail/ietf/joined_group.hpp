// SPDX-License-Identifier: MIT
#pragma once
#include "../../group.hpp"
#include "../wait/event.hpp"
#include "names.hpp"

#include <cstdint>
#include <optional>

namespace comoq::ietf::detail {

/// The group in which a subscription began: the objects before its beginning come by a fetch, and the rest on a stream of the
/// subscription, which waits for them.
struct JoinedGroup {
    explicit JoinedGroup(const Location &place) : sequence(place.group), largest_object(place.object) {}

    const std::uint64_t sequence;
    /// What the fetch brings ends with it.
    const std::uint64_t largest_object;
    /// Once the fetch has begun to give it.
    std::optional<GroupProducer> group;
    /// The number of the object after those that are there.
    std::uint64_t objects = 0;
    /// The number after the last object that the fetch has brought, of any lane.
    std::uint64_t fetched_to = 0;
    /// A stream waits for that, to go on with the group.
    bool is_awaited = false;
    /// A stream has gone on with the group, and ends it.
    bool is_continued = false;
    /// The fetch is over, well or not.
    comoq::detail::Event fetched;
};

}  // namespace comoq::ietf::detail
