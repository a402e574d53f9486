#pragma once
#include "group_reader.hpp"
#include "step.hpp"
#include "track_state.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

/// A subscription: counted by its track from its making until its last holder lets go.
class SubscriberState {
public:
    SubscriberState(std::shared_ptr<TrackState> track, const Subscription &wishes, WakeList &wake) noexcept
        : track_(std::move(track)) {
        place_.wishes = wishes;
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
        change([&] { begin_at(sequence); });
    }
    void end_at(std::optional<std::uint64_t> sequence) noexcept {
        change([&] { place_.cap = sequence; });
    }
    void update(const Subscription &wishes) noexcept {
        change([&] {
            const Subscription previous = std::exchange(place_.wishes, wishes);
            if (wishes.start && wishes.start != previous.start) begin_at(*wishes.start);
            if (wishes.end != previous.end) place_.cap = wishes.end;
        });
    }

private:
    void begin_at(std::uint64_t sequence) noexcept {
        place_.first = sequence;
        place_.set_next(sequence);
    }
    template <class Change> void change(Change what) noexcept {
        const auto on = track();
        WakeList wake;
        Lock lock(on->mutex());
        what();
        // What was passed over before may count again.
        place_.next_arrival = 0;
        on->wake_readers(wake);
        wake.take(on->usage_waits());
    }

    const std::shared_ptr<TrackState> track_;
    SubscriberPlace place_;
};

/// What the steps of a subscriber have in common.
class SubscriberRule {
public:
    explicit SubscriberRule(std::shared_ptr<SubscriberState> subscriber) noexcept : subscriber_(std::move(subscriber)) {}

    Mutex &mutex() const noexcept { return track().mutex(); }
    WaitList &waits() const noexcept { return track().group_waits(); }

protected:
    using Groups = GroupCache::Groups;

    const Groups &groups() const noexcept { return track().cache().live(); }
    TrackState &track() const noexcept { return *subscriber_->track(); }
    SubscriberPlace &place() const noexcept { return subscriber_->place(); }

    /// Nothing to take: the end of the stream, with the track's code if it did not end well.
    template <class Value> Outcome<std::optional<Value>> end() const noexcept {
        return Outcome<std::optional<Value>>(track().cause());
    }

    std::shared_ptr<SubscriberState> subscriber_;
};

/// Takes the group with the lowest sequence above the last one given.
class NextGroupRule : public SubscriberRule {
public:
    using value_type = std::optional<std::shared_ptr<GroupReader>>;
    using SubscriberRule::SubscriberRule;

    bool available() const noexcept {
        const auto group = find();
        return group != groups().end() ? place().within_cap(group->first) : track().over_from(place().next);
    }
    Outcome<value_type> take() {
        const auto group = find();
        if (group == groups().end()) return end<std::shared_ptr<GroupReader>>();
        auto reader = GroupReader::at_first(group->second);
        place().set_next(group->first + 1);
        return Outcome<value_type>(std::in_place, std::move(reader));
    }

private:
    Groups::const_iterator find() const noexcept { return groups().lower_bound(place().next); }
};

/// Takes the group that arrived first among those not yet taken.
class ReceiveGroupRule : public SubscriberRule {
public:
    using value_type = std::optional<std::shared_ptr<GroupReader>>;
    using SubscriberRule::SubscriberRule;

    bool available() const noexcept {
        const Search search = find();
        return search.group != nullptr || (!search.above_cap && track().over_from(place().first));
    }
    Outcome<value_type> take() {
        const auto group = find().group;
        if (group == nullptr) return end<std::shared_ptr<GroupReader>>();
        auto reader = GroupReader::at_first(group);
        place().received.insert(group->sequence());
        return Outcome<value_type>(std::in_place, std::move(reader));
    }

private:
    struct Search {
        std::shared_ptr<GroupState> group;
        bool above_cap = false;
    };

    Search find() const noexcept {
        const ArrivalLog &arrivals = track().cache().arrivals();
        SubscriberPlace &at = place();
        Search search;
        for (auto arrival = arrivals.from(at.next_arrival); arrival != arrivals.end(); ++arrival) {
            const auto &group = arrival->group;
            if (group != nullptr && group->sequence() >= at.first && !at.received.contains(group->sequence())) {
                if (at.within_cap(group->sequence())) {
                    search.group = group;
                    return search;
                }
                search.above_cap = true;
            } else if (!search.above_cap) {
                // Nothing that the cap holds back lies behind this one: the next search need not look at it again.
                at.next_arrival = arrival->number + 1;
            }
        }
        return search;
    }
};

/// Takes the first frame of the next group that has one.
class FirstFrameRule : public SubscriberRule {
public:
    using value_type = std::optional<FrameSlot>;
    using SubscriberRule::SubscriberRule;

    WaitList &waits() const noexcept { return track().shared()->first_frame_waits; }

    bool available() const noexcept {
        const Search search = find();
        return search.group != groups().end() || (!search.may_come && track().over_from(place().next));
    }
    Outcome<value_type> take() {
        const auto group = find().group;
        if (group == groups().end()) return end<FrameSlot>();
        const FrameLog &frames = group->second->frames();
        next_before_ = place().next;
        place().set_next(group->first + 1);
        moves_ = place().moves;
        return Outcome<value_type>(std::in_place, frames[frames.first()]);
    }
    /// What was taken last is not taken, unless the place was set since.
    void undo(WakeList &wake) noexcept {
        if (place().moves != moves_) return;
        place().set_next(next_before_);
        track().wake_readers(wake);
    }

private:
    struct Search {
        Groups::const_iterator group;
        bool may_come;  // a group that was passed over may still get a frame, or a cap come off it
    };

    Search find() const noexcept {
        const Groups &all = groups();
        bool may_come = false;
        for (auto at = all.lower_bound(place().next); at != all.end(); ++at) {
            if (!place().within_cap(at->first)) {
                may_come = true;
                break;
            }
            const FrameLog &frames = at->second->frames();
            if (frames.first() < frames.end()) return {at, false};
            if (!at->second->over()) may_come = true;
        }
        return {all.end(), may_come};
    }

    std::uint64_t next_before_ = 0, moves_ = 0;
};

/// Takes the next datagram. Who reads too slowly misses the oldest ones.
class NextDatagramRule : public SubscriberRule {
public:
    using value_type = std::optional<DatagramSlot>;
    using SubscriberRule::SubscriberRule;

    WaitList &waits() const noexcept { return track().datagram_waits(); }
    bool available() const noexcept { return next() != track().datagrams().end() || track().datagrams_over(); }
    Outcome<value_type> take() {
        const auto index = next();
        if (index == track().datagrams().end()) return end<DatagramSlot>();
        place().next_datagram = index + 1;
        return Outcome<value_type>(std::in_place, track().datagrams()[index]);
    }

private:
    std::uint64_t next() const noexcept { return std::max(place().next_datagram, track().datagrams().first()); }
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

/// Why the track ended, once it has.
class TrackClosedRule : public SubscriberRule {
public:
    using value_type = std::error_code;
    using SubscriberRule::SubscriberRule;
    WaitList &waits() const noexcept { return track().end_waits(); }
    bool available() const noexcept { return track().ended(); }
    Outcome<value_type> take() { return Outcome<value_type>(std::in_place, track().cause()); }
};

}  // namespace comoq::detail
