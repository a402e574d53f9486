// Views without the broadcasts that came through some origin.
#include <comoq/origin.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"
#include "support/settle.hpp"

namespace origin_hops_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Event = Announcement::Event;

/// A watcher's unseen changes: each path, the event, and the number of the broadcast's hops.
struct Seen {
    std::string path;
    Event event;
    std::size_t hops = 0;
    friend bool operator==(const Seen &, const Seen &) = default;
};
std::vector<Seen> seen(AnnounceConsumer &watch) {
    std::vector<Seen> all;
    for (auto next = watch.next(); next.ready(); next = watch.next()) {
        auto change = now(std::move(next));
        if (!change) {
            break;
        }
        all.push_back({std::string(change->path.view()), change->event, change->broadcast.info().hops.size()});
    }
    return all;
}

BroadcastInfo through(std::vector<std::uint64_t> hops) { return BroadcastInfo(std::move(hops)); }

}  // namespace

TEST_CASE("without_hop: a broadcast that came through that origin is neither announced nor found", "[origin]") {
    Origin origin;
    auto producer = origin.producer();
    auto mine = producer.create_broadcast("a");
    auto theirs = producer.create_broadcast("b", through({3, 7}));
    const auto view = origin.consumer().without_hop(7);
    auto watch = view.announced();
    CHECK(seen(watch) == std::vector<Seen>{{"a", Event::Active, 0}});
    CHECK(view.request_broadcast("a").ready());
    CHECK(code_now(view.request_broadcast("b")) == Error::NotFound);
    CHECK_FALSE(view.announced_broadcast("b").ready());
    CHECK(now(origin.consumer().request_broadcast("b")) == theirs.producer().consume());
    auto later = producer.create_broadcast("c", through({7}));
    later.unannounce();
    CHECK(seen(watch).empty());
}

TEST_CASE("without_hop: another route takes the place of the one that is left out", "[origin]") {
    Origin origin;
    auto producer = origin.producer();
    const auto view = origin.consumer().without_hop(7);
    auto watch = view.announced();
    auto whole = origin.consumer().announced();
    auto best = producer.create_broadcast("a", through({7}));
    CHECK(seen(watch).empty());
    auto awaited = wait(view.announced_broadcast("a"));
    CHECK_FALSE(awaited.done());
    std::optional backup = producer.create_broadcast("a", through({1, 2}));
    CHECK(awaited.value() == backup->producer().consume());
    CHECK(seen(watch) == std::vector<Seen>{{"a", Event::Active, 2}});
    CHECK(seen(whole) == std::vector<Seen>{{"a", Event::Active, 1}});
    CHECK(now(view.request_broadcast("a")) == backup->producer().consume());
    std::optional third = producer.create_broadcast("a", through({1, 2, 3}));
    CHECK(seen(watch).empty());
    backup.reset();
    CHECK(seen(watch) == std::vector<Seen>{{"a", Event::Restart, 3}});
    best.unannounce();
    CHECK(seen(watch).empty());
    CHECK(seen(whole) == std::vector<Seen>{{"a", Event::Restart, 3}});
    third.reset();
    CHECK(seen(watch) == std::vector<Seen>{{"a", Event::Ended, 0}});
}

TEST_CASE("without_hop: a broadcast that a handler served is left out as well, and the handler is not asked again", "[origin]") {
    Origin origin;
    auto handler = origin.producer().dynamic();
    auto asked = wait(origin.consumer().request_broadcast("a"));
    auto served = origin.producer().make_broadcast(through({7}));
    now(handler.requested_broadcast())->accept(served.consume());
    CHECK(asked.value() == served.consume());
    CHECK(code_now(origin.consumer().without_hop(7).request_broadcast("a")) == Error::NotFound);
    CHECK(now(origin.consumer().without_hop(8).request_broadcast("a")) == served.consume());
    CHECK_FALSE(handler.requested_broadcast().ready());
}

TEST_CASE("without_hop: a broadcast that a session brought is left out by the session's number, which is not a hop", "[origin]") {
    Origin origin;
    auto producer = origin.producer();
    auto info = through({3});
    info.via = 77;
    auto theirs = producer.create_broadcast("a", info);
    const auto view = origin.consumer().without_hop(77);
    auto watch = view.announced();
    CHECK(seen(watch).empty());
    CHECK(code_now(view.request_broadcast("a")) == Error::NotFound);
    auto other = producer.create_broadcast("a", through({3, 4}));
    CHECK(seen(watch) == std::vector<Seen>{{"a", Event::Active, 2}});
    CHECK(now(view.request_broadcast("a")) == other.producer().consume());
    CHECK(now(origin.consumer().request_broadcast("a")) == theirs.producer().consume());
    CHECK(info.hops.size() == 1);
    // 0 is nobody's number.
    CHECK_FALSE(through({3}).came_through(std::uint64_t{0}));
    CHECK_FALSE(through({}).anonymous());
    CHECK(through({0}).came_through(std::uint64_t{0}));
}

TEST_CASE("without_hop: a view only gets narrower, in every order", "[origin]") {
    Origin origin;
    auto producer = origin.producer();
    auto one = producer.create_broadcast("x/a", through({1}));
    auto two = producer.create_broadcast("x/b", through({2}));
    auto none = producer.create_broadcast("x/c");
    const Path prefixes[] = {Path("x")};
    const std::vector<Seen> left{{"c", Event::Active, 0}};
    auto first = origin.consumer().without_hop(1).without_hop(2).with_root("x")->announced();
    auto second = origin.consumer().with_root("x")->without_hop(2).without_hop(1).announced();
    auto third = origin.consumer().without_hop(2).scope(prefixes)->without_hop(1).with_root("x")->announced();
    CHECK(seen(first) == left);
    CHECK(seen(second) == left);
    CHECK(seen(third) == left);
}

TEST_CASE("without_hop: a watcher always knows the best remaining broadcast, in any history", "[origin]") {
    std::mt19937_64 random(seed("without_hop"));
    for (int round = 0; round < 200; ++round) {
        Origin origin;
        auto producer = origin.producer();
        const auto view = origin.consumer().without_hop(1);
        auto watch = view.announced();
        std::vector<std::optional<BroadcastPublish>> published(6);
        BroadcastConsumer known;
        for (int step = 0; step < 60; ++step) {
            auto &place = published[static_cast<std::size_t>(random() % published.size())];
            if (place) {
                place.reset();
            } else {
                std::vector<std::uint64_t> hops = {1, 2, 3, 4, 5};
                std::shuffle(hops.begin(), hops.end(), random);
                hops.resize(random() % 4);
                place.emplace(producer.create_broadcast("a", through(std::move(hops))));
            }
            if (random() % 3 == 0) {
                continue;
            }
            for (auto next = watch.next(); next.ready(); next = watch.next()) {
                const auto change = *now(std::move(next));
                // Nothing is announced twice, and nothing ends or is replaced that was not announced.
                CHECK((change.event == Event::Active) == !known);
                known = change.broadcast;
            }
            auto found = view.request_broadcast("a");
            if (known) {
                CHECK(now(std::move(found)) == known);
                CHECK_FALSE(known.info().came_through(std::uint64_t{1}));
            } else {
                CHECK(code_now(std::move(found)) == Error::NotFound);
            }
        }
    }
}

TEST_CASE("an origin reports its hop id", "[origin]") {
    OriginConfig config;
    config.id = 42;
    Origin origin(std::move(config));
    CHECK(origin.id() == 42);
    CHECK(origin.producer().id() == 42);
    CHECK(origin.consumer().id() == 42);
    CHECK(Origin().id() != 0);
    CHECK(Origin().id() < std::uint64_t{1} << 53);
}

}
