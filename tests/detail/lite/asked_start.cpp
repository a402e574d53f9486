// Where a subscription begins, as it is told and heard.
#include <comoq/detail/lite/asked_start.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "support/catch.hpp"

namespace asked_start_tests {

using namespace comoq;
using namespace std::chrono_literals;
using lite::any_age;
using lite::AskedStart;

namespace {

Subscription wish(std::optional<std::uint64_t> start, std::chrono::milliseconds max_latency) {
    Subscription wishes;
    wishes.priority = 7;
    wishes.start = start;
    wishes.max_latency = max_latency;
    wishes.end = 90;
    return wishes;
}

constexpr std::nullopt_t none = std::nullopt;

}  // namespace

TEST_CASE("lite start: a start is told with any age unless the subscriber limits it, and no start with none until it has begun",
          "[lite][start]") {
    for (const bool raw : {false, true}) {
        CAPTURE(raw);
        CHECK(lite::told_wishes(wish(4, 0ms), raw, false) == wish(4, any_age));
        CHECK(lite::told_wishes(wish(0, -1ms), raw, true) == wish(0, any_age));
        CHECK(lite::told_wishes(wish(4, 20ms), raw, false) == wish(4, 20ms));
        CHECK(lite::told_wishes(wish(none, 20ms), raw, true) == wish(none, 20ms));
        CHECK(lite::told_wishes(wish(none, 0ms), raw, true) == wish(none, 0ms));
    }
    CHECK(lite::told_wishes(wish(none, 20ms), true, false) == wish(none, 0ms));
    // Without a start that says nothing, the age brings nothing.
    CHECK(lite::told_wishes(wish(none, 20ms), false, false) == wish(none, 20ms));
}

TEST_CASE("lite start: what a session tells is what its peer takes", "[lite][start]") {
    struct Row {
        std::optional<std::uint64_t> start;
        std::chrono::milliseconds max_latency;
    };
    const Row row = GENERATE(Row{none, 0ms}, Row{none, 20ms}, Row{0, 0ms}, Row{0, 20ms}, Row{4, 0ms}, Row{4, 20ms});
    const bool raw = GENERATE(false, true);
    CAPTURE(raw, row.start.has_value(), row.max_latency.count());
    const auto wishes = wish(row.start, row.max_latency);
    AskedStart asked(raw);
    // On the wire, a plain 0 and no start are the same.
    const auto wire = [raw](Subscription told) {
        if (raw && told.start == std::uint64_t{0}) {
            told.start.reset();
        }
        return told;
    };
    auto taken = asked.take(wire(lite::told_wishes(wishes, raw, false)));
    CHECK(taken.start == row.start);
    CHECK(asked.is_moved());
    CHECK(asked.is_named() == row.start.has_value());
    taken = asked.take(wire(lite::told_wishes(wishes, raw, true)));
    CHECK(taken == wishes);
    CHECK_FALSE(asked.is_moved());
    CHECK(asked.is_named() == row.start.has_value());
}

TEST_CASE("lite start: a plain start of 0 is named by the age that comes with it", "[lite][start]") {
    AskedStart asked(true);
    CHECK(asked.take(wish(none, 0ms)) == wish(none, 0ms));
    CHECK_FALSE(asked.is_named());
    SECTION("a later age says how late groups may come, and brings nothing") {
        CHECK(asked.take(wish(none, 2s)) == wish(none, 2s));
        CHECK_FALSE(asked.is_named());
    }
    SECTION("except any age") {
        CHECK(asked.take(wish(none, any_age)) == wish(0, 0ms));
        CHECK(asked.is_moved());
        CHECK_FALSE(asked.age());
        // Which it stays.
        CHECK(asked.take(wish(none, 2s)) == wish(0, 2s));
        CHECK_FALSE(asked.is_moved());
    }
    SECTION("a floor that comes, and goes") {
        CHECK(asked.take(wish(9, 2s)) == wish(9, 2s));
        CHECK(asked.is_moved());
        CHECK(asked.floor() == 9);
        CHECK(asked.age() == 2s);
        CHECK(asked.take(wish(9, 3s)) == wish(9, 3s));
        CHECK_FALSE(asked.is_moved());
        CHECK(asked.take(wish(none, 3s)) == wish(0, 3s));
        CHECK(asked.is_moved());
        CHECK(asked.floor() == 0);
    }
    SECTION("a floor that goes without an age") {
        asked.take(wish(9, 0ms));
        CHECK(asked.take(wish(none, 0ms)) == wish(none, 0ms));
        CHECK(asked.is_moved());
        CHECK_FALSE(asked.is_named());
    }
}

TEST_CASE("lite start: an age of 0 is told on as the least, and the frame of group 0 names it", "[lite][start]") {
    AskedStart plain(true), optional(false);
    CHECK(plain.take(wish(3, 0ms)) == wish(3, 1ms));
    CHECK(plain.age() == 0ms);
    // Without raw starts it means that the age does not matter.
    CHECK(optional.take(wish(0, 0ms)) == wish(0, 0ms));
    CHECK(optional.is_named());
    CHECK_FALSE(optional.age());
    AskedStart within(true);
    CHECK(within.take(wish(0, 0ms)) == wish(0, 1ms));
    CHECK(within.is_named());
    // Ages of more than any peer means are any age: they do not overflow anything.
    CHECK(plain.take(wish(3, std::chrono::milliseconds((std::int64_t{1} << 62) - 1))) == wish(3, 0ms));
}

TEST_CASE("lite start: what is to bring groups back is told as a start that is lowered", "[lite][start]") {
    const auto steps = [](const Subscription &wishes, Subscription told, bool raw) {
        std::vector<Subscription> all;
        for (auto next = lite::next_told(wishes, told, raw, true); next != told; next = lite::next_told(wishes, told, raw, true)) {
            all.push_back(told = next);
            REQUIRE(all.size() < 4);
        }
        return all;
    };
    using Steps = std::vector<Subscription>;
    for (const bool raw : {false, true}) {
        CAPTURE(raw);
        CHECK(steps(wish(4, 20ms), wish(4, 20ms), raw).empty());
        CHECK(steps(wish(4, 20ms), wish(4, 10ms), raw) == Steps{wish(5, 20ms), wish(4, 20ms)});
        CHECK(steps(wish(0, 20ms), wish(0, 10ms), raw) == Steps{wish(1, 20ms), wish(0, 20ms)});
        CHECK(steps(wish(4, 10ms), wish(4, 20ms), raw) == Steps{wish(4, 10ms)});
        CHECK(steps(wish(3, 20ms), wish(4, 10ms), raw) == Steps{wish(3, 20ms)});
        CHECK(steps(wish(4, 0ms), wish(4, 10ms), raw) == Steps{wish(4, any_age)});
        CHECK(steps(wish(none, 20ms), wish(none, 10ms), raw) == Steps{wish(none, 20ms)});
    }
    CHECK(steps(wish(0, 20ms), wish(none, 20ms), true) == Steps{wish(1, 20ms), wish(0, 20ms)});
    CHECK(steps(wish(0, 20ms), wish(none, 20ms), false) == Steps{wish(0, 20ms)});
    CHECK(steps(wish(0, 0ms), wish(none, 20ms), true) == Steps{wish(0, any_age)});
}

}
