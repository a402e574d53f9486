#pragma once
#include "path_text.hpp"
#include "reserve_one.hpp"
#include "sync.hpp"
#include "waiter.hpp"
#include "../error.hpp"
#include "../path.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::detail {

/// What the lanes know of a handler: the prefixes that it covers, and who waits for a request on its behalf.
struct LaneHandler {
    explicit LaneHandler(std::vector<Path> covered) noexcept : prefixes(std::move(covered)) {}

    const std::vector<Path> prefixes;
    WaitList waits;
    Atomic<std::size_t> copies{0};
};

/// Which handler a queued request is for. There is a lane for each prefix that a handler covers, and a request waits in
/// the lane with the longest prefix of its path, so that the most specific handlers of the moment find what is theirs
/// in front of them. When lanes come and go, requests move between them and keep their order. Guarded by the origin's
/// lock.
template <class Requests> class HandlerLanes {
public:
    using Queue = typename Requests::Queue;

    struct Lane {
        Queue queue;
        std::vector<LaneHandler *> handlers;
    };

    bool empty() const noexcept { return lanes_.empty(); }

    /// The lane that serves a path, or null if no handler covers it.
    Lane *lane_of(std::string_view path) noexcept {
        if (lanes_.empty()) return nullptr;
        for (;;) {
            if (auto found = lanes_.find(path); found != lanes_.end()) return &found->second;
            if (path.empty()) return nullptr;
            path = parent(path);
        }
    }

    static void wake(Lane &lane, WakeList &wake) noexcept {
        for (LaneHandler *handler : lane.handlers) wake.take(handler->waits);
    }

    /// A new handler takes over what is queued and more specific to it than to those that were there.
    void add(LaneHandler &handler) {
        reserve_one(handlers_);
        std::size_t joined = 0;
        try {
            for (const Path &prefix : handler.prefixes) {
                join(prefix.view(), handler);
                ++joined;
            }
        } catch (...) {
            // Nothing has moved that going back the same way would not put back: lanes merge by age.
            WakeList nobody;
            while (joined > 0) leave(handler.prefixes[--joined].view(), handler, nobody, nullptr);
            throw;
        }
        handlers_.push_back(&handler);
    }

    /// A handler goes: what is queued for nobody else is settled with NotFound, the rest passes on.
    void remove(LaneHandler &handler, Requests &requests, WakeList &wake) noexcept {
        const auto place = std::find(handlers_.begin(), handlers_.end(), &handler);
        if (place == handlers_.end()) return;
        handlers_.erase(place);
        wake.take(handler.waits);
        for (const Path &prefix : handler.prefixes) leave(prefix.view(), handler, wake, &requests);
    }

    /// The queue whose oldest request is the oldest that the handler may take, or null.
    Queue *oldest_for(const LaneHandler &handler) noexcept {
        Queue *oldest = nullptr;
        for (const Path &prefix : handler.prefixes) {
            auto found = lanes_.find(prefix.view());
            if (found == lanes_.end() || found->second.queue.empty()) continue;
            Queue &queue = found->second.queue;
            if (oldest == nullptr || queue.oldest() < oldest->oldest()) oldest = &queue;
        }
        return oldest;
    }

    /// Copies of all handlers.
    std::size_t copies() const noexcept {
        std::size_t sum = 0;
        for (const LaneHandler *handler : handlers_) sum += handler->copies.load(std::memory_order_relaxed);
        return sum;
    }

    /// Tells every handler that something has changed.
    void wake_all(WakeList &wake) noexcept {
        for (LaneHandler *handler : handlers_) wake.take(handler->waits);
    }

private:
    void join(std::string_view prefix, LaneHandler &handler) {
        auto found = lanes_.find(prefix);
        if (found == lanes_.end()) {
            Lane *wider = lane_of(prefix);
            found = lanes_.try_emplace(std::string(prefix)).first;
            try {
                found->second.handlers.push_back(&handler);
            } catch (...) {
                lanes_.erase(found);
                throw;
            }
            if (wider != nullptr)
                wider->queue.move_if(found->second.queue, [&](std::string_view path) { return has_prefix(path, prefix); });
        } else {
            found->second.handlers.push_back(&handler);
        }
    }

    void leave(std::string_view prefix, LaneHandler &handler, WakeList &wake, Requests *requests) noexcept {
        const auto found = lanes_.find(prefix);
        auto &handlers = found->second.handlers;
        handlers.erase(std::find(handlers.begin(), handlers.end(), &handler));
        if (!handlers.empty()) return;
        auto lane = lanes_.extract(found);
        Queue &queue = lane.mapped().queue;
        if (queue.empty()) return;
        if (Lane *wider = lane_of(prefix)) {
            wider->queue.merge(queue);
            HandlerLanes::wake(*wider, wake);
        } else if (requests != nullptr) {
            requests->settle_queue(queue, make_error_code(Error::NotFound), wake);
        }
    }

    std::map<std::string, Lane, std::less<>> lanes_;
    std::vector<LaneHandler *> handlers_;
};

}  // namespace comoq::detail
