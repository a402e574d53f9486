// What is over at a time.
#include "relay/expiries.hpp"

#include <chrono>
#include <vector>

#include "support/catch.hpp"

namespace expiries_tests {

using namespace std::chrono_literals;

TEST_CASE("the relay's expiries: each thing is over once, at its last time", "[examples]") {
    const std::chrono::system_clock::time_point now{1000s};
    Expiries<int> all;
    all.set(1, now + 3s);
    all.set(2, now + 1s);
    all.set(3, now + 1s);
    all.set(4, now - 1s);
    all.set(5, now + 2s);
    // Another time, and none.
    all.set(2, now + 2s);
    all.forget(5);
    all.forget(6);
    CHECK(all.size() == 4);
    CHECK(all.take_due(now) == std::vector<int>{4});
    CHECK(all.take_due(now + 1s) == std::vector<int>{3});
    CHECK(all.take_due(now + 2s - 1ns).empty());
    // The clock may be set to anything.
    CHECK(all.take_due(now + 1h) == std::vector<int>{2, 1});
    CHECK(all.take_due(now + 2h).empty());
    CHECK(all.size() == 0);
}

}
