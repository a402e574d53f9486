// SPDX-License-Identifier: MIT
#pragma once
#include "combined_subscription.hpp"
#include "crowd_waits.hpp"
#include "lane_groups.hpp"
#include "live_edge.hpp"
#include "../containers/intrusive_list.hpp"
#include "../containers/sequence_set.hpp"
#include "../../subscription.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

class TrackState;

/// What a subscriber's steps gave, and what they passed over. `given` groups are those of `next_group` and its kin,
/// `received` ones those of `recv_group`.
struct SubscriberCounts {
    std::uint64_t given_groups = 0, received_groups = 0, received_lanes = 0, frames = 0, bytes = 0, datagrams = 0;
    std::uint64_t skipped_groups = 0, skipped_datagrams = 0;
};

/// One subscriber's wishes and its places in the track. Guarded by the track's lock.
struct SubscriberPlace : ListNode<SubscriberPlace> {
    static constexpr std::uint64_t no_arrival = std::numeric_limits<std::uint64_t>::max();

    CombinedSubscription::Member member;  // with its wishes
    /// Set when a pending subscription was moved to another track. Guarded by the lock of the track that it was made
    /// for.
    std::shared_ptr<TrackState> moved_to;
    /// The lowest sequence that `next_group` may still give, and the lowest that `recv_group` may give at all.
    std::uint64_t next = 0;
    std::uint64_t first = 0;
    bool waits_for_edge = false;  // it has no place yet; see `LiveEdge`
    /// How often `next` was set.
    std::uint64_t moves = 0;
    /// One after the last sequence that `next` gave.
    std::uint64_t after_given = 0;
    std::optional<std::uint64_t> cap;
    /// The group that `read_frame` is in, and the index of its next frame.
    std::shared_ptr<GroupState> present;
    std::size_t frame = 0;
    /// Where `recv_group` goes on in the order of arrival, an arrival at or before the first one that only the cap holds back, and
    /// the groups that were given: start and cap may move back and forth.
    std::uint64_t next_arrival = 0;
    std::uint64_t held_back = no_arrival;
    SequenceSet received;
    std::unique_ptr<GivenLanes> received_lanes;  // null until the first one: most tracks have none
    std::uint64_t first_received = no_arrival;   // the lowest sequence that `recv_group` gave
    std::uint64_t after_received = 0;
    std::uint64_t next_datagram = 0;
    SubscriberCounts counts;
    std::size_t last_size = 0;  // of the frame that was counted last
    /// Its steps that wait for a group, for any group's first frame, and for the next frame.
    SubscriberWaits group_waits, first_frame_waits, frame_waits;

    void set_next(std::uint64_t sequence) noexcept {
        next = sequence;
        ++moves;
    }
    void give(std::uint64_t sequence) noexcept {
        ++counts.given_groups;
        // The publisher may begin with any number: what comes before the first group is not a gap.
        if (after_given != 0) counts.skipped_groups += sequence - next;
        set_next(sequence + 1);
        after_given = sequence + 1;
    }
    void count_frame(std::size_t size) noexcept {
        ++counts.frames;
        counts.bytes += size;
        last_size = size;
    }
    /// The last frame is put back, and with it the group that it was the first of, if `next` was another one before.
    void put_back(std::uint64_t next_before) noexcept {
        --counts.frames;
        counts.bytes -= last_size;
        if (next == next_before) return;
        --counts.given_groups;
        counts.skipped_groups -= std::min(counts.skipped_groups, next - 1 - next_before);
        set_next(next_before);
    }
    /// The groups that `recv_group` has not given, between those that it has.
    std::uint64_t missing_groups() const noexcept {
        return counts.received_groups != 0 ? after_received - first_received - counts.received_groups : 0;
    }
    bool has_received(const GroupState &group) const noexcept {
        if (group.subgroup() == 0) return received.contains(group.sequence());
        return received_lanes != nullptr && received_lanes->contains(LaneKey::of(group));
    }
    bool within_cap(std::uint64_t sequence) const noexcept { return !cap || sequence <= *cap; }
    void wake(WakeList &wake) noexcept {
        group_waits.wake(wake);
        first_frame_waits.wake(wake);
        frame_waits.wake(wake);
    }
};

/// All subscribers of a track, live and pending. Guarded by the track's lock.
class SubscriberList {
public:
    std::size_t size() const noexcept { return together_.size(); }
    SubscriberPlace *front() const noexcept { return places_.front(); }

    void add(SubscriberPlace &place) noexcept {
        places_.push_back(place);
        together_.add(place.member, place.member.wishes());
    }
    void remove(SubscriberPlace &place) noexcept {
        places_.remove(place);
        together_.remove(place.member);
    }
    /// Changes the wishes of a listed subscriber.
    void change(SubscriberPlace &place, const Subscription &wishes) noexcept {
        together_.remove(place.member);
        together_.add(place.member, wishes);
    }

    /// Those that wait to know where the track is begin there. At the live edge, a group that was given is not given again.
    void begin_at(std::uint64_t edge, WakeList &wake) noexcept {
        for (SubscriberPlace *place = places_.front(); place != nullptr; place = places_.after(*place)) {
            if (!std::exchange(place->waits_for_edge, false)) continue;
            place->first = edge;
            place->set_next(std::max(edge, place->after_given));
            place->next_arrival = 0;
            place->wake(wake);
        }
    }

    /// Their combined wishes; empty if there are none.
    std::optional<Subscription> combined() const noexcept { return together_.value(); }
    /// True if one of them begins at the live edge.
    bool follows_edge() const noexcept { return together_.follows_edge(); }
    /// The lowest start, if one has one.
    std::optional<std::uint64_t> lowest_start() const noexcept { return together_.lowest_start(); }
    /// True if one of them leaves it to the publisher how late groups may come.
    bool has_unlimited() const noexcept { return together_.has_unlimited(); }
    /// True if one of them has a start, and leaves it to the publisher how late groups may come.
    bool is_patient() const noexcept { return together_.is_patient(); }

private:
    IntrusiveList<SubscriberPlace> places_;
    CombinedSubscription together_;
};

}  // namespace comoq::detail
