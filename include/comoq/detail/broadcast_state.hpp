#pragma once
#include "end_hooks.hpp"
#include "failure.hpp"
#include "hash_index.hpp"
#include "media_bounds.hpp"
#include "request.hpp"
#include "request_table.hpp"
#include "subscriber_state.hpp"
#include "track_counts.hpp"
#include "track_state.hpp"
#include "../broadcast_info.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// A broadcast: its live tracks by name, and the table of those that were asked for and are not there yet.
///
/// Its lock may be held while a track's is taken, and never the other way round.
class BroadcastState : public std::enable_shared_from_this<BroadcastState> {
public:
    // A request keeps the track that it is for, made when it was opened: who subscribes while it is pending is counted
    // there, and misses nothing once it is accepted.
    using Requests = RequestTable<std::string, std::shared_ptr<TrackState>, std::shared_ptr<TrackState>>;
    using TrackRequester = Requester<BroadcastState, std::shared_ptr<TrackState>>;

    BroadcastState(BroadcastInfo info, std::shared_ptr<MediaBounds> bounds)
        : info_(std::move(info)), bounds_(std::move(bounds)) {}
    ~BroadcastState() {
        tracks_.for_each([](Listed &listed) { const auto last = std::move(listed.self); });
    }

    const BroadcastInfo &info() const noexcept { return info_; }
    Mutex &mutex() const noexcept { return mutex_; }
    Requests &requests() noexcept { return requests_; }
    bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    // What follows is called under the lock.

    std::error_code cause() const noexcept { return cause_; }
    bool ended_well() const noexcept { return ended_well_; }
    WaitList &closed_waits() noexcept { return closed_waits_; }
    WaitList &handler_waits() noexcept { return handler_waits_; }
    Requests::Queue &queue() noexcept { return queue_; }

    // What follows takes the lock.

    /// Where a name leads: to a live track, into a request, or to a refusal. `subscriber` is made if wishes were given.
    struct Resolution {
        /// The track that it leads to, which may have to go live yet.
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
        } else if (requests_.size() >= bounds_->max_pending_requests) {
            result.refusal = make_error_code(Error::LimitReached);
        } else {
            auto track = std::make_shared<TrackState>(std::string(name), bounds_);
            result.request.emplace(shared_from_this(), requests_.open(std::string(name), queue_, std::move(track)));
            wake.take(handler_waits_);
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

    /// A new live track, which is what a pending request for that name gets.
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

    /// A name that nobody uses, and a track of that name.
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
                // Somebody took the name meanwhile.
                if (error.code() != Error::Duplicate) throw;
            }
        }
    }

    /// Makes a live track of elsewhere a track of this broadcast.
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

    /// Takes a track off the list; those who have it go on.
    void remove_track(std::string_view name) noexcept {
        std::shared_ptr<Listed> removed;
        Lock lock(mutex_);
        Listed *found = listed(name);
        if (found == nullptr) return;
        removed = take_off(*found);
        lock.unlock();
        removed->track->remove_hook(*removed);
    }

    /// A handler's answer: the requested track goes live. Throws if something else has settled the request.
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

    /// Ends the broadcast. When this returns it is off every list that it was on.
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

    Atomic<std::size_t> handlers{0};
    void last_handler_gone() noexcept {
        WakeList wake;
        Lock lock(mutex_);
        // A new one may have come since the count was zero.
        if (handlers.load(std::memory_order_relaxed) != 0) return;
        const auto refusal = make_error_code(Error::NotFound);
        requests_.settle_queue(queue_, refusal, wake, [&](auto &entry) { entry.payload()->refuse(refusal, wake); });
        wake.take(handler_waits_);
    }

    struct Counts {
        std::size_t tracks = 0, pending = 0;
        TrackCounts media;  // of all tracks together; evictions and lags also of those that are gone
    };
    Counts counts() const {
        Counts counts;
        Lock lock(mutex_);
        counts.tracks = tracks_.size();
        counts.pending = requests_.size();
        counts.media = gone_;
        tracks_.for_each([&counts](const Listed &listed) { counts.media += listed.track->counts(); });
        return counts;
    }

private:
    using Outcome = detail::Outcome<std::shared_ptr<TrackState>>;

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
        gone_.evicted_groups += last.evicted_groups;
        gone_.lagged_readers += last.lagged_readers;
        return std::move(listed.self);
    }

    const BroadcastInfo info_;
    const std::shared_ptr<MediaBounds> bounds_;
    mutable Mutex mutex_;
    Atomic<bool> closed_{false};
    std::error_code cause_;
    bool ended_well_ = false;
    HashIndex<Listed> tracks_;
    TrackCounts gone_;
    Requests requests_;
    Requests::Queue queue_;
    WaitList handler_waits_;
    WaitList closed_waits_;
    EndHooks hooks_;
    std::size_t next_unique_ = 0;
};

}  // namespace comoq::detail
