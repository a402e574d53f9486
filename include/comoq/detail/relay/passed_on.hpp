// SPDX-License-Identifier: MIT
#pragma once
#include "../origin/origin_state.hpp"
#include "../wait/event.hpp"
#include "../wait/sync.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace comoq::detail {

/// A request for a broadcast that a proxy passes on: which request at which origin it waits for at present.
///
/// A request is shared, and does not know who has made it. So in a ring of origins each request waits for the next one,
/// and the last for the first. Every request of a ring is passed on, and each of them waits for one other: each
/// one that begins to wait follows these steps, and finds the ring if it has closed it.
///
/// Threads: any. It never holds its own lock and that of an origin together.
class PassedOn {
public:
    PassedOn() = default;
    PassedOn(const PassedOn &) = delete;
    PassedOn &operator=(const PassedOn &) = delete;

    /// Waits for the request for `path` (absolute) at `origin` as long as it lives.
    class Wait {
    public:
        /// `has_others`: there are other origins that were not asked yet.
        Wait(PassedOn &of, const std::shared_ptr<OriginState> &origin, std::string path, bool has_others) : of_(of) {
            of_.change({origin, std::move(path)}, has_others);
        }
        Wait(const Wait &) = delete;
        Wait &operator=(const Wait &) = delete;
        ~Wait() { of_.change({}, false); }

    private:
        PassedOn &of_;
    };

    /// Whether `waiting` has to leave the request that it waits for, because that one waits for it.
    ///
    /// The place to leave a ring is a request that can be asked for elsewhere. If the ring has none, the one that finds the ring
    /// leaves it. If another one has to leave, that one is notified.
    static bool must_leave(const std::shared_ptr<PassedOn> &waiting) {
        // A ring that is found link by link may never have existed at one time. One that is found twice did.
        const auto ring = ring_of(waiting);
        if (ring.empty() || ring != ring_of(waiting)) return false;
        if (ring.front().has_others) return true;
        for (const Link &link : ring) {
            if (!link.has_others) continue;
            link.of->found_.set();
            return false;
        }
        return true;
    }

    /// Set when another request has found the ring, and this one may have to leave it.
    Event &found() noexcept { return found_; }

private:
    struct Place {
        std::weak_ptr<OriginState> origin;
        std::string path;
    };
    struct Link {
        bool operator==(const Link &) const = default;
        std::shared_ptr<PassedOn> of;
        std::uint64_t change = 0;
        bool has_others = false;
    };

    void change(Place place, bool has_others) noexcept {
        Lock lock(mutex_);
        std::swap(place_, place);  // the former one goes after the lock
        has_others_ = has_others;
        ++changes_;
        lock.unlock();
    }

    /// The requests from `first` back to it; empty if they do not come back.
    static std::vector<Link> ring_of(const std::shared_ptr<PassedOn> &first) {
        std::vector<Link> ring;
        // They may lead into a ring without `first`, which is for others to leave: a link that was met before shows it.
        std::size_t mark = 0;
        auto at = first;
        do {
            Link link{at, 0, false};
            at = at->next(link);
            ring.push_back(std::move(link));
            if (at == nullptr || (at != first && at == ring[mark].of)) return {};
            if (ring.size() == 2 * mark + 2) mark = ring.size() - 1;
        } while (at != first);
        return ring;
    }

    std::shared_ptr<PassedOn> next(Link &link) const {
        Place place;
        {
            Lock lock(mutex_);
            place = place_;
            link.change = changes_;
            link.has_others = has_others_;
        }
        const auto origin = place.origin.lock();
        return origin != nullptr ? origin->passed_on(place.path) : nullptr;
    }

    mutable Mutex mutex_;
    Place place_;
    bool has_others_ = false;
    std::uint64_t changes_ = 0;
    Event found_;
};

}  // namespace comoq::detail
