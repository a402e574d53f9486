// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../wait/end_hooks.hpp"
#include "../wait/failure.hpp"
#include "group_cache.hpp"
#include "group_requests.hpp"
#include "group_state.hpp"
#include "live_edge.hpp"
#include "media_change.hpp"
#include "../request/request.hpp"
#include "subscriber_list.hpp"
#include "track_counts.hpp"
#include "track_datagrams.hpp"
#include "track_numbers.hpp"
#include "track_shared.hpp"
#include "../../group_info.hpp"
#include "../../location.hpp"
#include "../../subscription.hpp"

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

/// A track: requested, then live, then ended. Its lock is `shared()->mutex`, which its groups share.
class TrackState : public std::enable_shared_from_this<TrackState> {
public:
    using Requests = GroupRequests::Table;
    using GroupRequester = detail::GroupRequester<TrackState>;

    TrackState(std::string name, std::shared_ptr<MediaBounds> bounds)
        : name_(std::move(name)), shared_(std::make_shared<TrackShared>(std::move(bounds))) {}

    const std::string &name() const noexcept { return name_; }
    const std::shared_ptr<TrackShared> &shared() const noexcept { return shared_; }
    Mutex &mutex() const noexcept { return shared_->mutex; }
    MediaBounds &bounds() const noexcept { return *shared_->bounds; }

    /// Fixed once the track is live; a producer or a subscriber may then read it without the lock.
    const TrackInfo &info() const noexcept { return shared_->info; }

    // The following functions are called under the lock.

    bool ended() const noexcept { return ended_; }
    /// The reason of its end; false when it ended well.
    std::error_code cause() const noexcept { return cause_; }
    /// The code for calls that need a track that has not ended.
    std::error_code end_code() const noexcept { return cause_ ? cause_ : make_error_code(Error::Closed); }
    const TrackNumbers &numbers() const noexcept { return numbers_; }
    /// True when no group with a number from `sequence` on can come any more.
    bool over_from(std::uint64_t sequence) const noexcept { return ended_ || numbers_.over_from(sequence); }
    const GroupCache &cache() const noexcept { return cache_; }
    /// The datagrams that it keeps; null if it has never had one.
    const DatagramQueue *datagrams() const noexcept { return datagrams_ != nullptr ? &datagrams_->queue() : nullptr; }
    /// True when no datagram can come any more: no number below the declared end is left for one. If any had an object id
    /// above 0, a number can have many, and only the track's end is the end.
    bool datagrams_over() const noexcept { return ended_ || (!has_many_datagrams_ && numbers_.over_from(0)); }

    WaitList &end_waits() noexcept { return end_waits_; }
    WaitList &usage_waits() noexcept { return usage_waits_; }
    WaitList &datagram_waits() noexcept { return datagram_waits_; }
    WaitList &info_waits() noexcept { return info_waits_; }
    /// True if the publisher's description is fixed: since the track went live, or a group of it was served.
    bool info_fixed() const noexcept { return info_fixed_; }

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

    const SubscriberList &subscriber_list() const noexcept { return subscribers_; }
    bool is_live() const noexcept { return live_; }

    /// The groups or frames that subscribers may take have changed.
    void wake_readers(WakeList &wake) noexcept { shared_->wake_readers(wake); }

    /// Where a new subscriber begins: at the highest existing group, once that is known.
    std::uint64_t edge() const noexcept {
        if (edge_.is_lost()) return LiveEdge::unknown;
        const GroupState *last = cache_.live().last();
        return std::max({last != nullptr ? last->sequence() : 0, cache_.lanes().last().value_or(0), edge_.newest()});
    }
    bool knows_edge() const noexcept { return !edge_.is_lost(); }
    void change_wishes(SubscriberPlace &place, const Subscription &wishes) noexcept { subscribers_.change(place, wishes); }

    // The following functions take the lock.

    /// Goes live. Called once, before anybody can see it except its requesters. Requests for groups that have no
    /// handler are refused.
    void accept(const TrackInfo &info, WakeList &wake) noexcept {
        Lock lock(mutex());
        fix_info(info, wake);
        live_ = true;
        if (handlers.load(std::memory_order_relaxed) == 0)
            requests_.settle_queued(make_error_code(Error::NotFound), wake);
        wake.take(usage_waits_);
    }

    void subscribe(SubscriberPlace &place, WakeList &wake) noexcept {
        Lock lock(mutex());
        place.first = place.member.wishes().start.value_or(edge());
        place.next = place.first;
        place.waits_for_edge = !place.member.wishes().start && edge_.is_lost();
        place.cap = place.member.wishes().end;
        place.next_arrival = 0;
        place.next_datagram = datagrams_ != nullptr ? datagrams_->queue().end() : 0;
        subscribers_.add(place);
        wake.take(usage_waits_);
    }

    void unsubscribe(SubscriberPlace &place) noexcept;

    /// Hands the waiters of a track that never went live over to the track that took its name.
    void move_to(const std::shared_ptr<TrackState> &to, WakeList &wake) noexcept;

    /// Makes a new group: with the next number, or with the given one, which the track must not have had.
    std::shared_ptr<GroupState> create_group(std::optional<std::uint64_t> wanted, const GroupInfo &info = {}) {
        return add_group(wanted, false, info);
    }

    /// The same for a group that the track's source gives: the track may have had that number, if its group has gone.
    std::shared_ptr<GroupState> create_given_group(std::uint64_t sequence, const GroupInfo &info = {}) {
        return add_group(sequence, true, info);
    }

    /// Makes a group of one frame, written and finished before anybody sees it. Returns its number.
    std::uint64_t write_group(FrameSlot &&slot);

    /// Gives a datagram to the present subscribers: without any it is not kept. Without `wanted` it takes the next number,
    /// and has that of the slot otherwise. Returns its number.
    std::uint64_t add_datagram(bool wanted, DatagramSlot &&slot);

    /// The largest place of a frame or a datagram.
    std::optional<Location> largest() const noexcept {
        Lock lock(mutex());
        return cache_.largest();
    }
    /// The source has something there.
    void note_largest(const Location &place) noexcept {
        Lock lock(mutex());
        shared_->note_largest(place);
    }

    std::shared_ptr<GroupState> find_group(std::uint64_t sequence) {
        MediaChange change(bounds());
        Lock lock(mutex());
        cache_.expire(change);
        return cache_.find(sequence);
    }

    /// The lanes of a group, the lowest first.
    std::vector<std::shared_ptr<GroupState>> lanes_of(std::uint64_t sequence);

    /// Drops the groups and datagrams that have become too old.
    void expire() {
        const TimePoint now = bounds().now();
        if (!shared_->may_expire(now) && !shared_->datagrams_may_expire(now)) return;
        std::vector<DatagramSlot> old;
        MediaChange change(bounds(), now);
        Lock lock(mutex());
        cache_.expire(change);
        if (datagrams_ != nullptr) datagrams_->expire(change.now, old);
    }

    /// The result of asking for a group: the group, a request, or a refusal.
    struct Fetched {
        std::error_code refusal;
        std::shared_ptr<GroupState> group;
        std::optional<GroupRequester> request;
    };

    Fetched fetch(std::uint64_t sequence, const FetchWish &wish);

    /// Answers a request: returns the requested group, to be written. Throws if the request was settled otherwise.
    std::shared_ptr<GroupState> accept(Requests::Entry &entry, const TrackInfo &info, const GroupInfo &of_group);

    /// A requester with that wish does not wait any more.
    void leave_request(Requests::Entry &entry, const FetchWish &wish) noexcept {
        Outcome<std::shared_ptr<GroupState>> left;
        WakeList wake;
        Lock lock(mutex());
        left = requests_.leave(entry, wish, wake);
    }

    bool settle_request(Requests::Entry &entry, std::error_code code) noexcept {
        WakeList wake;
        Lock lock(mutex());
        return requests_.settle(entry, Outcome<std::shared_ptr<GroupState>>(code), wake);
    }

    /// The track will never go live: waiters for its groups are told. Fetched groups go on, and so do requests that
    /// were taken: they still get an answer of their own.
    void refuse(std::error_code code, WakeList &wake) noexcept;

    /// Applies a source's word on missing numbers: `change(numbers)`.
    template <class Change> void change_numbers(Change change) {
        WakeList wake;
        Lock lock(mutex());
        change(numbers_);
        wake_readers(wake);
        if (!numbers_.over_from(0)) return;
        wake.take(datagram_waits_);
        wake.take(end_waits_);
    }

    /// The source is not followed any more, so that its newest group is not known here: unless none is newer than those that
    /// are here, or none is here.
    void lose_edge() noexcept;
    /// The source is followed again, and has that group, or by 0 none that it has told of.
    void find_edge(std::uint64_t newest) noexcept;

    void set_source_start(std::uint64_t first, const TrackNumbers::Asked &asked) noexcept {
        Lock lock(mutex());
        numbers_.set_source_start(first, asked);
    }

    /// Declares the first sequence that will never come; without one, the number after the latest.
    void finish(std::optional<std::uint64_t> sequence) {
        WakeList wake;
        Lock lock(mutex());
        if (ended_ && !numbers_.final()) throw_error(end_code());
        numbers_.finish(sequence);
        if (is_newest_here()) find_edge(0, wake);
        requests_.settle_past_final(numbers_, wake);
        wake_readers(wake);
        wake.take(datagram_waits_);
        wake.take(end_waits_);
    }

    /// Ends the track. Without a code its producers end it, cleanly after `finish()`; the groups and their frames stay
    /// for their readers. With a code it is an abort, which takes the groups along.
    void end(std::optional<std::error_code> code) noexcept;

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

    /// The bytes of the newest group, if that stays whatever the pool says.
    std::size_t kept_bytes() const noexcept {
        const Lock lock(mutex());
        return cache_.kept_bytes();
    }
    /// From now on the pool may evict the group that is the newest one now.
    void let_newest_go() noexcept;

    /// How long groups and datagrams are kept may have changed.
    void bounds_changed() noexcept {
        Lock lock(mutex());
        cache_.note_oldest();
        if (datagrams_ != nullptr) datagrams_->note_oldest();
    }

    TrackCounts counts() const noexcept;

    Atomic<std::size_t> producers{0};
    void last_producer_gone() noexcept { end(std::nullopt); }
    Atomic<std::size_t> handlers{0};
    void last_handler_gone() noexcept;

private:
    void fix_info(const TrackInfo &info, WakeList &wake) noexcept {
        if (std::exchange(info_fixed_, true)) return;
        shared_->set_info(info);
        cache_.note_oldest();
        wake.take(info_waits_);
    }

    /// The reason why nobody can be asked for that group; false if somebody can.
    std::error_code no_fetch(std::uint64_t sequence) const noexcept {
        if (cause_) return cause_;
        if (sequence > TrackNumbers::highest) return make_error_code(Error::BoundsExceeded);
        if (ended_ || numbers_.past_final(sequence)) return make_error_code(Error::NotFound);
        if (live_ && handlers.load(std::memory_order_relaxed) == 0) return make_error_code(Error::NotFound);
        if (requests_.size() >= shared_->bounds->in_force().max_pending_requests) return make_error_code(Error::LimitReached);
        return {};
    }

    /// The next number, or the given one if it may be used.
    std::uint64_t open_number(std::optional<std::uint64_t> wanted) const {
        if (ended_) throw_error(end_code());
        return numbers_.choose(wanted);
    }

    /// A new group. With `may_return` the track may have had the given number, if its group has gone.
    std::shared_ptr<GroupState> add_group(std::optional<std::uint64_t> wanted, bool may_return, const GroupInfo &info) {
        MediaChange change(bounds());
        Lock lock(mutex());
        auto group = make_group(wanted, info);
        // A number that has lanes can have more of them.
        const bool is_first = info.subgroup == 0 && !cache_.lanes().has(group->sequence());
        if (is_first && wanted && !may_return && numbers_.has_used(*wanted)) throw_error(make_error_code(Error::Duplicate));
        insert(group, change);
        return group;
    }

    /// A group that is not in the track yet: with the next number, or with the given one.
    std::shared_ptr<GroupState> make_group(std::optional<std::uint64_t> wanted, const GroupInfo &info = {}) const {
        const std::uint64_t sequence = open_number(wanted);
        if (info.subgroup != 0) cache_.lanes().throw_unless_new({sequence, info.subgroup});
        // A datagram is an object of its group, and the first one if it has no other id.
        const bool is_there = info.first_object == 0 && had_datagram({sequence, 0});
        if (is_there || (info.subgroup == 0 && cache_.live().contains(sequence))) throw_error(make_error_code(Error::Duplicate));
        return std::make_shared<GroupState>(shared_, sequence, shared_->info.timescale, true, info);
    }

    void insert(const std::shared_ptr<GroupState> &group, MediaChange &change) {
        numbers_.reserve();
        cache_.add(group, change);
        const bool is_newest = !numbers_.latest() || group->sequence() > *numbers_.latest();
        use_number(group->sequence(), change.wake);
        // Older ones may be for others: they do not tell where the track is.
        if (is_newest && edge_.is_lost()) find_edge(0, change.wake);
        if (!group->is_partial() && group->subgroup() == 0) requests_.came(group, change.wake);
        shared_->group_waits.wake_for(group->sequence(), change.wake);
        shared_->frame_waits.wake_for(group->sequence(), change.wake);
        // Readers that wait for a frame of the next group that may get one get this one first.
        if (GroupState *after = cache_.live().from_with_frames(group->sequence() + 1)) after->followers().wake_all(change.wake);
    }

    void find_edge(std::uint64_t newest, WakeList &wake) noexcept;
    bool is_newest_here() const noexcept { return numbers_.latest() && over_from(*numbers_.latest() + 1); }

    /// A number comes into use, for which memory was reserved.
    void use_number(std::uint64_t sequence, WakeList &wake) noexcept {
        // The source is asked for a start only when that is reached.
        const auto start = subscribers_.lowest_start();
        if (start && *start <= sequence && *start > numbers_.latest().value_or(0)) wake.take(usage_waits_);
        numbers_.use(sequence);
        // It may be the last number for which a reader has waited, though earlier ones are missing.
        if (numbers_.final() || numbers_.keeps_order()) wake_readers(wake);
        // After the last number below a declared end, nothing can come.
        if (!numbers_.over_from(0)) return;
        wake.take(datagram_waits_);
        wake.take(end_waits_);
    }

    bool had_datagram(const Location &place) const noexcept { return datagrams_ != nullptr && datagrams_->queue().has_used(place); }
    /// Takes all of them out, for the caller to free after unlocking.
    [[nodiscard]] std::vector<DatagramSlot> release_datagrams() noexcept {
        return datagrams_ != nullptr ? datagrams_->release() : std::vector<DatagramSlot>();
    }

    const std::string name_;
    const std::shared_ptr<TrackShared> shared_;
    bool info_fixed_ = false;
    bool live_ = false;
    bool ended_ = false;
    bool has_many_datagrams_ = false;  // of a number
    std::error_code cause_;
    TrackNumbers numbers_;
    LiveEdge edge_;
    GroupCache cache_{*shared_};
    std::shared_ptr<TrackDatagrams> datagrams_;  // null until the first one
    GroupRequests requests_;
    std::shared_ptr<TrackState> moved_to_;
    SubscriberList subscribers_;
    WaitList datagram_waits_;  // recv_datagram
    WaitList end_waits_;       // finished and closed
    WaitList info_waits_;      // info, of a requested track
    WaitList usage_waits_;     // used, unused and subscription_changed
    EndHooks hooks_;
};

}  // namespace comoq::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/media/track_state.ipp"
#endif
