#pragma once
#include "combined_subscription.hpp"
#include "end_hooks.hpp"
#include "failure.hpp"
#include "group_state.hpp"
#include "sequence_set.hpp"
#include "track_shared.hpp"
#include "../subscription.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

class TrackState;

/// One subscriber's wishes and its two places in the track. Guarded by the track's lock.
struct SubscriberPlace {
    Subscription wishes;
    /// Set when a pending subscription was moved to another track than the one it was made for. Guarded by the lock of
    /// the track that it was made for.
    std::shared_ptr<TrackState> moved_to;
    /// The lowest sequence that `next_group` may still give, and that `recv_group` may give at all.
    std::uint64_t next = 0;
    std::uint64_t first = 0;
    std::optional<std::uint64_t> cap;
    /// Where `recv_group` goes on in the order of arrival, and what it has given: start and cap may move back and forth.
    std::uint64_t next_arrival = 0;
    SequenceSet received;
    SubscriberPlace *prev_ = nullptr;
    SubscriberPlace *next_ = nullptr;

    bool within_cap(std::uint64_t sequence) const noexcept { return !cap || sequence <= *cap; }
};

/// A track: asked for, then live, then ended. Its lock is `shared()->mutex`, which its groups share.
class TrackState : public std::enable_shared_from_this<TrackState> {
public:
    // RFC 9000 varints end there, and the wire carries sequences as such.
    static constexpr std::uint64_t max_sequence = (std::uint64_t{1} << 62) - 1;

    TrackState(std::string name, std::shared_ptr<MediaBounds> bounds)
        : name_(std::move(name)), shared_(std::make_shared<TrackShared>(std::move(bounds))) {}

    const std::string &name() const noexcept { return name_; }
    const std::shared_ptr<TrackShared> &shared() const noexcept { return shared_; }
    Mutex &mutex() const noexcept { return shared_->mutex; }

    /// Fixed since the track went live; a producer or a subscriber may read it without the lock.
    const TrackInfo &info() const noexcept { return info_; }

    // What follows is called under the lock.

    bool ended() const noexcept { return ended_; }
    /// Why it ended; false when it ended well.
    std::error_code cause() const noexcept { return cause_; }
    /// The code for whoever wants something of a track that has ended.
    std::error_code end_code() const noexcept { return cause_ ? cause_ : make_error_code(Error::Closed); }
    /// The first sequence that will never come.
    const std::optional<std::uint64_t> &final_sequence() const noexcept { return final_; }
    std::optional<std::uint64_t> latest() const noexcept {
        return next_sequence_ == 0 ? std::nullopt : std::optional(next_sequence_ - 1);
    }
    /// True when no group with a number from `sequence` on can come any more.
    bool over_from(std::uint64_t sequence) const noexcept {
        return ended_ || (final_ && seen_.covers(sequence, *final_));
    }
    const std::map<std::uint64_t, std::shared_ptr<GroupState>> &groups() const noexcept { return groups_; }
    /// The groups in the order in which they came, from `first_arrival()` on; null where one is gone.
    const std::deque<std::shared_ptr<GroupState>> &arrivals() const noexcept { return arrivals_; }
    std::uint64_t first_arrival() const noexcept { return first_arrival_; }

    WaitList &group_waits() noexcept { return group_waits_; }
    WaitList &end_waits() noexcept { return end_waits_; }
    WaitList &usage_waits() noexcept { return usage_waits_; }

    std::size_t subscribers() const noexcept { return subscriber_count_; }

    std::optional<Subscription> combined() const {
        CombinedSubscription all;
        for (const SubscriberPlace *place = subscribers_; place != nullptr; place = place->next_) all.add(place->wishes);
        // Nobody can ask for more than the publisher keeps.
        if (all.value() && live_) all.value()->max_latency = std::min(all.value()->max_latency, info_.max_latency);
        return all.value();
    }

    // What follows takes the lock.

    /// Goes live. Called once, before anybody can know of it but those who asked for it.
    void accept(const TrackInfo &info, WakeList &wake) noexcept {
        Lock lock(mutex());
        info_ = info;
        live_ = true;
        wake.take(usage_waits_);
    }

    void subscribe(SubscriberPlace &place, WakeList &wake) noexcept {
        Lock lock(mutex());
        place.first = place.wishes.start ? *place.wishes.start : groups_.empty() ? 0 : groups_.rbegin()->first;
        place.next = place.first;
        place.cap = place.wishes.end;
        place.next_arrival = first_arrival_;
        place.next_ = subscribers_;
        if (subscribers_ != nullptr) subscribers_->prev_ = &place;
        subscribers_ = &place;
        ++subscriber_count_;
        wake.take(usage_waits_);
    }

    void unsubscribe(SubscriberPlace &place) noexcept {
        WakeList wake;
        Lock lock(mutex());
        if (const auto elsewhere = place.moved_to; elsewhere != nullptr && elsewhere.get() != this) {
            lock.unlock();
            elsewhere->unsubscribe(place);
            return;
        }
        unlink(place);
        wake.take(usage_waits_);
    }

    /// Hands the subscribers of a track that never went live to the one that took its name.
    void move_subscribers(const std::shared_ptr<TrackState> &to, WakeList &wake) noexcept {
        // The only place with the locks of two tracks. A track that is not live is in nobody's hands but those of its
        // request, so no other path can take them the other way round.
        Lock lock(mutex());
        while (SubscriberPlace *place = subscribers_) {
            unlink(*place);
            place->moved_to = to;
            to->subscribe(*place, wake);
        }
    }

    void start_at(SubscriberPlace &place, std::uint64_t sequence) noexcept {
        WakeList wake;
        Lock lock(mutex());
        place.first = place.next = sequence;
        place.next_arrival = first_arrival_;
        wake_readers(wake);
    }
    void end_at(SubscriberPlace &place, std::optional<std::uint64_t> sequence) noexcept {
        WakeList wake;
        Lock lock(mutex());
        place.cap = sequence;
        place.next_arrival = first_arrival_;
        wake_readers(wake);
    }
    void update(SubscriberPlace &place, const Subscription &wishes) noexcept {
        WakeList wake;
        Lock lock(mutex());
        const Subscription previous = std::exchange(place.wishes, wishes);
        if (wishes.start && wishes.start != previous.start) place.first = place.next = *wishes.start;
        if (wishes.end != previous.end) place.cap = wishes.end;
        place.next_arrival = first_arrival_;
        wake_readers(wake);
        wake.take(usage_waits_);
    }

    /// A new group: with the next number, or with the given one.
    std::shared_ptr<GroupState> create_group(std::optional<std::uint64_t> wanted) {
        WakeList wake;
        Lock lock(mutex());
        auto group = make_group(wanted);
        insert(group, wake);
        return group;
    }

    /// A group of one frame, written and finished before anybody sees it. Gives its number.
    std::uint64_t write_group(FrameSlot &&slot) {
        std::shared_ptr<GroupState> group;
        WakeList wake;
        Lock lock(mutex());
        group = make_group(std::nullopt);
        group->fill(std::move(slot));
        insert(group, wake);
        wake.take(shared_->first_frame_waits);
        return group->sequence();
    }

    std::shared_ptr<GroupState> find_group(std::uint64_t sequence) const {
        Lock lock(mutex());
        auto found = groups_.find(sequence);
        return found != groups_.end() ? found->second : nullptr;
    }

    /// Declares the first sequence that will never come; without one, the number after the latest.
    void finish(std::optional<std::uint64_t> sequence) {
        WakeList wake;
        Lock lock(mutex());
        if (final_) throw_error(make_error_code(Error::Closed));
        if (ended_) throw_error(end_code());
        if (sequence && *sequence < next_sequence_) throw_error(make_error_code(Error::ProtocolViolation));
        if (sequence && *sequence > max_sequence + 1) throw_error(make_error_code(Error::BoundsExceeded));
        final_ = sequence.value_or(next_sequence_);
        wake_readers(wake);
        wake.take(end_waits_);
    }

    /// Ends the track. Without a code it is its producers' end, clean after `finish()`; groups and what they hold stay
    /// for their readers. With one it is an abort, which takes the groups along.
    void end(std::optional<std::error_code> code) noexcept {
        std::vector<std::shared_ptr<EndHook>> hooks;
        std::vector<Released> released;
        std::map<std::uint64_t, std::shared_ptr<GroupState>> groups;
        std::deque<std::shared_ptr<GroupState>> arrivals;
        WakeList wake;
        {
            Lock lock(mutex());
            if (ended_) return;
            ended_ = true;
            if (code) {
                cause_ = failure(*code);
                groups.swap(groups_);
                arrivals.swap(arrivals_);
                for (auto &[sequence, group] : groups) released.push_back(group->fail(cause_, false, wake));
            } else if (!final_) {
                cause_ = make_error_code(Error::Dropped);
            }
            wake_readers(wake);
            wake.take(end_waits_);
            wake.take(usage_waits_);
            hooks = hooks_.take();
        }
        for (auto &hook : hooks) hook->ended();
    }

    /// Adds a hook for the track's end; false if it has ended.
    bool add_hook(std::shared_ptr<EndHook> hook) {
        Lock lock(mutex());
        if (ended_) return false;
        hooks_.add(std::move(hook));
        return true;
    }
    void remove_hook(EndHook &hook) noexcept {
        std::shared_ptr<EndHook> removed;
        Lock lock(mutex());
        removed = hooks_.remove(hook);
    }

    Atomic<std::size_t> producers{0};
    void last_producer_gone() noexcept { end(std::nullopt); }

private:
    /// A group that is not in the track yet: with the next number, or with the given one.
    std::shared_ptr<GroupState> make_group(std::optional<std::uint64_t> wanted) const {
        if (ended_) throw_error(end_code());
        const std::uint64_t sequence = wanted.value_or(next_sequence_);
        if (sequence > max_sequence) throw_error(make_error_code(Error::BoundsExceeded));
        if (final_ && sequence >= *final_) throw_error(make_error_code(Error::Closed));
        if (seen_.contains(sequence)) throw_error(make_error_code(Error::Duplicate));
        return std::make_shared<GroupState>(shared_, sequence, info_.timescale);
    }

    void insert(const std::shared_ptr<GroupState> &group, WakeList &wake) {
        const std::uint64_t sequence = group->sequence();
        arrivals_.push_back(group);
        try {
            groups_.emplace(sequence, group);
            seen_.insert(sequence);
        } catch (...) {
            groups_.erase(sequence);
            arrivals_.pop_back();
            throw;
        }
        next_sequence_ = std::max(next_sequence_, sequence + 1);
        wake.take(group_waits_);
    }

    void unlink(SubscriberPlace &place) noexcept {
        (place.prev_ != nullptr ? place.prev_->next_ : subscribers_) = place.next_;
        if (place.next_ != nullptr) place.next_->prev_ = place.prev_;
        place.prev_ = place.next_ = nullptr;
        --subscriber_count_;
    }

    void wake_readers(WakeList &wake) noexcept {
        wake.take(group_waits_);
        wake.take(shared_->first_frame_waits);
    }

    const std::string name_;
    const std::shared_ptr<TrackShared> shared_;
    TrackInfo info_;
    bool live_ = false;
    bool ended_ = false;
    std::error_code cause_;
    std::optional<std::uint64_t> final_;
    std::uint64_t next_sequence_ = 0;
    SequenceSet seen_;
    std::map<std::uint64_t, std::shared_ptr<GroupState>> groups_;
    std::deque<std::shared_ptr<GroupState>> arrivals_;
    std::uint64_t first_arrival_ = 0;
    SubscriberPlace *subscribers_ = nullptr;
    std::size_t subscriber_count_ = 0;
    WaitList group_waits_;  // next_group and recv_group
    WaitList end_waits_;    // finished and closed
    WaitList usage_waits_;  // used, unused and subscription_changed
    EndHooks hooks_;
};

}  // namespace comoq::detail
