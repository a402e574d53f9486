#include <comoq/detail/combined_subscription.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

using comoq::Subscription;
using comoq::detail::CombinedSubscription;
using std::chrono::milliseconds;

namespace {

std::optional<Subscription> combined(const std::vector<Subscription> &all) {
    CombinedSubscription together;
    for (const auto &one : all) {
        together.add(one);
    }
    return together.value();
}

Subscription random_one(std::mt19937_64 &random) {
    const auto number = [&random] { return random() % 5; };
    const auto maybe = [&] { return random() % 3 == 0 ? std::nullopt : std::optional(number()); };
    const auto start = maybe();
    return Subscription{static_cast<std::uint8_t>(number()), random() % 2 == 0,
                        milliseconds(static_cast<int>(number())), start, maybe()};
}

}  // namespace

TEST_CASE("section 6 combination: nobody wants nothing, one wants what he wants", "[combined_subscription]") {
    CHECK(combined({}) == std::nullopt);
    const Subscription one{3, true, milliseconds(7), 4, 9};
    CHECK(combined({one}) == one);
    CHECK(combined({one, one}) == one);
}

TEST_CASE("section 6 combination: priority, order and latency", "[combined_subscription]") {
    const Subscription low{1, true, milliseconds(50), {}, {}};
    const Subscription high{9, true, milliseconds(20), {}, {}};
    const Subscription unordered{5, false, milliseconds(1), {}, {}};
    CHECK(combined({low, high}) == Subscription{9, true, milliseconds(50), {}, {}});
    CHECK(combined({low, unordered, high}) == Subscription{9, false, milliseconds(50), {}, {}});
}

TEST_CASE("section 6 combination: the lowest start, the highest end, no end if one has none",
          "[combined_subscription]") {
    const auto range = [](std::optional<std::uint64_t> start, std::optional<std::uint64_t> end) {
        return Subscription{0, false, milliseconds(0), start, end};
    };
    CHECK(combined({range(5, 6), range(3, 4)}) == range(3, 6));
    CHECK(combined({range(5, 6), range({}, 9)}) == range(5, 9));
    CHECK(combined({range({}, 9), range(5, 6)}) == range(5, 9));
    CHECK(combined({range(5, 6), range(3, {})}) == range(3, {}));
    CHECK(combined({range(5, {}), range(3, 8), range(4, 9)}) == range(3, {}));
    CHECK(combined({range({}, {}), range({}, 0)}) == range({}, {}));
}

TEST_CASE("section 6 combination: the order of the subscribers does not matter", "[combined_subscription]") {
    std::mt19937_64 random(comoq::test::seed("combined_subscription"));
    bool same = true;
    for (int round = 0; round < 500; ++round) {
        std::vector<Subscription> all;
        for (auto count = 1 + random() % 5; count != 0; --count) {
            all.push_back(random_one(random));
        }
        const auto first = combined(all);
        std::shuffle(all.begin(), all.end(), random);
        same = same && combined(all) == first;
    }
    CHECK(same);
}
