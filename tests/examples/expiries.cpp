// What is over at a time.
#include "relay/expiries.hpp"

#include <chrono>
#include <new>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace expiries_tests {

using namespace std::chrono_literals;

namespace {

const std::chrono::system_clock::time_point now{1000s};

std::vector<int> all_due(Expiries<int> &all, std::chrono::system_clock::time_point at) {
    std::vector<int> due;
    while (const auto next = all.take_due(at)) due.push_back(*next);
    return due;
}

}  // namespace

TEST_CASE("the relay's expiries: each thing is over once, at its last time", "[examples]") {
    Expiries<int> all;
    all.set(1, now + 3s);
    all.set(2, now + 1s);
    all.set(3, now + 1s);
    all.set(4, now - 1s);
    all.set(5, now + 2s);
    // Another time, the same one, and none.
    all.set(2, now + 2s);
    all.set(1, now + 3s);
    all.forget(5);
    all.forget(6);
    CHECK(all.size() == 4);
    CHECK(all_due(all, now) == std::vector<int>{4});
    CHECK(all_due(all, now + 1s) == std::vector<int>{3});
    CHECK(all_due(all, now + 2s - 1ns).empty());
    // The clock may be set to anything.
    CHECK(all_due(all, now + 1h) == std::vector<int>{2, 1});
    CHECK(all_due(all, now + 2h).empty());
    CHECK(all.size() == 0);
}

TEST_CASE("the relay's expiries: without memory a thing keeps the time that it has, and is over then", "[examples]") {
    if (!comoq::test::allocations_can_fail()) return;
    Expiries<int> all;
    all.set(1, now + 1s);
    {
        comoq::test::NoMemory none;
        bool is_refused = false;
        try {
            all.set(1, now + 1h);
        } catch (const std::bad_alloc &) {
            is_refused = true;
        }
        const auto early = all.take_due(now + 1s - 1ns), due = all.take_due(now + 1s), more = all.take_due(now + 2h);
        none.end();
        CHECK(is_refused);
        CHECK_FALSE(early);
        CHECK(due == 1);
        CHECK_FALSE(more);
    }
    // Nor is half of a new thing left, whichever allocation fails.
    for (std::size_t after = 0; after < 3; ++after) {
        comoq::test::FailingAllocation failing(after);
        bool is_refused = false;
        try {
            all.set(2, now);
        } catch (const std::bad_alloc &) {
            is_refused = true;
        }
        failing.stop();
        INFO(after);
        const std::size_t known = is_refused ? 0 : 1;
        CHECK(all.size() == known);
        const auto due = all_due(all, now);
        CHECK(due.size() == known);
        CHECK(all.size() == 0);
    }
}

}
