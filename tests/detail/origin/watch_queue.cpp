#include <comoq/detail/origin/watch_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace watch_queue_tests {

using comoq::BroadcastProducer;
using comoq::detail::Passkey;
using comoq::detail::RouteChange;
using comoq::detail::ToldRoute;
using comoq::detail::WatchQueue;
using Event = WatchQueue::Event;
using Broadcast = WatchQueue::Broadcast;

namespace {

/// The hash of a broadcast's hops: several have the same.
std::uint64_t hops_of(const Broadcast &broadcast) {
    return broadcast->first_info().hops.size();
}
ToldRoute route_of(const Broadcast &broadcast) {
    ToldRoute route;
    route.hops = hops_of(broadcast);
    return route;
}

/// A watcher's due changes, in the plainest way: what it saw last and what is there now, for each path.
class NaiveQueue {
public:
    explicit NaiveQueue(std::size_t paths) : paths_(paths) {}

    bool active(std::size_t path) const { return paths_[path].now != nullptr; }
    const Broadcast &present(std::size_t path) const { return paths_[path].now; }

    void announced(std::size_t path, Broadcast broadcast) {
        paths_[path].now = std::move(broadcast);
        note(path);
    }
    void restarted(std::size_t path, Broadcast broadcast) {
        paths_[path].is_another |= paths_[path].now != broadcast;
        paths_[path].now = std::move(broadcast);
        paths_[path].replaced = true;
        note(path);
    }
    void unannounced(std::size_t path) {
        paths_[path].now = nullptr;
        paths_[path].gap = true;
        note(path);
    }

    struct Change {
        std::size_t path;
        Event event;
        Broadcast broadcast;
        bool alike = false;     // a Restart with the hops that the watcher saw last
        bool in_place = false;  // and it was always the same broadcast since then
    };
    std::optional<Change> pop() {
        if (dirty_.empty()) {
            return std::nullopt;
        }
        const auto path = dirty_.front();
        auto &at = paths_[path];
        Change change{path, Event::Ended, nullptr};
        if (at.seen && at.gap) {
            at.seen = false;
        } else {
            change.event = at.seen ? Event::Restart : Event::Active;
            change.broadcast = at.now;
            change.alike = at.seen && at.seen_hops == hops_of(at.now);
            change.in_place = at.seen && !at.is_another;
            at.seen = true;
            at.seen_hops = hops_of(at.now);
        }
        at.gap = at.replaced = at.is_another = false;
        note(path);
        return change;
    }

private:
    struct At {
        bool seen = false;
        std::uint64_t seen_hops = 0;
        Broadcast now;
        bool gap = false;       // the path was empty at some time since the watcher was last told
        bool replaced = false;  // another broadcast, or another route, was there at some time since then
        bool is_another = false;
    };

    bool due(const At &at) const { return at.seen ? at.gap || at.replaced : at.now != nullptr; }

    /// A path is in the list while a change is due for it, at the place where that began.
    void note(std::size_t path) {
        if (!paths_[path].seen && paths_[path].now == nullptr) {
            paths_[path].replaced = paths_[path].is_another = false;
        }
        const bool listed = std::erase(dirty_, path) != 0;
        if (!listed && due(paths_[path])) {
            dirty_.push_back(path);
        } else if (listed && due(paths_[path])) {
            dirty_.insert(dirty_.begin() + static_cast<std::ptrdiff_t>(places_[path]), path);
        }
        for (std::size_t place = 0; place < dirty_.size(); ++place) {
            places_[dirty_[place]] = place;
        }
    }

    std::vector<At> paths_;
    std::vector<std::size_t> dirty_;
    std::vector<std::size_t> places_ = std::vector<std::size_t>(paths_.size());
};

}  // namespace

TEST_CASE("section 4: a watcher's queue behaves like a plain record of seen and present broadcasts", "[watch_queue]") {
    std::mt19937_64 random(comoq::test::seed("watch_queue"));
    std::vector<BroadcastProducer> producers;
    for (std::size_t i = 0; i < 6; ++i) {
        producers.emplace_back(comoq::BroadcastInfo(std::vector<std::uint64_t>(i % 3, 7 + i)));
    }
    const auto broadcast = [&] { return producers[random() % producers.size()].consume().state(Passkey()); };
    for (int history = 0; history < 3000; ++history) {
        const auto paths = 1 + random() % 4;
        std::vector<WatchQueue::PathText> texts;
        for (std::size_t i = 0; i < paths; ++i) {
            texts.push_back(std::make_shared<const std::string>(1, static_cast<char>('a' + i)));
        }
        WatchQueue queue;
        NaiveQueue naive(paths);
        const auto pop_both = [&] {
            const auto expected = naive.pop();
            REQUIRE(queue.empty() == !expected);
            if (!expected) {
                return false;
            }
            const auto change = queue.pop();
            REQUIRE(*change.path == *texts[expected->path]);
            REQUIRE(change.event == expected->event);
            REQUIRE(change.broadcast == expected->broadcast);
            REQUIRE((change.event == Event::Restart && change.route.same_hops()) == expected->alike);
            REQUIRE((change.event == Event::Restart && change.route.in_place) == expected->in_place);
            return true;
        };
        const auto pops = random() % 4;
        for (auto steps = random() % 40; steps != 0; --steps) {
            const auto path = random() % paths;
            if (random() % 8 < pops) {
                pop_both();
            } else if (!naive.active(path)) {
                const auto one = broadcast();
                queue.announced(texts[path], one);
                naive.announced(path, one);
            } else if (random() % 3 == 0) {
                const auto before = naive.present(path);
                const auto one = random() % 2 == 0 ? before : broadcast();
                queue.restarted(texts[path], one, {route_of(before), route_of(one), one == before});
                naive.restarted(path, one);
            } else {
                queue.unannounced(texts[path]);
                naive.unannounced(path);
            }
        }
        while (pop_both()) {
        }
        CHECK(queue.empty());
    }
}

TEST_CASE("section 4: a watcher's queue keeps no broadcast", "[watch_queue]") {
    WatchQueue queue;
    const auto path = std::make_shared<const std::string>("a");
    const auto broadcast = BroadcastProducer().consume().state(Passkey());
    const auto uses = broadcast.use_count();
    queue.announced(path, broadcast);
    CHECK(broadcast.use_count() == uses);
    queue.unannounced(path);
    CHECK(broadcast.use_count() == uses);
    queue.announced(path, broadcast);
    static_cast<void>(queue.pop());
    CHECK(broadcast.use_count() == uses);
    queue.restarted(path, broadcast, RouteChange());
    queue.unannounced(path);
    CHECK(broadcast.use_count() == uses);
    CHECK(path.use_count() == 2);
    static_cast<void>(queue.pop());
    CHECK(path.use_count() == 1);
}

}
