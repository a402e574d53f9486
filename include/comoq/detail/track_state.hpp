#pragma once
#include "combined_subscription.hpp"
#include "datagram_queue.hpp"
#include "end_hooks.hpp"
#include "failure.hpp"
#include "group_cache.hpp"
#include "group_state.hpp"
#include "media_change.hpp"
#include "request_table.hpp"
#include "sequence_set.hpp"
#include "track_shared.hpp"
#include "../subscription.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
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
    std::uint64_t next_datagram = 0;
    SubscriberPlace *prev_ = nullptr;
    SubscriberPlace *next_ = nullptr;

    bool within_cap(std::uint64_t sequence) const noexcept { return !cap || sequence <= *cap; }
};

/// How urgent a fetch is: as urgent as the most urgent of those who asked. Guarded by the track's lock.
struct FetchUrgency {
    std::uint8_t priority = 0;
};

/// A track: asked for, then live, then ended. Its lock is `shared()->mutex`, which its groups share.
class TrackState : public std::enable_shared_from_this<TrackState> {
public:
    // RFC 9000 varints end there, and the wire carries sequences as such.
    static constexpr std::uint64_t max_sequence = (std::uint64_t{1} << 62) - 1;

    using Requests = RequestTable<std::uint64_t, std::shared_ptr<GroupState>, FetchUrgency>;

    TrackState(std::string name, std::shared_ptr<MediaBounds> bounds)
        : name_(std::move(name)), shared_(std::make_shared<TrackShared>(std::move(bounds))) {}

    const std::string &name() const noexcept { return name_; }
    const std::shared_ptr<TrackShared> &shared() const noexcept { return shared_; }
    Mutex &mutex() const noexcept { return shared_->mutex; }
    MediaBounds &bounds() const noexcept { return *shared_->bounds; }

    /// Fixed since the track went live; a producer or a subscriber may read it without the lock.
    const TrackInfo &info() const noexcept { return shared_->info; }

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
    const GroupCache &cache() const noexcept { return cache_; }
    const DatagramQueue &datagrams() const noexcept { return datagrams_; }
    /// True when no datagram can come any more: each takes the number after the latest.
    bool datagrams_over() const noexcept { return ended_ || final_; }

    WaitList &group_waits() noexcept { return group_waits_; }
    WaitList &datagram_waits() noexcept { return datagram_waits_; }
    WaitList &end_waits() noexcept { return end_waits_; }
    WaitList &usage_waits() noexcept { return usage_waits_; }
    WaitList &handler_waits() noexcept { return handler_waits_; }

    std::size_t subscribers() const noexcept { return subscriber_count_; }

    Requests &requests() noexcept { return requests_; }
    Requests::Queue &queue() noexcept { return queue_; }
    /// The track that took the place of this one, which never went live.
    const std::shared_ptr<TrackState> &moved_to() const noexcept { return moved_to_; }

    std::optional<Subscription> combined() const {
        CombinedSubscription all;
        for (const SubscriberPlace *place = subscribers_; place != nullptr; place = place->next_) all.add(place->wishes);
        // Nobody can ask for more than the publisher keeps.
        if (all.value() && live_) all.value()->max_latency = std::min(all.value()->max_latency, shared_->info.max_latency);
        return all.value();
    }

    // What follows takes the lock.

    /// Goes live. Called once, before anybody can know of it but those who asked for it. Who asked to fetch a group that
    /// no handler is there for is refused.
    void accept(const TrackInfo &info, WakeList &wake) noexcept {
        Lock lock(mutex());
        fix_info(info);
        live_ = true;
        if (handlers.load(std::memory_order_relaxed) == 0)
            requests_.settle_queue(queue_, make_error_code(Error::NotFound), wake);
        wake.take(usage_waits_);
    }

    void subscribe(SubscriberPlace &place, WakeList &wake) noexcept {
        Lock lock(mutex());
        const auto &groups = cache_.live();
        place.first = place.wishes.start ? *place.wishes.start : groups.empty() ? 0 : groups.rbegin()->first;
        place.next = place.first;
        place.cap = place.wishes.end;
        place.next_arrival = 0;
        place.next_datagram = datagrams_.end();
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

    /// Hands those who wait for a track that never went live to the one that took its name.
    void move_to(const std::shared_ptr<TrackState> &to, WakeList &wake) noexcept {
        // The only place with the locks of two tracks. A track that is not live is in nobody's hands but those of its
        // request, so no other path can take them the other way round.
        Lock lock(mutex());
        while (SubscriberPlace *place = subscribers_) {
            unlink(*place);
            place->moved_to = to;
            to->subscribe(*place, wake);
        }
        moved_to_ = to;
        requests_.for_each([&wake](Requests::Entry &entry) { wake.take(entry.requester_waits()); });
        wake.take(handler_waits_);
    }

    void start_at(SubscriberPlace &place, std::uint64_t sequence) noexcept {
        WakeList wake;
        Lock lock(mutex());
        place.first = place.next = sequence;
        place.next_arrival = 0;
        wake_readers(wake);
    }
    void end_at(SubscriberPlace &place, std::optional<std::uint64_t> sequence) noexcept {
        WakeList wake;
        Lock lock(mutex());
        place.cap = sequence;
        place.next_arrival = 0;
        wake_readers(wake);
    }
    void update(SubscriberPlace &place, const Subscription &wishes) noexcept {
        WakeList wake;
        Lock lock(mutex());
        const Subscription previous = std::exchange(place.wishes, wishes);
        if (wishes.start && wishes.start != previous.start) place.first = place.next = *wishes.start;
        if (wishes.end != previous.end) place.cap = wishes.end;
        place.next_arrival = 0;
        wake_readers(wake);
        wake.take(usage_waits_);
    }

    /// A new group: with the next number, or with the given one.
    std::shared_ptr<GroupState> create_group(std::optional<std::uint64_t> wanted) {
        MediaChange change(bounds());
        Lock lock(mutex());
        auto group = make_group(wanted);
        insert(group, change);
        return group;
    }

    /// A group of one frame, written and finished before anybody sees it. Gives its number.
    std::uint64_t write_group(FrameSlot &&slot) {
        std::shared_ptr<GroupState> group;
        MediaChange change(bounds());
        Lock lock(mutex());
        group = make_group(std::nullopt);
        group->fill(std::move(slot));
        insert(group, change);
        change.wake.take(shared_->first_frame_waits);
        return group->sequence();
    }

    /// Gives a datagram to those who subscribe now. Without a number it takes the next one; gives its number.
    std::uint64_t add_datagram(std::optional<std::uint64_t> wanted, Timestamp timestamp, Bytes &&payload) {
        std::optional<DatagramSlot> dropped;
        WakeList wake;
        Lock lock(mutex());
        const std::uint64_t sequence = free_number(wanted);
        seen_.insert(sequence);
        dropped = datagrams_.add(DatagramSlot{sequence, timestamp, std::move(payload)});
        next_sequence_ = std::max(next_sequence_, sequence + 1);
        wake.take(datagram_waits_);
        return sequence;
    }

    std::shared_ptr<GroupState> find_group(std::uint64_t sequence) {
        MediaChange change(bounds());
        Lock lock(mutex());
        cache_.expire(change);
        return cache_.find(sequence);
    }

    /// Drops what has become too old.
    void expire() {
        MediaChange change(bounds());
        Lock lock(mutex());
        cache_.expire(change);
    }

    /// What asking for a group leads to: the group, a request, or a refusal.
    struct Fetched {
        std::error_code refusal;
        std::shared_ptr<GroupState> group;
        std::shared_ptr<Requests::Entry> request;
        std::shared_ptr<TrackState> track;  // where the request is
    };

    Fetched fetch(std::uint64_t sequence, std::uint8_t priority) {
        MediaChange change(bounds());
        Lock lock(mutex());
        if (const auto to = moved_to_) {
            lock.unlock();
            return to->fetch(sequence, priority);
        }
        cache_.expire(change);
        auto group = cache_.find(sequence);
        if (group != nullptr && !group->failure()) {
            cache_.use(*group, change);
            return {{}, std::move(group), nullptr, nullptr};
        }
        if (auto pending = requests_.find(sequence)) {
            requests_.join(*pending);
            pending->payload().priority = std::max(pending->payload().priority, priority);
            return {{}, nullptr, std::move(pending), shared_from_this()};
        }
        if (const auto refusal = no_fetch(sequence)) {
            // What is left of a group that failed is better than nothing.
            if (group != nullptr && !group->released()) return {{}, std::move(group), nullptr, nullptr};
            return {refusal, nullptr, nullptr, nullptr};
        }
        change.wake.take(handler_waits_);
        return {{}, nullptr, requests_.open(sequence, queue_, FetchUrgency{priority}), shared_from_this()};
    }

    /// A handler's answer: the group that was asked for, to be written. Throws if something else has settled the request.
    std::shared_ptr<GroupState> accept(Requests::Entry &entry, const TrackInfo &info) {
        MediaChange change(bounds());
        Lock lock(mutex());
        if (entry.settled()) throw_error(entry.outcome().ec ? entry.outcome().ec : make_error_code(Error::Duplicate));
        fix_info(info);
        auto group = std::make_shared<GroupState>(shared_, entry.key(), shared_->info.timescale, false);
        cache_.add(group, change);
        requests_.settle(entry, Outcome<std::shared_ptr<GroupState>>(std::in_place, group), change.wake);
        return group;
    }

    bool settle_request(Requests::Entry &entry, std::error_code code) noexcept {
        WakeList wake;
        Lock lock(mutex());
        return requests_.settle(entry, Outcome<std::shared_ptr<GroupState>>(code), wake);
    }

    /// The track will never go live: who waits for one of its groups is told. Groups that were fetched go on, and so do
    /// requests that were taken: they have an answer of their own to come.
    void refuse(std::error_code code, WakeList &wake) noexcept {
        Lock lock(mutex());
        if (live_ || ended_) return;
        ended_ = true;
        cause_ = code;
        requests_.settle_queue(queue_, code, wake);
        wake.take(handler_waits_);
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
        wake.take(datagram_waits_);
        wake.take(end_waits_);
    }

    /// Ends the track. Without a code it is its producers' end, clean after `finish()`; groups and what they hold stay
    /// for their readers. With one it is an abort, which takes the groups along.
    void end(std::optional<std::error_code> code) noexcept {
        std::vector<std::shared_ptr<EndHook>> hooks;
        std::deque<DatagramSlot> datagrams;
        ResumeScope scope;
        Garbage garbage;
        WakeList wake;
        {
            Lock lock(mutex());
            if (ended_) return;
            ended_ = true;
            if (code) {
                cause_ = failure(*code);
                cache_.release_all(cause_, garbage, wake);
                datagrams = datagrams_.release();
            } else {
                if (!final_) cause_ = make_error_code(Error::Dropped);
                cache_.track_ended();
            }
            requests_.settle_all(end_code(), wake);
            wake_readers(wake);
            wake.take(datagram_waits_);
            wake.take(end_waits_);
            wake.take(usage_waits_);
            wake.take(handler_waits_);
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

    struct Counts {
        std::size_t groups = 0, bytes = 0, datagrams = 0, subscribers = 0, pending = 0;
        std::uint64_t evicted_groups = 0, lagged_readers = 0;

        Counts &operator+=(const Counts &other) noexcept {
            groups += other.groups;
            bytes += other.bytes;
            datagrams += other.datagrams;
            subscribers += other.subscribers;
            pending += other.pending;
            evicted_groups += other.evicted_groups;
            lagged_readers += other.lagged_readers;
            return *this;
        }
    };
    Counts counts() const noexcept {
        Counts counts;
        Lock lock(mutex());
        for (const auto *groups : {&cache_.live(), &cache_.fetched()}) {
            for (const auto &[sequence, group] : *groups) {
                counts.groups += group->released() ? 0 : 1;
                counts.bytes += group->bytes();
            }
        }
        counts.datagrams = static_cast<std::size_t>(datagrams_.end() - datagrams_.first());
        counts.subscribers = subscriber_count_;
        counts.pending = requests_.size();
        counts.evicted_groups = shared_->evicted_groups;
        counts.lagged_readers = shared_->lagged_readers;
        return counts;
    }

    Atomic<std::size_t> producers{0};
    void last_producer_gone() noexcept { end(std::nullopt); }

    Atomic<std::size_t> handlers{0};
    void last_handler_gone() noexcept {
        WakeList wake;
        Lock lock(mutex());
        // A new one may have come since the count was zero.
        if (handlers.load(std::memory_order_relaxed) != 0) return;
        // Before the track is live, whoever answers for it may still bring another handler.
        if (live_) requests_.settle_queue(queue_, make_error_code(Error::NotFound), wake);
        wake.take(handler_waits_);
    }

private:
    void fix_info(const TrackInfo &info) noexcept {
        if (!std::exchange(info_fixed_, true)) shared_->info = info;
    }

    /// Why nobody can be asked for that group; false if somebody can.
    std::error_code no_fetch(std::uint64_t sequence) const noexcept {
        if (cause_) return cause_;
        if (sequence > max_sequence) return make_error_code(Error::BoundsExceeded);
        if (ended_ || (final_ && sequence >= *final_)) return make_error_code(Error::NotFound);
        if (live_ && handlers.load(std::memory_order_relaxed) == 0) return make_error_code(Error::NotFound);
        if (requests_.size() >= shared_->bounds->max_pending_requests) return make_error_code(Error::LimitReached);
        return {};
    }

    /// The next number, or the given one if it may be used.
    std::uint64_t free_number(std::optional<std::uint64_t> wanted) const {
        if (ended_) throw_error(end_code());
        const std::uint64_t sequence = wanted.value_or(next_sequence_);
        if (sequence > max_sequence) throw_error(make_error_code(Error::BoundsExceeded));
        if (final_ && sequence >= *final_) throw_error(make_error_code(Error::Closed));
        if (cache_.live().contains(sequence) || datagrams_.contains(sequence))
            throw_error(make_error_code(Error::Duplicate));
        return sequence;
    }

    /// A group that is not in the track yet: with the next number, or with the given one.
    std::shared_ptr<GroupState> make_group(std::optional<std::uint64_t> wanted) const {
        return std::make_shared<GroupState>(shared_, free_number(wanted), shared_->info.timescale);
    }

    void insert(const std::shared_ptr<GroupState> &group, MediaChange &change) {
        const std::uint64_t sequence = group->sequence();
        seen_.insert(sequence);
        cache_.add(group, change);
        next_sequence_ = std::max(next_sequence_, sequence + 1);
        if (const auto pending = requests_.find(sequence))
            requests_.settle(*pending, Outcome<std::shared_ptr<GroupState>>(std::in_place, group), change.wake);
        change.wake.take(group_waits_);
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
    bool info_fixed_ = false;
    bool live_ = false;
    bool ended_ = false;
    std::error_code cause_;
    std::optional<std::uint64_t> final_;
    std::uint64_t next_sequence_ = 0;
    SequenceSet seen_;
    GroupCache cache_{*shared_};
    DatagramQueue datagrams_;
    Requests requests_;
    Requests::Queue queue_;
    std::shared_ptr<TrackState> moved_to_;
    SubscriberPlace *subscribers_ = nullptr;
    std::size_t subscriber_count_ = 0;
    WaitList group_waits_;     // next_group and recv_group
    WaitList datagram_waits_;  // recv_datagram
    WaitList end_waits_;       // finished and closed
    WaitList usage_waits_;     // used, unused and subscription_changed
    WaitList handler_waits_;   // requested_group
    EndHooks hooks_;
};

}  // namespace comoq::detail
