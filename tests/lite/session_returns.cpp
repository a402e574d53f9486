// A viewer that comes back while its track stays here for a moment: it begins where the source is now.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "lite/start_chain.hpp"
#include "support/catch.hpp"

namespace session_returns_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("a start over sessions: a viewer that comes back while its track stays here for a moment begins with the newest group of the source",
          "[lite][session][start]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto relays = static_cast<std::size_t>(GENERATE(0, 1, 2));
    CAPTURE(version, relays);
    Chain chain(version, relays);
    chain.write(3);
    {
        auto reader = chain.subscribe(from(std::nullopt));
        CHECK(nexts(reader) == Numbers{2});
    }
    chain.run();
    SECTION("which has gone on") {
        chain.write(3);
        auto reader = chain.ask(from(std::nullopt));
        CHECK(nexts(reader.value()).empty());
        chain.run();
        CHECK(nexts(reader.value()) == Numbers{5});
        chain.write(2);
        CHECK(nexts(reader.value()) == Numbers{6, 7});
    }
    SECTION("in the order of arrival, and by frames") {
        chain.write(3);
        auto one = chain.ask(from(std::nullopt)), other = chain.ask(from(std::nullopt, 20ms));
        chain.run();
        CHECK(received(one.value()) == Numbers{5});
        auto frame = wait(other.value().read_first_frame());
        REQUIRE(frame.value());
        CHECK(frame.value()->timestamp == Timestamp(300'000, Timescale(1000)));
    }
    SECTION("which has not: the group is here") {
        auto reader = chain.subscribe(from(std::nullopt));
        CHECK(nexts(reader) == Numbers{2});
        chain.write(1);
        CHECK(nexts(reader) == Numbers{3});
    }
    SECTION("beside one that wants all groups") {
        chain.write(3);
        auto all = chain.ask(from(0)), live = chain.ask(from(std::nullopt));
        chain.run();
        chain.time.advance(2s);
        chain.run();
        CHECK(nexts(all.value()) == Numbers{0, 1, 2, 3, 4, 5});
        CHECK(nexts(live.value()) == Numbers{5});
    }
    SECTION("beside one that wants all groups, where there is nothing newer") {
        auto all = chain.ask(from(0)), live = chain.ask(from(std::nullopt));
        chain.run();
        CHECK(nexts(live.value()).empty());
        // Nothing says that the kept one is the newest, but that no other comes.
        chain.time.advance(2s);
        chain.run();
        CHECK(nexts(all.value()) == Numbers{0, 1, 2});
        CHECK(nexts(live.value()) == Numbers{2});
    }
    SECTION("beside one that waits for a group that is to come") {
        auto later = chain.subscribe(from(8));
        chain.time.advance(2s);
        chain.run();
        chain.write(3);
        auto live = chain.subscribe(from(std::nullopt));
        CHECK(nexts(live) == Numbers{5});
        chain.write(3);
        CHECK(nexts(later) == Numbers{8});
        CHECK(nexts(live) == Numbers{6, 7, 8});
    }
    SECTION("after another one that has only just come back") {
        chain.write(3);
        auto first = chain.subscribe(from(std::nullopt));
        auto second = chain.subscribe(from(std::nullopt));
        CHECK(nexts(first) == Numbers{5});
        CHECK(nexts(second) == Numbers{5});
    }
    SECTION("one that has a start does not wait for it") {
        chain.write(3);
        auto reader = chain.ask(from(2));
        CHECK(received(reader.value()) == Numbers{2});
        chain.run();
        CHECK(nexts(reader.value()) == Numbers{2, 3, 4, 5});
    }
}

TEST_CASE("a start over sessions: a viewer that comes back and limits the age is not given what was kept here and is older",
          "[lite][session][start]") {
    const auto relays = static_cast<std::size_t>(GENERATE(1, 2));
    CAPTURE(relays);
    Chain chain(draft_06, relays);
    const auto write = [&chain](std::uint64_t second) { chain.video.write_frame(payload("x"), Timestamp(second, Timescale(1))); };
    write(0);
    {
        // At the last relay: the viewer itself has nothing.
        auto reader = chain.subscribe(from(std::nullopt), relays);
        CHECK(nexts(reader) == Numbers{0});
    }
    chain.run();
    for (std::uint64_t second = 11; second != 14; ++second) write(second);
    auto reader = chain.subscribe(from(0, 1500ms));
    auto got = received(reader);
    std::sort(got.begin(), got.end());
    CHECK(got == Numbers{1, 2, 3});
    // It may want them later.
    reader.update(from(0));
    chain.run();
    CHECK(received(reader) == Numbers{0});
}

TEST_CASE("a start over sessions: a viewer that limits the age and wants what is yet to come is served though nothing comes",
          "[lite][session][start]") {
    Chain chain(draft_06, 1);
    chain.write(3);
    {
        auto reader = chain.subscribe(from(std::nullopt), 1);
        CHECK(nexts(reader) == Numbers{2});
    }
    chain.run();
    auto reader = chain.subscribe(from(3, 1500ms));
    chain.time.advance(1min);
    chain.run();
    chain.write(1);
    CHECK(nexts(reader) == Numbers{3});
}

}  // namespace session_returns_tests
