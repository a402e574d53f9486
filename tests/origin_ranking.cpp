// Several publishers of one path: which of them is active.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/naive_rank.hpp"
#include "support/origin_fixture.hpp"
#include "support/seed.hpp"

namespace origin_ranking_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

BroadcastConsumer active(const Origin &origin, const std::string &path) {
    return now(origin.consumer().request_broadcast(path));
}

}  // namespace

TEST_CASE("section 4: the fewest hops win, whatever the hash and the order of arrival", "[origin]") {
    Origin origin;
    const auto producer = origin.producer();
    const auto far = broadcast_with_hops({1, 2, 3}), near = broadcast_with_hops({9}), here = broadcast_with_hops();
    auto third = producer.publish_broadcast("a", far.consume());
    CHECK(active(origin, "a") == far.consume());
    auto first = producer.publish_broadcast("a", here.consume());
    CHECK(active(origin, "a") == here.consume());
    auto second = producer.publish_broadcast("a", near.consume());
    CHECK(active(origin, "a") == here.consume());
    first.unannounce();
    CHECK(active(origin, "a") == near.consume());
    second.unannounce();
    CHECK(active(origin, "a") == far.consume());
}

TEST_CASE("section 4: equal numbers of hops are ordered by the hash, here by numbers computed elsewhere", "[origin]") {
    // Sorted by their hashes, which another program computed: the first is 0x22b9dacc50e92381 for room/42/alice and
    // 0x2584de50af98c0b8 for room/42/bob.
    const std::uint64_t wide = 0x0102030405060708, last = (std::uint64_t{1} << 62) - 1;
    const std::map<std::string, std::vector<Hops>> sorted = {
        {"room/42/alice", {{9, wide}, {3, 4}, {last, 1}, {1, 2}, {wide, 9}, {2, 1}}},
        {"room/42/bob", {{1, 2}, {3, 4}, {wide, 9}, {last, 1}, {2, 1}, {9, wide}}},
        {"", {{1, 2}, {3, 4}, {last, 1}, {wide, 9}, {2, 1}, {9, wide}}}};
    CHECK(naive_hash("room/42/alice", {9, wide}) == 0x22b9dacc50e92381);
    CHECK(naive_hash("room/42/bob", {1, 2}) == 0x2584de50af98c0b8);
    for (const auto &[path, order] : sorted) {
        for (const bool backwards : {false, true}) {
            Origin origin;
            std::vector<BroadcastPublish> guards;
            for (std::size_t i = 0; i < order.size(); ++i) {
                const auto &hops = order[backwards ? order.size() - 1 - i : i];
                guards.push_back(origin.producer().create_broadcast(path, BroadcastInfo(hops)));
            }
            for (const auto &hops : order) {
                CHECK(active(origin, path).info().hops == hops);
                std::erase_if(guards, [&](auto &guard) { return guard.producer().consume().info().hops == hops; });
            }
            CHECK(origin.stats().nodes == 0);
        }
    }
}

TEST_CASE("section 4: the hash is of the absolute path, whatever the publisher's root", "[origin]") {
    // For room/42/alice {1, 2} comes before {2, 1}, for alice alone it is the other way round.
    REQUIRE(naive_hash("room/42/alice", {1, 2}) < naive_hash("room/42/alice", {2, 1}));
    Hops first = {1, 2}, second = {2, 1};
    for (std::uint64_t i = 3; naive_hash("alice", first) < naive_hash("alice", second); ++i) {
        first = {1, i};
        second = {i, 1};
        if (naive_hash("room/42/alice", first) > naive_hash("room/42/alice", second)) {
            std::swap(first, second);
        }
    }
    Origin origin;
    const auto rooted = *origin.producer().with_root("room/42");
    const auto a = rooted.create_broadcast("alice", BroadcastInfo(second));
    const auto b = rooted.create_broadcast("alice", BroadcastInfo(first));
    CHECK(active(origin, "room/42/alice").info().hops == first);
}

TEST_CASE("section 4: of equal publications the latest is active", "[origin]") {
    for (const Hops &hops : {Hops{}, Hops{5}, Hops{5, 6}, Hops{0}}) {
        Origin origin;
        std::vector<BroadcastPublish> guards;
        for (int i = 0; i < 4; ++i) {
            guards.push_back(origin.producer().create_broadcast("a", BroadcastInfo(hops)));
        }
        while (!guards.empty()) {
            CHECK(active(origin, "a") == guards.back().producer().consume());
            guards.pop_back();
        }
    }
}

TEST_CASE("section 4: a publisher that comes back is served at once, whatever its new hop id", "[origin]") {
    std::mt19937_64 random(seed("comes_back"));
    Origin origin;
    const auto lingering = origin.producer().create_broadcast("a", BroadcastInfo({1234567}));
    auto watcher = origin.consumer().announced();
    CHECK(change_texts(watcher) == Texts{"Active a"});
    for (int i = 0; i < 100; ++i) {
        auto back = origin.producer().create_broadcast("a", BroadcastInfo({1 + (random() >> 3)}));
        CHECK(active(origin, "a") == back.producer().consume());
        back.unannounce();
        CHECK(change_texts(watcher) == Texts{"Restart a"});
    }
}

TEST_CASE("section 4: a chain with an unknown hop comes after every chain without one, whatever the cost", "[origin]") {
    Origin origin;
    BroadcastInfo dear(Hops{1, 2, 3});
    dear.cost = {9, 9};
    auto known = origin.producer().create_broadcast("a", dear);
    auto unknown = origin.producer().create_broadcast("a", BroadcastInfo({0}));
    const auto also_unknown = origin.producer().create_broadcast("a", BroadcastInfo({7, 0}));
    CHECK(active(origin, "a") == known.producer().consume());
    known.unannounce();
    CHECK(active(origin, "a") == unknown.producer().consume());
}

TEST_CASE("section 4: the lower cost comes first: the warm cost counts before the cold one, and both before the hops",
          "[origin]") {
    const auto with_cost = [](Hops hops, std::uint64_t warm, std::uint64_t cold) {
        BroadcastInfo info(std::move(hops));
        info.cost = {warm, cold};
        return info;
    };
    Origin origin;
    std::vector<BroadcastPublish> best_last;
    for (const auto &info : {with_cost({}, 2, 0), with_cost({1}, 1, 9), with_cost({1, 2}, 1, 8), with_cost({1, 2, 3}, 0, 9),
                             with_cost({1, 2, 4, 5}, 0, 0)}) {
        best_last.push_back(origin.producer().create_broadcast("a", info));
    }
    while (!best_last.empty()) {
        CHECK(active(origin, "a") == best_last.back().producer().consume());
        best_last.pop_back();
    }
    CHECK(BroadcastInfo().cost == Cost());
    CHECK(Cost{1, 9} < Cost{2, 0});
}

TEST_CASE("section 4: a chain with an id twice is a RoutingLoop, but 0 names nobody", "[origin]") {
    Origin origin;
    const auto publish = [&](Hops hops) {
        return error_of([&] { return origin.producer().create_broadcast("a", BroadcastInfo(std::move(hops))); });
    };
    CHECK(publish({5, 5}) == Error::RoutingLoop);
    CHECK(publish({5, 6, 7, 6}) == Error::RoutingLoop);
    CHECK(publish({0, 5, 0, 5}) == Error::RoutingLoop);
    CHECK_FALSE(publish({0, 0, 5, 0}));
    CHECK(publish(Hops(33, 5)) == Error::BoundsExceeded);
}

TEST_CASE("section 4: the active publication and every backup follow a plain sort, in any order of arrival", "[origin]") {
    std::mt19937_64 random(seed("ranking"));
    for (int round = 0; round < 300; ++round) {
        Origin origin;
        auto watcher = origin.consumer().announced();
        const std::string path = "p" + std::to_string(random() % 1000);
        struct Published {
            NaiveRank rank;
            BroadcastPublish guard;
        };
        std::vector<Published> all;
        const auto best = [&] {
            return std::min_element(all.begin(), all.end(), [](auto &a, auto &b) { return a.rank < b.rank; });
        };
        std::optional<BroadcastConsumer> seen;
        for (int step = 0; step < 24; ++step) {
            if (all.empty() || (step < 18 && random() % 3 != 0)) {
                Hops hops(random() % 4);
                for (std::size_t i = 0; i < hops.size(); ++i) {
                    hops[i] = random() % 4 == 0 ? 0 : random() % 3 == 0 ? random() >> 2 : 1 + 3 * i + random() % 3;
                }
                BroadcastInfo info(hops);
                info.cost = {random() % 3 / 2, random() % 3 / 2};
                all.push_back({naive_rank(path, info, step), origin.producer().create_broadcast(path, info)});
            } else {
                const auto gone = all.begin() + static_cast<std::ptrdiff_t>(random() % all.size());
                if (random() % 2 == 0) {
                    gone->guard.unannounce();
                } else {
                    gone->guard.producer().finish();
                }
                all.erase(gone);
            }
            // A watcher that looks every time sees each change of the active one, and nothing else.
            const auto events = changes(watcher);
            if (all.empty()) {
                CHECK(origin.stats().announced == 0);
                REQUIRE(events.size() == 1);
                CHECK(text_of(events[0]) == "Ended " + path);
                seen.reset();
                continue;
            }
            const auto expected = best()->guard.producer().consume();
            REQUIRE(active(origin, path) == expected);
            if (seen == expected) {
                REQUIRE(events.empty());
            } else {
                REQUIRE(events.size() == 1);
                CHECK(text_of(events[0]) == (seen ? "Restart " : "Active ") + path);
                CHECK(events[0].broadcast == expected);
            }
            seen = expected;
        }
    }
}

TEST_CASE("section 4: when the active publication goes, its best backup takes over without a gap", "[origin]") {
    Origin origin;
    const auto producer = origin.producer();
    auto best = broadcast_with_hops(), middle = broadcast_with_hops({1}), worst = broadcast_with_hops({1, 2});
    const auto worst_guard = producer.publish_broadcast("a", worst.consume());
    auto best_guard = producer.publish_broadcast("a", best.consume());
    const auto middle_guard = producer.publish_broadcast("a", middle.consume());
    auto watcher = origin.consumer().announced();
    CHECK(change_texts(watcher) == Texts{"Active a"});
    SECTION("by its guard") { best_guard.unannounce(); }
    SECTION("by closing") { best.finish(); }
    const auto events = changes(watcher);
    REQUIRE(events.size() == 1);
    CHECK(text_of(events[0]) == "Restart a");
    CHECK(events[0].broadcast == middle.consume());
    CHECK(active(origin, "a") == middle.consume());
    CHECK(origin.stats().announced == 1);
}

TEST_CASE("section 4: a backup that comes or goes is not seen by watchers", "[origin]") {
    Origin origin;
    const auto best = origin.producer().create_broadcast("a");
    auto watcher = origin.consumer().announced();
    CHECK(change_texts(watcher) == Texts{"Active a"});
    auto backup = origin.producer().create_broadcast("a", BroadcastInfo({1}));
    auto other = origin.producer().create_broadcast("a", BroadcastInfo({1, 2}));
    backup.producer().finish();
    other.unannounce();
    CHECK_FALSE(watcher.next().ready());
}

TEST_CASE("section 4: publishing the same broadcast twice at a path changes nothing", "[origin]") {
    Origin origin;
    const auto producer = origin.producer();
    auto broadcast = broadcast_with_hops();
    auto watcher = origin.consumer().announced();
    auto first = producer.publish_broadcast("a", broadcast.consume());
    CHECK(change_texts(watcher) == Texts{"Active a"});
    auto second = producer.with_root("a")->publish_broadcast("", broadcast.consume());
    CHECK_FALSE(watcher.next().ready());
    CHECK(origin.stats().announced == 1);

    SECTION("it stays announced until all its guards are gone") {
        first.unannounce();
        first.unannounce();
        CHECK_FALSE(watcher.next().ready());
        CHECK(active(origin, "a") == broadcast.consume());
        auto third = producer.publish_broadcast("a", broadcast.consume());
        second.unannounce();
        CHECK(active(origin, "a") == broadcast.consume());
        third.unannounce();
        CHECK(change_texts(watcher) == Texts{"Ended a"});
    }
    SECTION("or until it closes") {
        broadcast.finish();
        CHECK(change_texts(watcher) == Texts{"Ended a"});
        first.unannounce();
        second.unannounce();
    }
    SECTION("the guards of one path say nothing about another") {
        auto elsewhere = producer.publish_broadcast("b", broadcast.consume());
        first.unannounce();
        second.unannounce();
        CHECK(change_texts(watcher) == Texts{"Active b", "Ended a"});
    }
    CHECK(code_now(origin.consumer().request_broadcast("a")) == Error::NotFound);
}

}
