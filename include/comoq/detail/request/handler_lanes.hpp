// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"
#include "../text/path_text.hpp"
#include "../wait/sync.hpp"
#include "../wait/waiter.hpp"
#include "../../error.hpp"
#include "../../path.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::detail {

template <class Requests> struct HandlerLane;

/// The lanes' view of a handler: the prefixes that it covers, and the waiters for its next request.
template <class Requests> class LaneHandler : public ListNode<LaneHandler<Requests>> {
public:
    explicit LaneHandler(std::vector<Path> covered) : prefixes(std::move(covered)), places_(prefixes.size()) {
        for (Place &place : places_) place.handler = this;
    }

    const std::vector<Path> prefixes;
    WaitList waits;
    Atomic<std::size_t> copies{0};

private:
    template <class> friend class HandlerLanes;
    friend struct HandlerLane<Requests>;

    /// The handler in the lane of one of its prefixes.
    struct Place : ListNode<Place> {
        LaneHandler *handler = nullptr;
        HandlerLane<Requests> *lane = nullptr;
        bool idle = false;
    };

    std::vector<Place> places_;  // as the prefixes; never resized
    bool serves_ = false;
};

/// Requests that wait for a handler of one prefix.
template <class Requests> struct HandlerLane {
    using Handler = LaneHandler<Requests>;

    typename Requests::Queue queue;
    std::size_t handlers = 0;
    // Contains every handler with a waiter, and some without one any more: those are removed on the way.
    IntrusiveList<typename Handler::Place> idle;

    /// Wakes one waiter. The handlers take turns.
    void wake_one(WakeList &wake) noexcept {
        while (auto *place = idle.front()) {
            idle.remove(*place);
            place->idle = false;
            WaitList &waits = place->handler->waits;
            if (waits.empty()) continue;
            wake.take_one(waits);
            if (!waits.empty()) add_idle(*place);
            return;
        }
    }
    void add_idle(typename Handler::Place &place) noexcept {
        if (std::exchange(place.idle, true)) return;
        idle.push_back(place);
    }
    void remove_idle(typename Handler::Place &place) noexcept {
        if (std::exchange(place.idle, false)) idle.remove(place);
    }
};

/// Which handler a queued request is for. Each prefix that a handler covers has a lane. A request waits in the lane
/// with the longest prefix of its path, so that the most specific handlers find their requests in front of them. When
/// lanes come and go, requests move between them and keep their order. A request wakes one handler, however many there
/// are. Guarded by the origin's lock.
template <class Requests> class HandlerLanes {
public:
    using Queue = typename Requests::Queue;
    using Handler = LaneHandler<Requests>;
    using Lane = HandlerLane<Requests>;

    bool empty() const noexcept { return lanes_.empty(); }

    /// The lane that serves a path, or null if no handler covers it.
    Lane *lane_of(std::string_view path) noexcept { return lane_from(path); }
    /// The same; its prefix is left of `path` then.
    Lane *lane_from(std::string_view &path) noexcept {
        if (lanes_.empty()) return nullptr;
        for (;;) {
            if (auto found = lanes_.find(path); found != lanes_.end()) return &found->second;
            if (path.empty()) return nullptr;
            path = parent(path);
        }
    }

    /// A new handler takes over queued requests for which it is more specific than the present handlers.
    void add(Handler &handler) {
        std::size_t joined = 0;
        try {
            for (const Path &prefix : handler.prefixes) {
                join(prefix.view(), handler.places_[joined]);
                ++joined;
            }
        } catch (...) {
            // Undoing restores everything: lanes merge by age.
            WakeList nobody;
            while (joined > 0) leave(handler, --joined, nobody, nullptr);
            throw;
        }
        handler.serves_ = true;
        handlers_.push_back(handler);
    }

    /// A handler goes: queued requests that no other handler covers are settled with NotFound, the rest passes on.
    void remove(Handler &handler, Requests &requests, WakeList &wake) noexcept {
        if (!std::exchange(handler.serves_, false)) return;
        handlers_.remove(handler);
        wake.take(handler.waits);
        for (std::size_t i = 0; i < handler.places_.size(); ++i) leave(handler, i, wake, &requests);
    }

    /// The handler has a waiter.
    void waiting(Handler &handler) noexcept {
        for (auto &place : handler.places_)
            if (place.lane != nullptr) place.lane->add_idle(place);
    }

    /// For each of the handler's lanes with a request left, wakes one waiter.
    void pass_on(Handler &handler, WakeList &wake) noexcept {
        for (auto &place : handler.places_)
            if (place.lane != nullptr && !place.lane->queue.empty()) place.lane->wake_one(wake);
    }

    /// The queue whose oldest request is the oldest that the handler may take, or null.
    Queue *oldest_for(const Handler &handler) const noexcept {
        Queue *oldest = nullptr;
        for (const auto &place : handler.places_) {
            if (place.lane == nullptr || place.lane->queue.empty()) continue;
            Queue &queue = place.lane->queue;
            if (oldest == nullptr || queue.oldest() < oldest->oldest()) oldest = &queue;
        }
        return oldest;
    }

    /// The number of copies of all handlers.
    std::size_t copies() const noexcept {
        std::size_t sum = 0;
        for (Handler *handler = handlers_.front(); handler != nullptr; handler = handlers_.after(*handler))
            sum += handler->copies.load(std::memory_order_relaxed);
        return sum;
    }

    /// Wakes every handler's waiters after a change.
    void wake_all(WakeList &wake) noexcept {
        for (Handler *handler = handlers_.front(); handler != nullptr; handler = handlers_.after(*handler))
            wake.take(handler->waits);
    }

private:
    void join(std::string_view prefix, typename Handler::Place &place) {
        auto found = lanes_.find(prefix);
        if (found == lanes_.end()) {
            Lane *wider = lane_of(prefix);
            found = lanes_.try_emplace(std::string(prefix)).first;
            if (wider != nullptr)
                wider->queue.move_if(found->second.queue, [&](std::string_view path) { return has_prefix(path, prefix); });
        }
        place.lane = &found->second;
        ++place.lane->handlers;
    }

    void leave(Handler &handler, std::size_t place_index, WakeList &wake, Requests *requests) noexcept {
        auto &place = handler.places_[place_index];
        Lane &left = *std::exchange(place.lane, nullptr);
        left.remove_idle(place);
        if (--left.handlers != 0) {
            // The waiter that was woken for this queue may have been this handler's.
            if (!left.queue.empty()) left.wake_one(wake);
            return;
        }
        const auto prefix = handler.prefixes[place_index].view();
        auto lane = lanes_.extract(lanes_.find(prefix));
        Queue &queue = lane.mapped().queue;
        if (queue.empty()) return;
        if (Lane *wider = lane_of(prefix)) {
            wider->queue.merge(queue);
            wider->wake_one(wake);
        } else if (requests != nullptr) {
            requests->settle_queue(queue, make_error_code(Error::NotFound), wake);
        }
    }

    std::map<std::string, Lane, std::less<>> lanes_;
    IntrusiveList<Handler> handlers_;
};

}  // namespace comoq::detail
