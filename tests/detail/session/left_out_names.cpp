#include <comoq/detail/session/left_out_names.hpp>

#include <atomic>
#include <cstddef>
#include <random>
#include <set>
#include <string>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace left_out_names_tests {

using namespace comoq::test;
using comoq::detail::LeftOutNames;

TEST_CASE("left out names: those that were there before a round may come in, and what came since may not", "[lite]") {
    std::atomic<std::size_t> count{0};
    {
        LeftOutNames names(count);
        names.add("a");
        names.add("b");
        CHECK_FALSE(names.may_come_in("a"));
        names.begin_round();
        CHECK(names.may_come_in("a"));
        names.add("c");
        CHECK_FALSE(names.may_come_in("c"));
        // It was announced anew: the list may not know that.
        names.add("b");
        CHECK_FALSE(names.may_come_in("b"));
        CHECK(count == 3);
        names.begin_round();
        CHECK(names.may_come_in("b"));
        CHECK(names.remove("b"));
        CHECK_FALSE(names.may_come_in("b"));
        names.take_in("a");
        CHECK_FALSE(names.may_come_in("a"));
        CHECK_FALSE(names.may_come_in("never"));
        CHECK_FALSE(names.remove("never"));
        CHECK(count == 1);
    }
    CHECK(count == 0);
}

TEST_CASE("left out names: beyond the most that are known, names become known by lists, and come in a round later", "[lite]") {
    std::atomic<std::size_t> count{0};
    LeftOutNames names(count);
    constexpr std::size_t all = LeftOutNames::most + 1'000;
    const auto name = [](std::size_t i) { return "name/" + std::to_string(i); };
    for (std::size_t i = 0; i < all; ++i) names.add(name(i));
    CHECK(count == all);
    std::set<std::size_t> in;
    std::size_t rounds = 0;
    // A hundred have room in each round.
    for (; in.size() != all && rounds < 500; ++rounds) {
        names.begin_round();
        std::size_t room = 100;
        for (std::size_t i = 0; i < all; ++i) {
            if (in.contains(i) || !names.may_come_in(name(i))) continue;
            if (room == 0) continue;
            --room;
            names.take_in(name(i));
            in.insert(i);
        }
        REQUIRE(names.size() == all - in.size());
        REQUIRE(count == all - in.size());
    }
    CHECK(in.size() == all);
    CHECK(rounds <= all / 100 + 2);
}

TEST_CASE("left out names: random announcements, ends and rounds against a plain model", "[lite]") {
    std::mt19937_64 random(seed("left out names"));
    std::atomic<std::size_t> count{0};
    LeftOutNames names(count);
    std::set<std::string> old, fresh;
    for (int i = 0; i < 20'000; ++i) {
        const auto name = std::to_string(random() % 50);
        switch (random() % 5) {
        case 0:
            names.add(name);
            old.erase(name);
            fresh.insert(name);
            break;
        case 1: CHECK(names.remove(name) == (old.erase(name) + fresh.erase(name) != 0)); break;
        case 2:
            names.take_in(name);
            old.erase(name);
            fresh.erase(name);
            break;
        case 3: REQUIRE(names.may_come_in(name) == old.contains(name)); break;
        case 4:
            if (random() % 10 != 0) break;
            names.begin_round();
            old.merge(fresh);
            break;
        }
        REQUIRE(names.size() == old.size() + fresh.size());
        REQUIRE(count == names.size());
    }
}

TEST_CASE("left out names: once some are not known, no end is taken for a fault, and the count is never below what it was",
          "[lite]") {
    std::atomic<std::size_t> count{0};
    {
        LeftOutNames names(count);
        constexpr std::size_t all = LeftOutNames::most + 3;
        const auto name = [](std::size_t i) { return "name/" + std::to_string(i); };
        for (std::size_t i = 0; i < all; ++i) names.add(name(i));
        names.begin_round();
        // One that was not known ends, and so does one that was. The list, which is older, has the first one.
        CHECK(names.remove(name(all - 1)));
        CHECK(names.remove(name(0)));
        CHECK_FALSE(names.may_come_in(name(all - 1)));
        // The others end, known or not.
        for (std::size_t i = 1; i + 1 < all; ++i) REQUIRE(names.remove(name(i)));
        CHECK(count == names.size());
    }
    CHECK(count == 0);
}

}
