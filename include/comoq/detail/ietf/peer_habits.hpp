// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

namespace comoq::ietf::detail {

/// What some peers do otherwise than the drafts say. This is the one place for such things.
struct PeerHabits {
    /// It reads a length before LARGEST_OBJECT, where the drafts have none, and cannot read the message then: it is told none.
    bool wants_no_largest = false;
    /// A subscription of which more than the priority is updated ends: it is told nothing else.
    bool updates_priority_alone = false;
    /// It asks that the present group be filled up, and takes it from its beginning on one stream as well.
    bool takes_filled_groups = false;
    /// It resets the stream of a fetch as soon as it has sent everything, so that its answer may be lost: objects that come are
    /// taken for one.
    bool resets_answered_fetches = false;
    /// A group of which a fetch has brought all goes on there until a stream ends it: it gets one without objects.
    bool awaits_ends_of_groups = false;
    /// It reads "all of the group", where a fetch ends, as its first object, and so as nothing: it is told the next group's. Before
    /// draft 20.
    bool ends_fetches_in_next_group = false;
};

/// By what the peer says of itself.
constexpr PeerHabits habits_of(std::string_view implementation) noexcept {
    PeerHabits habits;
    // npm @moq/net 0.3.4.
    if (implementation.starts_with("moq-lite-js")) habits.wants_no_largest = habits.updates_priority_alone = true;
    // moq-net, of the crates and of PyPI moq-rs.
    if (implementation.starts_with("moq-lite-rs"))
        habits.updates_priority_alone = habits.takes_filled_groups = habits.resets_answered_fetches =
            habits.awaits_ends_of_groups = habits.ends_fetches_in_next_group = true;
    return habits;
}

}  // namespace comoq::ietf::detail
