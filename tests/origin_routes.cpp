// A broadcast that goes on by another route.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/naive_rank.hpp"
#include "support/origin_fixture.hpp"
#include "support/seed.hpp"

namespace origin_routes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

BroadcastInfo route(Hops hops, std::uint64_t warm = 0) {
    BroadcastInfo info(std::move(hops));
    info.cost.warm = warm;
    return info;
}
BroadcastConsumer active(const Origin &origin) { return now(origin.consumer().request_broadcast("a")); }

}  // namespace

TEST_CASE("a route that changes: watchers are told Restart with the same broadcast, which has the new route", "[origin][routes]") {
    Origin origin;
    auto watcher = origin.consumer().announced();
    auto published = origin.producer().create_broadcast("a", route({7, 8}, 3));
    const auto first = changes(watcher);
    REQUIRE(first.size() == 1);
    auto track = published.producer().create_track("video");
    published.update(route({7, 9}, 4));
    const auto second = changes(watcher);
    REQUIRE(second.size() == 1);
    CHECK(text_of(second[0]) == "Restart a");
    CHECK(second[0].broadcast == first[0].broadcast);
    CHECK(second[0].broadcast.info() == route({7, 9}, 4));
    CHECK(active(origin).info() == route({7, 9}, 4));
    CHECK(published.producer().consume().info() == route({7, 9}, 4));
    CHECK(now(origin.consumer().announced_broadcast("a")).info() == route({7, 9}, 4));
    // A handle that was given out before keeps what it said, and so do its copies.
    CHECK(first[0].broadcast.info() == route({7, 8}, 3));
    CHECK(BroadcastConsumer(first[0].broadcast).info() == route({7, 8}, 3));
    CHECK_FALSE(first[0].broadcast.is_closed());
    CHECK(now(first[0].broadcast.track("video").info()).priority == track.info().priority);
    CHECK(origin.stats().announced == 1);
}

TEST_CASE("a route that changes: the same route again changes nothing, and several unseen changes are one", "[origin][routes]") {
    Origin origin;
    auto published = origin.producer().create_broadcast("a", route({7}));
    auto watcher = origin.consumer().announced();
    CHECK(change_texts(watcher) == Texts{"Active a"});
    published.update(route({7}));
    CHECK_FALSE(watcher.next().ready());
    for (std::uint64_t cost = 1; cost <= 100; ++cost) published.update(route({7}, cost));
    CHECK(change_texts(watcher) == Texts{"Restart a"});
    // Unseen, it is part of the announcement.
    auto other = origin.producer().create_broadcast("b");
    other.update(route({7}, 3));
    const auto seen = changes(watcher);
    REQUIRE(seen.size() == 1);
    CHECK(text_of(seen[0]) == "Active b");
    CHECK(seen[0].broadcast.info() == route({7}, 3));
}

TEST_CASE("a route that changes: what may not be announced is refused, and nothing has changed", "[origin][routes]") {
    OriginConfig config;
    config.id = 5;
    Origin origin(config);
    auto published = origin.producer().create_broadcast("a", route({7}));
    auto watcher = origin.consumer().announced();
    CHECK(change_texts(watcher) == Texts{"Active a"});
    CHECK(error_of([&] { published.update(route({7, 5})); }) == Error::RoutingLoop);
    CHECK(error_of([&] { published.update(route({7, 8, 7})); }) == Error::RoutingLoop);
    CHECK(error_of([&] { published.update(route(Hops(33, 0))); }) == Error::BoundsExceeded);
    CHECK_FALSE(watcher.next().ready());
    CHECK(active(origin).info() == route({7}));
    // After its end there is nothing to change.
    published.unannounce();
    published.update(route({8}));
    OriginPublish().update(route({8}));
    CHECK(change_texts(watcher) == Texts{"Ended a"});
    CHECK(published.producer().consume().info() == route({7}));
}

TEST_CASE("a route that changes: a publication gets another place, and keeps its time of arrival", "[origin][routes]") {
    Origin origin;
    auto one = origin.producer().create_broadcast("a", route({1})), other = origin.producer().create_broadcast("a", route({2}));
    const auto first = one.producer().consume(), second = other.producer().consume();
    auto watcher = origin.consumer().announced();
    CHECK(change_texts(watcher) == Texts{"Active a"});
    CHECK(active(origin) == second);
    // A backup that changes and stays one is not seen.
    one.update(route({1}, 1));
    CHECK_FALSE(watcher.next().ready());
    other.update(route({2}, 2));
    CHECK(change_texts(watcher) == Texts{"Restart a"});
    CHECK(active(origin) == first);
    one.update(route({1}, 2));
    CHECK(active(origin) == second);
    const auto back = changes(watcher);
    REQUIRE(back.size() == 1);
    CHECK(back[0].broadcast == second);
}

TEST_CASE("a route that changes: it appears and disappears for a view that leaves out an origin", "[origin][routes]") {
    Origin origin;
    const auto without = origin.consumer().without_hop(9);
    auto published = origin.producer().create_broadcast("a", route({9}));
    auto watcher = without.announced();
    auto awaited = without.announced_broadcast("a");
    CHECK(change_texts(watcher).empty());
    published.update(route({8}));
    CHECK(change_texts(watcher) == Texts{"Active a"});
    REQUIRE(awaited.ready());
    CHECK(now(std::move(awaited)).info() == route({8}));
    CHECK(now(without.request_broadcast("a")) == published.producer().consume());
    published.update(route({8, 9}));
    CHECK(change_texts(watcher) == Texts{"Ended a"});
    CHECK(code_now(without.request_broadcast("a")) == Error::NotFound);
    // Another takes its place.
    auto backup = origin.producer().create_broadcast("a", route({1, 2, 3}, 5));
    CHECK(change_texts(watcher) == Texts{"Active a"});
    published.update(route({8}));
    CHECK(change_texts(watcher) == Texts{"Restart a"});
    published.update(route({9}));
    CHECK(change_texts(watcher) == Texts{"Restart a"});
    CHECK(now(without.request_broadcast("a")) == backup.producer().consume());
}

TEST_CASE("a route that changes: the order is a plain sort of the present routes, and watchers see each change of the active one",
          "[origin][routes]") {
    std::mt19937_64 random(seed("routes"));
    for (int round = 0; round < 200; ++round) {
        Origin origin;
        struct Published {
            BroadcastInfo info;
            int arrival;
            BroadcastPublish guard;
        };
        std::vector<Published> all;
        const auto any = [&] {
            Hops hops(random() % 3);
            for (std::size_t i = 0; i < hops.size(); ++i) hops[i] = random() % 6 == 0 ? 0 : 1 + 3 * i + random() % 3;
            return route(std::move(hops), random() % 3);
        };
        for (int i = 0; i < 4; ++i) {
            const auto info = any();
            all.push_back({info, i, origin.producer().create_broadcast("a", info)});
        }
        const std::vector<std::uint64_t> left_out{0, 2, 4};
        std::vector<AnnounceConsumer> watchers;
        std::vector<std::optional<BroadcastConsumer>> seen(left_out.size());
        std::vector<BroadcastInfo> routes(left_out.size());
        for (const auto hop : left_out) watchers.push_back(origin.consumer().without_hop(hop).announced());
        for (int step = 0; step < 30; ++step) {
            auto &one = all[random() % all.size()];
            one.info = any();
            one.guard.update(one.info);
            for (std::size_t i = 0; i < left_out.size(); ++i) {
                Published *best = nullptr;
                for (auto &each : all) {
                    if (left_out[i] != 0 && each.info.came_through(left_out[i])) continue;
                    if (best == nullptr || naive_rank("a", each.info, each.arrival) < naive_rank("a", best->info, best->arrival)) best = &each;
                }
                const auto news = changes(watchers[i]);
                REQUIRE(news.size() <= 1);
                if (best == nullptr) {
                    if (seen[i]) CHECK(text_of(news.at(0)) == "Ended a");
                    seen[i].reset();
                    continue;
                }
                const auto expected = best->guard.producer().consume();
                const bool is_new = seen[i] != expected || routes[i] != best->info;
                REQUIRE(news.size() == (is_new ? 1U : 0U));
                if (!is_new) continue;
                CHECK(news[0].broadcast == expected);
                CHECK(news[0].broadcast.info() == best->info);
                if (step != 0) CHECK(text_of(news[0]) == (seen[i] ? "Restart a" : "Active a"));
                seen[i] = expected;
                routes[i] = best->info;
            }
        }
    }
}

}
