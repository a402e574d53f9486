#include <comoq/detail/media/combined_subscription.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace combined_subscription_tests {

using comoq::Subscription;
using comoq::detail::CombinedSubscription;
using std::chrono::milliseconds;

namespace {

std::optional<Subscription> combined(const std::vector<Subscription> &all) {
    CombinedSubscription together;
    std::list<CombinedSubscription::Member> members;
    for (const auto &one : all) {
        together.add(members.emplace_back(), one);
    }
    return together.value();
}

/// The same by looking at all of them.
std::optional<Subscription> looked_at(const std::vector<Subscription> &all) {
    std::optional<Subscription> together;
    for (const auto &one : all) {
        if (!together) {
            together = one;
            continue;
        }
        together->priority = std::max(together->priority, one.priority);
        together->ordered = together->ordered && one.ordered;
        together->max_latency = std::max(together->max_latency, one.max_latency);
        if (one.start) {
            together->start = together->start ? std::min(*together->start, *one.start) : *one.start;
        }
        together->end = together->end && one.end ? std::optional(std::max(*together->end, *one.end)) : std::nullopt;
    }
    return together;
}

Subscription random_one(std::mt19937_64 &random) {
    const auto number = [&random] { return random() % 5; };
    const auto maybe = [&] { return random() % 3 == 0 ? std::nullopt : std::optional(number()); };
    const auto start = maybe();
    return Subscription{static_cast<std::uint8_t>(number()), random() % 2 == 0,
                        milliseconds(static_cast<int>(number()) - 2), start, maybe()};
}

}  // namespace

TEST_CASE("section 6 combination: it is empty without a subscriber, and one subscriber's wishes are the combination",
          "[combined_subscription]") {
    CHECK(combined({}) == std::nullopt);
    const Subscription one{3, true, milliseconds(7), 4, 9};
    CHECK(combined({one}) == one);
    CHECK(combined({one, one}) == one);
    const Subscription utmost{255, true, milliseconds::max(), ~std::uint64_t{0}, ~std::uint64_t{0}};
    CHECK(combined({utmost}) == utmost);
    CHECK(combined({utmost, one}) == Subscription{255, true, milliseconds::max(), 4, ~std::uint64_t{0}});
}

TEST_CASE("section 6 combination: priority, order and latency", "[combined_subscription]") {
    const Subscription low{1, true, milliseconds(50), {}, {}};
    const Subscription high{9, true, milliseconds(20), {}, {}};
    const Subscription unordered{5, false, milliseconds(1), {}, {}};
    CHECK(combined({low, high}) == Subscription{9, true, milliseconds(50), {}, {}});
    CHECK(combined({low, unordered, high}) == Subscription{9, false, milliseconds(50), {}, {}});
}

TEST_CASE("section 6 combination: the lowest start, the highest end, and no end if one subscriber has none",
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

TEST_CASE("section 7 combination: after any arrivals and departures it is that of the present subscribers",
          "[combined_subscription]") {
    std::mt19937_64 random(comoq::test::seed("combined_subscription"));
    bool same = true;
    for (int round = 0; round < 200; ++round) {
        CombinedSubscription together;
        std::list<CombinedSubscription::Member> members;
        std::vector<Subscription> all;
        for (int step = 0; step < 60; ++step) {
            const auto at = all.empty() ? 0 : random() % all.size();
            const auto member = std::next(members.begin(), static_cast<std::ptrdiff_t>(at));
            if (all.empty() || random() % 3 != 0) {
                all.push_back(random_one(random));
                together.add(members.emplace_back(), all.back());
            } else if (random() % 2 == 0) {
                together.remove(*member);
                all[at] = random_one(random);
                together.add(*member, all[at]);
            } else {
                together.remove(*member);
                members.erase(member);
                all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
            }
            const auto edge = std::any_of(all.begin(), all.end(), [](const auto &one) { return !one.start; });
            same = same && together.value() == looked_at(all) && together.size() == all.size();
            same = same && together.follows_edge() == edge;
        }
    }
    CHECK(same);
}

}
