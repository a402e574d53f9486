#pragma once
#include "datagram_queue.hpp"
#include "end_hooks.hpp"
#include "failure.hpp"
#include "group_cache.hpp"
#include "group_requests.hpp"
#include "group_state.hpp"
#include "media_change.hpp"
#include "request.hpp"
#include "subscriber_list.hpp"
#include "track_counts.hpp"
#include "track_numbers.hpp"
#include "track_shared.hpp"
#include "../subscription.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// A track: asked for, then live, then ended. Its lock is `shared()->mutex`, which its groups share.
class TrackState : public std::enable_shared_from_this<TrackState> {
public:
    using Requests = GroupRequests::Table;
    using GroupRequester = Requester<TrackState, std::shared_ptr<GroupState>>;

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
    const TrackNumbers &numbers() const noexcept { return numbers_; }
    /// True when no group with a number from `sequence` on can come any more.
    bool over_from(std::uint64_t sequence) const noexcept { return ended_ || numbers_.over_from(sequence); }
    const GroupCache &cache() const noexcept { return cache_; }
    const DatagramQueue &datagrams() const noexcept { return datagrams_; }
    /// True when no datagram can come any more: each takes the number after the latest.
    bool datagrams_over() const noexcept { return ended_ || numbers_.final(); }

    WaitList &group_waits() noexcept { return shared_->group_waits; }
    WaitList &datagram_waits() noexcept { return datagram_waits_; }
    WaitList &end_waits() noexcept { return end_waits_; }
    WaitList &usage_waits() noexcept { return usage_waits_; }

    std::size_t subscribers() const noexcept { return subscribers_.size(); }

    GroupRequests &group_requests() noexcept { return requests_; }
    Requests &requests() noexcept { return requests_.table(); }
    /// The track that took the place of this one, which never went live.
    const std::shared_ptr<TrackState> &moved_to() const noexcept { return moved_to_; }

    std::optional<Subscription> combined() const {
        auto all = subscribers_.combined();
        // Nobody can ask for more than the publisher keeps.
        if (all && live_) all->max_latency = std::min(all->max_latency, shared_->info.max_latency);
        return all;
    }

    /// What subscribers may take has changed.
    void wake_readers(WakeList &wake) noexcept {
        wake.take(shared_->group_waits);
        wake.take(shared_->first_frame_waits);
    }

    // What follows takes the lock.

    /// What a relay asks of its source: as `combined`, but a start that has not been reached yet must not keep from the
    /// others what they want now.
    std::optional<Subscription> combined_for_source() const {
        Lock lock(mutex());
        auto all = combined();
        if (all && all->start && subscribers_.follows_edge() && *all->start > numbers_.latest().value_or(0)) all->start.reset();
        return all;
    }

    /// Goes live. Called once, before anybody can know of it but those who asked for it. Who asked to fetch a group that
    /// no handler is there for is refused.
    void accept(const TrackInfo &info, WakeList &wake) noexcept {
        Lock lock(mutex());
        fix_info(info);
        live_ = true;
        if (handlers.load(std::memory_order_relaxed) == 0)
            requests_.settle_queued(make_error_code(Error::NotFound), wake);
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
        subscribers_.add(place);
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
        subscribers_.remove(place);
        wake.take(usage_waits_);
    }

    /// Hands those who wait for a track that never went live to the one that took its name.
    void move_to(const std::shared_ptr<TrackState> &to, WakeList &wake) noexcept {
        // The only place with the locks of two tracks. A track that is not live is in nobody's hands but those of its
        // request, so no other path can take them the other way round.
        Lock lock(mutex());
        while (SubscriberPlace *place = subscribers_.front()) {
            subscribers_.remove(*place);
            place->moved_to = to;
            to->subscribe(*place, wake);
        }
        moved_to_ = to;
        requests_.wake_all(wake);
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
        MediaChange change(bounds());
        Lock lock(mutex());
        cache_.expire(change);
        const std::uint64_t sequence = free_number(wanted);
        numbers_.reserve();
        dropped = datagrams_.add(DatagramSlot{sequence, timestamp, std::move(payload)});
        numbers_.use(sequence);
        change.wake.take(datagram_waits_);
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
        std::optional<GroupRequester> request;
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
            return {{}, std::move(group), {}};
        }
        if (auto pending = requests_.join(sequence, priority))
            return {{}, nullptr, GroupRequester(shared_from_this(), std::move(pending))};
        if (const auto refusal = no_fetch(sequence)) {
            // What is left of a group that failed is better than nothing.
            if (group != nullptr && !group->released()) return {{}, std::move(group), {}};
            return {refusal, nullptr, {}};
        }
        return {{}, nullptr, GroupRequester(shared_from_this(), requests_.open(sequence, priority, change.wake))};
    }

    /// A handler's answer: the group that was asked for, to be written. Throws if something else has settled the request.
    std::shared_ptr<GroupState> accept(Requests::Entry &entry, const TrackInfo &info) {
        MediaChange change(bounds());
        Lock lock(mutex());
        if (entry.settled()) throw_error(entry.outcome().ec ? entry.outcome().ec : make_error_code(Error::Duplicate));
        const auto timescale = info_fixed_ ? shared_->info.timescale : info.timescale;
        auto group = std::make_shared<GroupState>(shared_, entry.key(), timescale, false);
        cache_.add(group, change);
        fix_info(info);
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
        requests_.settle_queued(code, wake);
        wake.take(requests_.handler_waits());
    }

    /// Declares the first sequence that will never come; without one, the number after the latest.
    void finish(std::optional<std::uint64_t> sequence) {
        WakeList wake;
        Lock lock(mutex());
        if (ended_ && !numbers_.final()) throw_error(end_code());
        numbers_.finish(sequence);
        requests_.settle_past_final(numbers_, wake);
        wake_readers(wake);
        wake.take(datagram_waits_);
        wake.take(end_waits_);
    }

    /// Ends the track. Without a code it is its producers' end, clean after `finish()`; groups and what they hold stay
    /// for their readers. With one it is an abort, which takes the groups along.
    void end(std::optional<std::error_code> code) noexcept {
        EndHooks::Taken hooks;
        std::vector<DatagramSlot> datagrams;
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
                if (!numbers_.final()) cause_ = make_error_code(Error::Dropped);
                cache_.track_ended();
            }
            requests_.settle_all(end_code(), wake);
            wake_readers(wake);
            wake.take(datagram_waits_);
            wake.take(end_waits_);
            wake.take(usage_waits_);
            wake.take(requests_.handler_waits());
            hooks = hooks_.take();
        }
        hooks.call();
        // What was the newest group may go now.
        bounds().trim();
    }

    /// Adds a hook for the track's end; false if it has ended.
    bool add_hook(std::shared_ptr<EndHook> hook) noexcept {
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

    TrackCounts counts() const noexcept {
        TrackCounts counts;
        Lock lock(mutex());
        cache_.count(counts);
        counts.datagrams = datagrams_.size();
        counts.subscribers = subscribers_.size();
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
        if (live_) requests_.settle_queued(make_error_code(Error::NotFound), wake);
        wake.take(requests_.handler_waits());
    }

private:
    void fix_info(const TrackInfo &info) noexcept {
        if (!std::exchange(info_fixed_, true)) shared_->info = info;
    }

    /// Why nobody can be asked for that group; false if somebody can.
    std::error_code no_fetch(std::uint64_t sequence) const noexcept {
        if (cause_) return cause_;
        if (sequence > TrackNumbers::highest) return make_error_code(Error::BoundsExceeded);
        if (ended_ || numbers_.past_final(sequence)) return make_error_code(Error::NotFound);
        if (live_ && handlers.load(std::memory_order_relaxed) == 0) return make_error_code(Error::NotFound);
        if (requests_.size() >= shared_->bounds->max_pending_requests) return make_error_code(Error::LimitReached);
        return {};
    }

    /// The next number, or the given one if it may be used.
    std::uint64_t free_number(std::optional<std::uint64_t> wanted) const {
        if (ended_) throw_error(end_code());
        const std::uint64_t sequence = numbers_.choose(wanted);
        if (cache_.live().contains(sequence) || datagrams_.contains(sequence))
            throw_error(make_error_code(Error::Duplicate));
        return sequence;
    }

    /// A group that is not in the track yet: with the next number, or with the given one.
    std::shared_ptr<GroupState> make_group(std::optional<std::uint64_t> wanted) const {
        return std::make_shared<GroupState>(shared_, free_number(wanted), shared_->info.timescale);
    }

    void insert(const std::shared_ptr<GroupState> &group, MediaChange &change) {
        numbers_.reserve();
        cache_.add(group, change);
        numbers_.use(group->sequence());
        requests_.came(group, change.wake);
        change.wake.take(shared_->group_waits);
    }

    const std::string name_;
    const std::shared_ptr<TrackShared> shared_;
    bool info_fixed_ = false;
    bool live_ = false;
    bool ended_ = false;
    std::error_code cause_;
    TrackNumbers numbers_;
    GroupCache cache_{*shared_};
    DatagramQueue datagrams_;
    GroupRequests requests_;
    std::shared_ptr<TrackState> moved_to_;
    SubscriberList subscribers_;
    WaitList datagram_waits_;  // recv_datagram
    WaitList end_waits_;       // finished and closed
    WaitList usage_waits_;     // used, unused and subscription_changed
    EndHooks hooks_;
};

}  // namespace comoq::detail
