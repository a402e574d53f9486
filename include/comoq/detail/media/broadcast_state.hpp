// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/end_hooks.hpp"
#include "../wait/failure.hpp"
#include "../containers/hash_index.hpp"
#include "broadcast_route.hpp"
#include "media_bounds.hpp"
#include "../wait/share.hpp"
#include "../request/request.hpp"
#include "../request/request_table.hpp"
#include "subscriber_state.hpp"
#include "track_counts.hpp"
#include "track_state.hpp"
#include "../../broadcast_info.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// A broadcast: its live tracks by name, and the table of the requested tracks that are not there yet.
///
/// Its lock may be held while a track's is taken, and never the other way round.
class BroadcastState : public std::enable_shared_from_this<BroadcastState> {
public:
    // A request keeps its track from its opening: a subscriber of a pending one is counted there, and misses nothing.
    using Requests = RequestTable<std::string, std::shared_ptr<TrackState>, std::shared_ptr<TrackState>>;
    using TrackRequester = Requester<BroadcastState, std::shared_ptr<TrackState>>;

    // First, behind the count of shared pointers: every look-up of the broadcast touches this, and the route.
    Atomic<std::size_t> consumers{0};  // consumers of the broadcast, and of its tracks by name

private:
    Atomic<bool> closed_{false};
    Atomic<bool> interest_is_watched_{false};
    bool ended_well_ = false;
    BroadcastRoute route_;
    const BroadcastInfo first_info_;

public:
    BroadcastState(BroadcastInfo info, std::shared_ptr<MediaBounds> bounds)
        : first_info_(std::move(info)), bounds_(std::move(bounds)) {}
    ~BroadcastState() {
        tracks_.for_each([](Listed &listed) { const auto last = std::move(listed.self); });
    }

    /// As it was made.
    const BroadcastInfo &first_info() const noexcept { return first_info_; }
    /// As it is now.
    std::shared_ptr<const BroadcastInfo> info() const noexcept {
        auto changed = route_.changed_info().info();
        return changed != nullptr ? changed : std::shared_ptr<const BroadcastInfo>(shared_from_this(), &first_info_);
    }
    /// Calls `look` with it, and returns the result.
    template <class Look> auto with_info(Look look) const {
        const HeldInfo changed = route_.changed_info();
        return look(changed ? *changed : first_info_);
    }
    BroadcastRoute &route() noexcept { return route_; }
    static std::string subject_of(const std::string &track) { return About{"track", track}.text(); }
    Mutex &mutex() const noexcept { return mutex_; }
    Requests &requests() noexcept { return requests_; }
    bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    // The following functions are called under the lock.

    std::error_code cause() const noexcept { return cause_; }
    bool ended_well() const noexcept { return ended_well_; }
    WaitList &closed_waits() noexcept { return closed_waits_; }
    WaitList &handler_waits() noexcept { return handler_waits_; }
    Requests::Queue &queue() noexcept { return queue_; }

    // The following functions take the lock.

    /// The result of a look-up by name: a live track, a request, or a refusal. `subscriber` is made if wishes were
    /// given.
    struct Resolution {
        /// The resulting track, which may have to go live yet.
        const std::shared_ptr<TrackState> &any_track() const noexcept {
            return request ? request->entry().payload() : track;
        }

        std::error_code refusal;
        std::shared_ptr<TrackState> track;
        std::optional<TrackRequester> request;
        std::shared_ptr<SubscriberState> subscriber;
    };

    Resolution resolve(std::string_view name, const Subscription *wishes) {
        Resolution result;
        WakeList wake;
        Lock lock(mutex_);
        if (const Listed *live = listed(name)) {
            result.track = live->track;
        } else if (auto pending = requests_.find(name)) {
            requests_.join(*pending);
            result.request.emplace(shared_from_this(), std::move(pending));
        } else if (closed()) {
            result.refusal = cause_;
        } else if (handlers.load(std::memory_order_relaxed) == 0) {
            result.refusal = make_error_code(Error::NotFound);
        } else if (requests_.size() >= bounds_->in_force().max_pending_requests) {
            result.refusal = make_error_code(Error::LimitReached);
        } else {
            auto track = std::make_shared<TrackState>(std::string(name), bounds_);
            result.request.emplace(shared_from_this(), requests_.open(std::string(name), queue_, std::move(track)));
            wake.take_one(handler_waits_);
        }
        if (wishes != nullptr && !result.refusal)
            result.subscriber = std::make_shared<SubscriberState>(result.any_track(), *wishes, wake);
        return result;
    }

    std::shared_ptr<TrackState> find_track(std::string_view name) const {
        Lock lock(mutex_);
        const Listed *live = listed(name);
        return live != nullptr ? live->track : nullptr;
    }

    /// A new live track, which also answers a pending request for that name.
    std::shared_ptr<TrackState> create_track(std::string_view name, const TrackInfo &info) {
        WakeList wake;
        Lock lock(mutex_);
        throw_if_taken(name);
        auto pending = requests_.find(name);
        auto track = pending != nullptr ? pending->payload() : std::make_shared<TrackState>(std::string(name), bounds_);
        add(track);
        track->accept(info, wake);
        if (pending != nullptr) requests_.settle(*pending, Outcome(std::in_place, track), wake);
        return track;
    }

    /// An unused name, and a track of that name.
    std::shared_ptr<TrackState> unique_track(std::string_view suffix, const TrackInfo &info) {
        for (;;) {
            std::string name;
            {
                Lock lock(mutex_);
                do {
                    name = std::to_string(next_unique_++).append(suffix);
                } while (listed(name) != nullptr || requests_.find(name) != nullptr);
            }
            try {
                return create_track(name, info);
            } catch (const std::system_error &error) {
                // Another caller took the name meanwhile.
                if (error.code() != Error::Duplicate) throw;
            }
        }
    }

    /// Makes another broadcast's live track a track of this one.
    void insert_track(std::shared_ptr<TrackState> track) {
        WakeList wake;
        Lock lock(mutex_);
        throw_if_taken(track->name());
        add(track);
        if (auto pending = requests_.find(track->name())) {
            pending->payload()->move_to(track, wake);
            requests_.settle(*pending, Outcome(std::in_place, track), wake);
        }
    }

    /// Takes a track off the list; its holders go on.
    void remove_track(std::string_view name) noexcept {
        std::shared_ptr<Listed> removed;
        Lock lock(mutex_);
        Listed *found = listed(name);
        if (found == nullptr) return;
        removed = take_off(*found);
        lock.unlock();
        removed->track->remove_hook(*removed);
    }

    /// Takes a track off the list unless it has a subscriber: false then. Later look-ups of the name do not find it, so
    /// that nobody subscribes to a track that its source is about to give up.
    bool retire_track(const std::shared_ptr<TrackState> &track) noexcept {
        std::shared_ptr<Listed> removed;
        Lock lock(mutex_);
        {
            Lock of_track(track->mutex());
            if (track->subscribers() != 0) return false;
        }
        Listed *found = listed(track->name());
        if (found == nullptr || found->track != track) return true;
        removed = take_off(*found);
        lock.unlock();
        track->remove_hook(*removed);
        return true;
    }

    /// Answers a request: the requested track goes live. Throws if the request was settled otherwise.
    std::shared_ptr<TrackState> accept(Requests::Entry &entry, const TrackInfo &info) {
        WakeList wake;
        Lock lock(mutex_);
        if (entry.settled()) throw_error(entry.outcome().ec ? entry.outcome().ec : make_error_code(Error::Duplicate));
        const auto &track = entry.payload();
        if (listed(track->name()) != nullptr) throw_error(make_error_code(Error::Duplicate));
        add(track);
        track->accept(info, wake);
        requests_.settle(entry, Outcome(std::in_place, track), wake);
        return track;
    }

    bool settle_request(Requests::Entry &entry, std::error_code code) noexcept {
        WakeList wake;
        Lock lock(mutex_);
        if (!requests_.settle(entry, Outcome(code), wake)) return false;
        entry.payload()->refuse(code, wake);
        return true;
    }

    /// The broadcast was announced or served at an origin with these bounds. The first ones cover a broadcast that
    /// stood alone, with all its tracks, from then on.
    void join(const std::shared_ptr<MediaBounds> &bounds) {
        ResumeScope scope;
        if (!bounds_->join(bounds)) return;
        {
            Lock lock(mutex_);
            tracks_.for_each([](const Listed &listed) { listed.track->bounds_changed(); });
        }
        bounds->trim();
    }

    /// Ends the broadcast. On return it is off every list that it was on.
    void close(std::error_code cause, bool well = false) noexcept {
        EndHooks::Taken hooks;
        WakeList wake;
        {
            Lock lock(mutex_);
            if (closed()) return;
            closed_.store(true, std::memory_order_release);
            cause_ = cause;
            ended_well_ = well;
            requests_.settle_all(cause, wake, [&](auto &entry) { entry.payload()->refuse(cause, wake); });
            wake.take(closed_waits_);
            wake.take(usage_waits_);
            wake.take(handler_waits_);
            hooks = hooks_.take();
        }
        hooks.call();
    }

    /// Adds a hook for the end; false if it has ended.
    bool add_hook(std::shared_ptr<EndHook> hook) noexcept {
        Lock lock(mutex_);
        if (closed()) return false;
        hooks_.add(std::move(hook));
        return true;
    }
    void remove_hook(EndHook &hook) noexcept {
        std::shared_ptr<EndHook> removed;
        Lock lock(mutex_);
        removed = hooks_.remove(hook);
    }

    Atomic<std::size_t> holders{0};  // producers and handlers
    void last_holder_gone() noexcept { close(make_error_code(Error::Dropped)); }

    /// Costs a lock if anybody has ever asked for it, and nothing otherwise: most broadcasts are looked up all the time.
    /// A caller that asks sets the flag before it looks at the count; one that changes the count looks at the flag later.
    void interest_changed() noexcept {
        if (interest_is_watched_.load()) wake_interested();
    }
    void watch_interest() noexcept { interest_is_watched_.store(true); }
    WaitList &usage_waits() noexcept { return usage_waits_; }

    Atomic<std::size_t> handlers{0};
    void last_handler_gone() noexcept {
        WakeList wake;
        Lock lock(mutex_);
        // A new handler may have come since the count was zero.
        if (handlers.load(std::memory_order_relaxed) != 0) return;
        const auto refusal = make_error_code(Error::NotFound);
        requests_.settle_queue(queue_, refusal, wake, [&](auto &entry) { entry.payload()->refuse(refusal, wake); });
        wake.take(handler_waits_);
    }

    struct Counts {
        std::size_t tracks = 0, pending = 0;
        TrackCounts media;  // of all tracks; evictions and lags also of those that are gone
    };
    /// True if it has live tracks, or requests for some.
    bool has_tracks() const noexcept {
        Lock lock(mutex_);
        return tracks_.size() != 0 || requests_.size() != 0;
    }
    Counts counts() const {
        Counts counts;
        Lock lock(mutex_);
        counts.tracks = tracks_.size();
        counts.pending = requests_.size();
        counts.media.evicted_groups = gone_evicted_groups_;
        counts.media.lagged_readers = gone_lagged_readers_;
        tracks_.for_each([&counts](const Listed &listed) { counts.media += listed.track->counts(); });
        return counts;
    }

private:
    using Outcome = detail::Outcome<std::shared_ptr<TrackState>>;

    COMOQ_SELDOM void wake_interested() noexcept {
        WakeList wake;
        Lock lock(mutex_);
        wake.take(usage_waits_);
    }

    /// A track on this broadcast's list, until the track ends.
    class Listed final : public EndHook, public HashLink<Listed> {
    public:
        Listed(std::weak_ptr<BroadcastState> broadcast, std::shared_ptr<TrackState> listed) noexcept
            : HashLink<Listed>(Requests::hash_of(listed->name())),
              track(std::move(listed)),
              broadcast_(std::move(broadcast)) {}
        void ended() noexcept override {
            if (auto broadcast = broadcast_.lock()) broadcast->forget(*this);
        }
        const std::shared_ptr<TrackState> track;
        std::shared_ptr<Listed> self;  // while it is on the list, guarded by the broadcast's lock

    private:
        const std::weak_ptr<BroadcastState> broadcast_;
    };

    Listed *listed(std::string_view name) const noexcept {
        return tracks_.find(Requests::hash_of(name), [name](const Listed &one) { return one.track->name() == name; });
    }

    void throw_if_taken(std::string_view name) const {
        if (closed()) throw_error(cause_);
        if (listed(name) != nullptr) throw_error(make_error_code(Error::Duplicate));
    }

    /// Its name must be free.
    void add(const std::shared_ptr<TrackState> &track) {
        const auto added = std::make_shared<Listed>(weak_from_this(), track);
        if (!track->add_hook(added)) throw_error(track->end_code());
        added->self = added;
        tracks_.insert(*added);
    }

    void forget(Listed &listed) noexcept {
        std::shared_ptr<Listed> removed;
        Lock lock(mutex_);
        if (listed.self != nullptr) removed = take_off(listed);
    }

    std::shared_ptr<Listed> take_off(Listed &listed) noexcept {
        tracks_.erase(listed);
        const auto last = listed.track->counts();
        gone_evicted_groups_ += last.evicted_groups;
        gone_lagged_readers_ += last.lagged_readers;
        return std::move(listed.self);
    }

    const std::shared_ptr<MediaBounds> bounds_;
    mutable Mutex mutex_;
    std::error_code cause_;
    HashIndex<Listed> tracks_;
    std::uint64_t gone_evicted_groups_ = 0, gone_lagged_readers_ = 0;  // of tracks that are not on the list any more
    Requests requests_;
    Requests::Queue queue_;
    WaitList handler_waits_;
    WaitList closed_waits_;
    WaitList usage_waits_;  // used and unused
    EndHooks hooks_;
    std::size_t next_unique_ = 0;
};

/// A share in having a broadcast: its readers' handles contain one.
using BroadcastInterest = Share<BroadcastState, &BroadcastState::consumers, &BroadcastState::interest_changed,
                                &BroadcastState::interest_changed>;

/// Completes while the broadcast has a reader (Wanted), or has only its producers and handlers.
template <bool Wanted> class BroadcastUsedRule {
public:
    using value_type = void;
    explicit BroadcastUsedRule(std::shared_ptr<BroadcastState> broadcast) noexcept : broadcast_(std::move(broadcast)) {
        broadcast_->watch_interest();
    }

    Mutex &mutex() const noexcept { return broadcast_->mutex(); }
    WaitList &waits() const noexcept { return broadcast_->usage_waits(); }
    bool available() const noexcept {
        return broadcast_->closed() || (broadcast_->consumers.load() != 0) == Wanted;
    }
    Outcome<void> take() { return broadcast_->closed() ? Outcome<void>(broadcast_->cause()) : Outcome<void>(); }

private:
    std::shared_ptr<BroadcastState> broadcast_;
};

}  // namespace comoq::detail
