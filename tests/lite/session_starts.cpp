// Where a subscription over sessions begins: with the same groups as one in the publisher's process.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "lite/start_chain.hpp"
#include "support/catch.hpp"

namespace session_starts_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST_CASE("a start over sessions: a subscriber gets the groups from its start on that the publisher has, whatever their age",
          "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto relays = static_cast<std::size_t>(GENERATE(0, 1, 2));
    CAPTURE(version, relays);
    Chain chain(version, relays);
    chain.write(6);
    SECTION("from the first") {
        auto all = chain.subscribe(from(0));
        CHECK(nexts(all) == Numbers{0, 1, 2, 3, 4, 5});
        CHECK(chain.video.subscription() == from(0));
    }
    SECTION("from the middle") {
        auto some = chain.subscribe(from(3));
        CHECK(nexts(some) == Numbers{3, 4, 5});
        CHECK(chain.video.subscription() == from(3));
    }
    SECTION("from one that is to come") {
        auto later = chain.subscribe(from(8));
        chain.write(4);
        CHECK(nexts(later) == Numbers{8, 9});
    }
    SECTION("after others who follow the newest groups, late ones not") {
        auto live = chain.subscribe(from(std::nullopt, 20ms));
        CHECK(nexts(live) == Numbers{5});
        auto all = chain.subscribe(from(0));
        CHECK(nexts(all) == Numbers{0, 1, 2, 3, 4, 5});
        chain.write(1);
        CHECK(nexts(live) == Numbers{6});
        CHECK(nexts(all) == Numbers{6});
    }
    SECTION("by an update") {
        auto live = chain.subscribe(from(std::nullopt));
        CHECK(nexts(live) == Numbers{5});
        live.update(from(2));
        chain.run();
        CHECK(nexts(live) == Numbers{2, 3, 4, 5});
        live.update(from(0));
        chain.run();
        CHECK(nexts(live) == Numbers{0, 1, 2, 3, 4, 5});
    }
}

TEST_CASE("a start over sessions: without a start a subscriber begins at the newest group, whatever its max_latency",
          "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto relays = static_cast<std::size_t>(GENERATE(0, 1, 2));
    const auto latency = GENERATE(0ms, 20ms, milliseconds(1h));
    CAPTURE(version, relays, latency.count());
    Chain chain(version, relays);
    chain.write(6);
    auto live = chain.subscribe(from(std::nullopt, latency));
    CHECK(received(live) == Numbers{5});
    // The publisher knows it.
    CHECK(chain.video.subscription() == from(std::nullopt, std::min<milliseconds>(latency, 5s)));
    live.update(from(std::nullopt, 30ms));
    chain.run();
    CHECK(received(live).empty());
    CHECK(chain.video.subscription() == from(std::nullopt, 30ms));
    chain.write(1);
    CHECK(received(live) == Numbers{6});
    chain.write(1);
    CHECK(received(live) == Numbers{7});
    SECTION("a start that is given up leaves nothing to catch up with") {
        live.update(from(9, 30ms));
        chain.run();
        live.update(from(std::nullopt, 30ms));
        chain.run();
        CHECK(received(live).empty());
        CHECK(chain.video.subscription() == from(std::nullopt, 30ms));
        chain.write(1);
        CHECK(received(live) == Numbers{8});
    }
}

TEST_CASE("a start over sessions: with a max_latency of its own, a start gets no groups that are older", "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto relays = static_cast<std::size_t>(GENERATE(0, 1, 2));
    CAPTURE(version, relays);
    Chain chain(version, relays);
    for (std::uint64_t i = 0; i < 6; ++i) {
        chain.video.write_frame(payload("x"), Timestamp(i, Timescale(1)));
    }
    // Nobody waits for the others.
    auto some = chain.subscribe(from(0, 1500ms));
    auto taken = received(some);
    std::sort(taken.begin(), taken.end());
    CHECK(taken == Numbers{3, 4, 5});
    CHECK(chain.video.subscription() == from(0, 1500ms));
    auto resumed = chain.subscribe(from(4, 1500ms));
    CHECK(nexts(resumed) == Numbers{4, 5});
}

TEST_CASE("a start over sessions: on moq-lite-06 a reader in order does not wait for groups that are too old",
          "[lite][session][start]") {
    const auto relays = static_cast<std::size_t>(GENERATE(0, 1, 2));
    Chain chain(draft_06, relays);
    for (std::uint64_t i = 0; i < 6; ++i) {
        chain.video.write_frame(payload("x"), Timestamp(i, Timescale(1)));
    }
    auto some = chain.subscribe(from(0, 1500ms));
    CHECK(nexts(some) == Numbers{3, 4, 5});
}

TEST_CASE("a start over sessions: a viewer that comes back to a quiet track gets its newest group, and only that", "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto relays = static_cast<std::size_t>(GENERATE(0, 1, 2));
    CAPTURE(version, relays);
    Chain chain(version, relays);
    chain.write(1);
    for (int i = 0; i < 3; ++i) {
        auto reader = chain.subscribe(from(std::nullopt));
        CHECK(nexts(reader) == Numbers{0});
        reader = {};
        // Longer than anybody keeps anything else.
        chain.clock.advance(1h);
        chain.time.advance(1h);
        chain.run();
    }
    // While nobody subscribes, the publisher goes on.
    chain.write(3);
    auto reader = chain.subscribe(from(std::nullopt));
    CHECK(nexts(reader) == Numbers{3});
}

TEST_CASE("a start over sessions: a viewer that comes back when nothing of its track is live here gets the newest group, and what comes next",
          "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto relays = static_cast<std::size_t>(GENERATE(0, 1, 2));
    CAPTURE(version, relays);
    Chain chain(version, relays);
    chain.write(2);
    {
        auto reader = chain.subscribe(from(std::nullopt));
        CHECK(nexts(reader) == Numbers{1});
        chain.write(1);
        CHECK(nexts(reader) == Numbers{2});
    }
    chain.run();
    // What is kept here is not where the track is now.
    const auto away = [&chain] {
        chain.clock.advance(1min);
        chain.time.advance(1min);
        chain.run();
    };
    SECTION("the track goes on when the viewer has been away") {
        away();
        chain.write(3);
    }
    SECTION("the track goes on at once") {
        chain.write(3);
        away();
    }
    auto reader = chain.subscribe(from(std::nullopt));
    CHECK(nexts(reader) == Numbers{5});
    chain.write(2);
    CHECK(nexts(reader) == Numbers{6, 7});
}

TEST_CASE("a start over sessions: a viewer that comes back to a quiet track with a start gets the groups before the newest as well",
          "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    CAPTURE(version);
    Chain chain(version, 0);
    chain.write(6);
    {
        auto first = chain.subscribe({});
        CHECK(nexts(first) == Numbers{5});
    }
    chain.run();
    auto again = chain.subscribe(from(0));
    CHECK(nexts(again) == Numbers{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a start over sessions: a reader that goes back below its start waits for nothing that nobody was asked for",
          "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    CAPTURE(version);
    Chain chain(version, 0);
    chain.write(6);
    auto some = chain.subscribe(from(3));
    some.start_at(1);
    CHECK(nexts(some) == Numbers{3, 4, 5});
    chain.write(1);
    CHECK(nexts(some) == Numbers{6});
}

TEST_CASE("a start over sessions: whoever joins whom, each gets in order what it would get alone", "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto relays = static_cast<std::size_t>(GENERATE(0, 2));
    // Groups a second apart: a viewer that limits the age wants those from `least` on, and may get more where others want more.
    struct Wish {
        Subscription wishes;
        std::uint64_t least;
    };
    const std::vector<Wish> all{{from(std::nullopt), 5}, {from(0, 1500ms), 3},       {from(0), 0},
                                {from(2), 2},            {from(1, 2500ms), 2}, {from(std::nullopt, 20ms), 5}};
    const auto first = static_cast<std::size_t>(GENERATE(range(0, 6)));
    const auto second = static_cast<std::size_t>(GENERATE(range(0, 6)));
    const auto third = static_cast<std::size_t>(GENERATE(range(0, 6)));
    if (first == second || second == third || first == third) return;
    CAPTURE(version, relays, first, second, third);
    Chain chain(version, relays);
    for (std::uint64_t i = 0; i < 6; ++i) {
        chain.video.write_frame(payload("x"), Timestamp(i, Timescale(1)));
    }
    std::vector<TrackSubscriber> readers;
    for (const auto number : {first, second, third}) {
        const auto &wish = all[number];
        auto joining = chain.ask(wish.wishes);
        if (!joining.done()) chain.run();
        readers.push_back(std::move(joining.value()));
        // Before the session hears of it, and afterwards.
        auto got = nexts(readers.back());
        chain.run();
        chain.time.advance(2s);
        chain.run();
        const auto late = nexts(readers.back());
        got.insert(got.end(), late.begin(), late.end());
        CAPTURE(number, got);
        REQUIRE_FALSE(got.empty());
        CHECK(got.front() <= wish.least);
        CHECK(got.front() >= wish.wishes.start.value_or(5));
        CHECK(got.size() == 6 - got.front());
        CHECK(got.back() == 5);
    }
    chain.video.write_frame(payload("x"), Timestamp(6, Timescale(1)));
    chain.run();
    for (auto &reader : readers) {
        CHECK(nexts(reader) == Numbers{6});
    }
}

TEST_CASE("a start over sessions: one that lies ahead when the first group is not there yet, and behind afterwards, is asked for",
          "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    Chain chain(version, 0);
    chain.write(6);
    auto live = chain.ask(from(std::nullopt));
    auto some = chain.ask(from(3));
    chain.run();
    CHECK(nexts(some.value()) == Numbers{3, 4, 5});
    CHECK(nexts(live.value()).back() == 5);
    chain.write(1);
    CHECK(nexts(live.value()) == Numbers{6});
    CHECK(nexts(some.value()) == Numbers{6});
}

TEST_CASE("a start over sessions: a greater age brings older groups, which readers in order have not waited for",
          "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto start = static_cast<std::uint64_t>(GENERATE(0, 1));
    const auto relays = static_cast<std::size_t>(GENERATE(0, 1, 2));
    Chain chain(version, relays);
    for (std::uint64_t i = 0; i < 6; ++i) {
        chain.video.write_frame(payload("x"), Timestamp(i, Timescale(1)));
    }
    auto young = chain.subscribe(from(start, 1500ms));
    chain.time.advance(2s);
    chain.run();
    CHECK(nexts(young) == Numbers{3, 4, 5});
    auto older = chain.ask(from(start, 2500ms));
    CHECK(nexts(older.value()).empty());
    chain.run();
    chain.time.advance(2s);
    chain.run();
    CHECK(nexts(older.value()) == Numbers{2, 3, 4, 5});
    auto all = chain.ask(from(start));
    chain.run();
    // Nobody has to wait for what is there in full.
    CHECK(nexts(all.value()).size() == 6 - start);
    CHECK(nexts(young).empty());
}

}
