// SPDX-License-Identifier: MIT
#pragma once
#include "group_reader.hpp"
#include "passed_groups.hpp"
#include "../wait/step.hpp"
#include "track_state.hpp"
#include "../../datagram.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

/// A subscription: counted by its track from its making until its last holder lets go.
class SubscriberState {
public:
    SubscriberState(std::shared_ptr<TrackState> track, const Subscription &wishes, WakeList &wake)
        : track_(std::move(track)) {
        place_.member.wish(wishes);
        place_.received.reserve();
        track_->subscribe(place_, wake);
    }
    SubscriberState(const SubscriberState &) = delete;
    SubscriberState &operator=(const SubscriberState &) = delete;
    ~SubscriberState() { track_->unsubscribe(place_); }

    /// The track that it reads, once the subscription is not pending any more.
    const std::shared_ptr<TrackState> &track() const noexcept {
        return place_.moved_to != nullptr ? place_.moved_to : track_;
    }
    SubscriberPlace &place() noexcept { return place_; }

    void start_at(std::uint64_t sequence) noexcept {
        change([&](TrackState &, std::shared_ptr<GroupState> &left) { left = begin_at(sequence, sequence); });
    }
    void end_at(std::optional<std::uint64_t> sequence) noexcept {
        change([&](TrackState &, std::shared_ptr<GroupState> &) { place_.cap = sequence; });
    }
    void update(const Subscription &wishes) noexcept {
        change([&](TrackState &track, std::shared_ptr<GroupState> &left) {
            const Subscription previous = place_.member.wishes();
            track.change_wishes(place_, wishes);
            // At the live edge, a group that was given is not given again.
            const auto edge = track.edge();
            if (wishes.start != previous.start)
                left = begin_at(wishes.start.value_or(edge), wishes.start.value_or(std::max(edge, place_.after_given)));
            if (!wishes.start && previous.start) place_.waits_for_edge = !track.knows_edge();
            if (wishes.end != previous.end) place_.cap = wishes.end;
        });
    }

    /// Calls `look` with the place, under the track's lock.
    template <class Look> void look_at(Look look) const noexcept {
        Lock lock(track()->mutex());
        look(place_);
    }

private:
    /// Returns the group that it was in.
    [[nodiscard]] std::shared_ptr<GroupState> begin_at(std::uint64_t first, std::uint64_t next) noexcept {
        place_.first = first;
        place_.waits_for_edge = false;
        place_.set_next(next);
        return std::move(place_.present);
    }
    /// `what(track, left)` may put a group into `left`, to be dropped after unlocking.
    template <class Change> void change(Change what) noexcept {
        const auto on = track();
        std::shared_ptr<GroupState> left;
        WakeList wake;
        Lock lock(on->mutex());
        PassedGroups passed(place_);
        what(*on, left);
        passed.look_back(*on);
        // Other subscribers are not concerned: they may take the same groups as before.
        place_.wake(wake);
        wake.take(on->usage_waits());
    }

    const std::shared_ptr<TrackState> track_;
    SubscriberPlace place_;
};

/// Common parts of a subscriber's steps.
class SubscriberRule {
public:
    explicit SubscriberRule(std::shared_ptr<SubscriberState> subscriber) noexcept : subscriber_(std::move(subscriber)) {}

    Mutex &mutex() const noexcept { return track().mutex(); }
    CrowdPlace waits() const noexcept { return {track().shared()->group_waits, place().group_waits, place().cap}; }
    /// Called before the lock is taken.
    void judge_age() const { track().expire(); }

protected:
    const LiveGroups &groups() const noexcept { return track().cache().live(); }
    TrackState &track() const noexcept { return *subscriber_->track(); }
    SubscriberPlace &place() const noexcept { return subscriber_->place(); }

    /// Nothing to take: the end of the stream, with the track's code if it did not end well. The track does not end
    /// well for a subscriber, at `next`, if its last groups went before the subscriber had them.
    template <class Value> Outcome<std::optional<Value>> end(std::uint64_t next) const noexcept {
        const auto &lost = track().cache().lost();
        if (!track().cause() && lost && lost->sequence >= next && place().within_cap(lost->sequence)) return lost->code;
        return Outcome<std::optional<Value>>(track().cause());
    }

    /// True when no group from `next` on can come any more.
    bool is_over_from(std::uint64_t next) const noexcept { return track().over_from(next) && !place().waits_for_edge; }

    /// True if the reader, which takes groups by number, may take that group next.
    bool is_in_turn(std::uint64_t sequence) const noexcept {
        SubscriberPlace &at = place();
        if (!at.within_cap(sequence)) return false;
        if (!at.member.wishes().start || track().ended()) return true;
        // Nobody is asked for numbers below the start, to which `start_at` may have gone back.
        const auto next = std::max(at.next, *at.member.wishes().start);
        return !track().numbers().is_early(sequence, next, age_of(at.member.wishes()));
    }

    std::shared_ptr<SubscriberState> subscriber_;

private:
    /// Of the groups that a reader with a start wants. Nobody can ask for more than the publisher keeps.
    std::chrono::milliseconds age_of(const Subscription &wishes) const noexcept {
        if (wishes.max_latency.count() <= 0) return TrackNumbers::Asked::any_age;
        return std::min(wishes.max_latency, track().info().max_latency);
    }
};

/// Takes the group with the lowest sequence above the last one given.
class NextGroupRule : public SubscriberRule {
public:
    using value_type = std::optional<std::shared_ptr<GroupReader>>;
    using SubscriberRule::SubscriberRule;

    bool available() const noexcept {
        const GroupState *group = find();
        return group != nullptr ? is_in_turn(group->sequence()) : is_over_from(place().next);
    }
    Outcome<value_type> take() {
        GroupState *group = find();
        if (group == nullptr) return end<std::shared_ptr<GroupReader>>(place().next);
        auto reader = GroupReader::at_first(group->shared_from_this());
        place().give(group->sequence());
        return Outcome<value_type>(std::in_place, std::move(reader));
    }

private:
    GroupState *find() const noexcept { return groups().from(place().next); }
};

/// Takes the group, or the lane of one, that arrived first among those not yet taken.
class ReceiveGroupRule : public SubscriberRule {
public:
    using value_type = std::optional<std::shared_ptr<GroupReader>>;
    using SubscriberRule::SubscriberRule;

    bool available() const noexcept {
        return find() != nullptr || (is_over_from(place().first) && !is_held_back());
    }
    Outcome<value_type> take() {
        const auto group = find();
        SubscriberPlace &at = place();
        if (group == nullptr) return end<std::shared_ptr<GroupReader>>(std::max(at.first, at.after_received));
        auto reader = GroupReader::at_first(group);
        if (group->subgroup() != 0) {
            if (at.received_lanes == nullptr) at.received_lanes = std::make_unique<GivenLanes>();
            at.received_lanes->insert(LaneKey::of(*group));
            ++at.counts.received_lanes;
            return Outcome<value_type>(std::in_place, std::move(reader));
        }
        at.received.insert(group->sequence());
        ++at.counts.received_groups;
        at.first_received = std::min(at.first_received, group->sequence());
        at.after_received = std::max(at.after_received, group->sequence() + 1);
        return Outcome<value_type>(std::in_place, std::move(reader));
    }

private:
    /// The group, or null. No arrival is looked at twice unless the cap or the start moved meanwhile.
    std::shared_ptr<GroupState> find() const noexcept {
        const ArrivalLog &arrivals = track().cache().arrivals();
        SubscriberPlace &at = place();
        for (auto arrival = arrivals.from(at.next_arrival); arrival != arrivals.end(); ++arrival) {
            const auto &group = arrival->group;
            if (group != nullptr && group->sequence() >= at.first && !at.has_received(*group)) {
                if (at.within_cap(group->sequence())) return group;
                at.held_back = std::min(at.held_back, arrival->number);
            }
            at.next_arrival = arrival->number + 1;
        }
        return nullptr;
    }

    /// True if only the cap keeps an existing group from being given.
    bool is_held_back() const noexcept {
        const SubscriberPlace &at = place();
        return at.cap && has_new(track(), at, std::max(*at.cap + 1, at.first), std::numeric_limits<std::uint64_t>::max());
    }
};

/// Takes the first frame of the next group that has one.
class FirstFrameRule : public SubscriberRule {
public:
    using value_type = std::optional<FrameSlot>;
    using SubscriberRule::SubscriberRule;

    CrowdPlace waits() const noexcept {
        return {track().shared()->first_frame_waits, place().first_frame_waits, place().cap};
    }

    bool available() const noexcept {
        const Search search = find();
        return search.group != nullptr || (!search.may_come && is_over_from(place().next));
    }
    Outcome<value_type> take() {
        const GroupState *group = find().group;
        if (group == nullptr) return end<FrameSlot>(place().next);
        const FrameLog &frames = group->frames();
        Outcome<value_type> taken(std::in_place, frames[frames.first()]);
        next_before_ = place().next;
        place().give(group->sequence());
        place().count_frame(taken.value->payload_bytes());
        moves_ = place().moves;
        return taken;
    }
    /// Puts back the last frame, unless the place was set since.
    void undo(WakeList &wake) noexcept {
        if (place().moves != moves_) return;
        place().put_back(next_before_);
        place().wake(wake);
    }

private:
    struct Search {
        const GroupState *group;
        bool may_come;  // a group that was skipped may still get a frame, or a cap may rise
    };

    Search find() const noexcept {
        const SubscriberPlace &at = place();
        const GroupState *group = groups().from(GroupState::Kind::Begun, at.next), *last = groups().last();
        if (group != nullptr && at.within_cap(group->sequence())) return {group, false};
        const bool is_capped = last != nullptr && last->sequence() >= at.next && !at.within_cap(last->sequence());
        return {nullptr, is_capped || groups().from(GroupState::Kind::Empty, at.next) != nullptr};
    }

    std::uint64_t next_before_ = 0, moves_ = 0;
};

/// Takes the next frame: of the group that the subscriber is in, or when that has ended or failed, of the one with the
/// lowest sequence above it.
class EveryFrameRule : public SubscriberRule {
public:
    using value_type = std::optional<FrameSlot>;
    using SubscriberRule::SubscriberRule;

    CrowdPlace waits() const noexcept {
        const Search search = find();
        if (search.group != nullptr) return {search.group->followers(), place().frame_waits};
        return {track().shared()->frame_waits, place().frame_waits, place().cap};
    }
    bool available() const noexcept { return available(find()); }

    struct Search {
        GroupState *group = nullptr;  // the one that has the next frame, or is to get it
        std::size_t index = 0;
        bool has_frame = false;
        bool is_held_back = false;  // by the cap, or because other groups come first
        std::uint64_t next = 0;     // where it goes on without a group
    };
    Search look() const noexcept { return find(); }
    bool available(const Search &search) const noexcept {
        return search.has_frame || (search.group == nullptr && !search.is_held_back && is_over_from(search.next));
    }
    Outcome<value_type> take(const Search &search) {
        SubscriberPlace &at = place();
        if (!search.has_frame) return end<FrameSlot>(search.next);
        Outcome<value_type> taken(std::in_place, search.group->frames().made(search.index));
        left_ = at.present;
        left_frame_ = at.frame;
        next_before_ = at.next;
        if (at.present.get() != search.group) {
            at.present = search.group->shared_from_this();
            at.give(search.group->sequence());
        }
        at.frame = search.index + 1;
        at.count_frame(taken.value->payload_bytes());
        moves_ = at.moves;
        return taken;
    }
    /// Puts back the last frame, unless the place was set since.
    void undo(WakeList &wake) noexcept {
        SubscriberPlace &at = place();
        if (at.moves != moves_) return;
        at.present.swap(left_);
        at.frame = left_frame_;
        at.put_back(next_before_);
        at.wake(wake);
    }

private:
    static bool has(const GroupState &group, std::size_t index) noexcept {
        return index >= group.frames().first() && index < group.frames().end();
    }

    Search find() const noexcept {
        const SubscriberPlace &at = place();
        Search search;
        search.next = at.next;
        if (at.present != nullptr) {
            search = {at.present.get(), at.frame, has(*at.present, at.frame), false, at.next};
            if (search.has_frame || !at.present->end_at(at.frame)) return search;
            search.group = nullptr;
        }
        if (GroupState *group = groups().from_with_frames(at.next)) {
            search.is_held_back = !is_in_turn(group->sequence());
            if (search.is_held_back) return search;
            return {group, group->first_index(), has(*group, group->first_index()), false, group->sequence()};
        }
        const GroupState *last = groups().last();
        if (last == nullptr || last->sequence() < at.next) return search;
        search.is_held_back = !is_in_turn(last->sequence());
        if (!search.is_held_back) search.next = last->sequence() + 1;
        return search;
    }

    std::shared_ptr<GroupState> left_;
    std::size_t left_frame_ = 0;
    std::uint64_t next_before_ = 0, moves_ = 0;
};

/// Takes the next datagram. A reader that is too slow misses the oldest ones.
class NextDatagramRule : public SubscriberRule {
public:
    using value_type = std::optional<Datagram>;
    using SubscriberRule::SubscriberRule;

    WaitList &waits() const noexcept { return track().datagram_waits(); }
    bool available() const noexcept { return has_next(track().datagrams()) || track().datagrams_over(); }
    Outcome<value_type> take() {
        const DatagramQueue *const queue = track().datagrams();
        if (!has_next(queue)) return Outcome<value_type>(track().cause());
        const auto index = next(*queue);
        const DatagramSlot &slot = (*queue)[index];
        Outcome<value_type> taken(std::in_place, std::in_place, slot.sequence, slot.timestamp, slot.payload, slot.object,
                                  slot.extras);
        SubscriberPlace &at = place();
        at.counts.skipped_datagrams += index - at.next_datagram;
        ++at.counts.datagrams;
        at.counts.bytes += slot.payload.size();
        at.next_datagram = index + 1;
        return taken;
    }

private:
    std::uint64_t next(const DatagramQueue &queue) const noexcept { return std::max(place().next_datagram, queue.first()); }
    bool has_next(const DatagramQueue *queue) const noexcept { return queue != nullptr && next(*queue) != queue->end(); }
};

/// The first sequence that will never come, once it is known.
class TrackFinishedRule : public SubscriberRule {
public:
    using value_type = std::uint64_t;
    using SubscriberRule::SubscriberRule;
    WaitList &waits() const noexcept { return track().end_waits(); }
    bool available() const noexcept { return track().numbers().final() || track().ended(); }
    Outcome<value_type> take() {
        if (!track().numbers().final()) return track().cause();
        return Outcome<value_type>(std::in_place, *track().numbers().final());
    }
};

/// The reason why the track ended, once it has, or once none of its groups can come any more.
class TrackClosedRule : public SubscriberRule {
public:
    using value_type = std::error_code;
    using SubscriberRule::SubscriberRule;
    WaitList &waits() const noexcept { return track().end_waits(); }
    bool available() const noexcept { return track().over_from(0); }
    Outcome<value_type> take() { return Outcome<value_type>(std::in_place, track().cause()); }
};

}  // namespace comoq::detail
