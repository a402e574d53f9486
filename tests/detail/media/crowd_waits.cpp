#include <comoq/detail/media/crowd_waits.hpp>

#include <cstdint>
#include <vector>

#include "support/catch.hpp"

namespace crowd_waits_tests {

using comoq::detail::CappedCrowd;
using comoq::detail::CrowdPlace;
using comoq::detail::CrowdWaits;
using comoq::detail::SubscriberWaits;
using comoq::detail::Waiter;
using comoq::detail::WakeList;

namespace {

struct Recorder final : Waiter {
    Recorder(std::vector<int> &to, int number) : list(to), which(number) {}
    void claimed() noexcept override {}
    Waiter *wake(std::size_t) noexcept override {
        Waiter *rest = following();
        list.push_back(which);
        return rest;
    }
    std::vector<int> &list;
    int which;
};

}  // namespace

TEST_CASE("section 6 subscriber: an event for one subscriber wakes that one, and an event for all wakes all", "[crowd_waits]") {
    std::vector<int> woken;
    Recorder a1(woken, 11), a2(woken, 12), b(woken, 2), c(woken, 3);
    CrowdWaits crowd;
    SubscriberWaits a_waits, b_waits, c_waits;
    crowd.add(a_waits, a1);
    crowd.add(b_waits, b);
    crowd.add(a_waits, a2);
    crowd.add(c_waits, c);
    {
        WakeList wake;
        b_waits.wake(wake);
    }
    CHECK(woken == std::vector{2});
    CHECK_FALSE(b_waits.withdraw(b));
    CHECK(c_waits.withdraw(c));
    CHECK_FALSE(crowd.empty());
    {
        WakeList wake;
        crowd.wake_all(wake);
    }
    CHECK(woken == std::vector{2, 11, 12});
    CHECK(crowd.empty());
    crowd.add(b_waits, b);
    CHECK(b_waits.withdraw(b));
    CHECK(crowd.empty());
}

TEST_CASE("section 6 subscriber: a subscriber that begins to wait for another event is woken by that alone", "[crowd_waits]") {
    std::vector<int> woken;
    Recorder first(woken, 1), second(woken, 2);
    CrowdWaits one, other;
    SubscriberWaits waits;
    CrowdPlace(one, waits).add(first);
    CrowdPlace(other, waits).add(second);
    CHECK(one.empty());
    {
        WakeList wake;
        other.wake_all(wake);
    }
    CHECK(woken == std::vector{1, 2});
    CHECK(CrowdPlace(one, waits).withdraw(first) == false);
}

TEST_CASE("section 6 subscriber: a crowd that is destroyed leaves its waiters in no list", "[crowd_waits]") {
    std::vector<int> woken;
    Recorder waiter(woken, 1);
    SubscriberWaits waits;
    {
        CrowdWaits crowd;
        crowd.add(waits, waiter);
    }
    {
        WakeList wake;
        waits.wake(wake);
    }
    CHECK(woken == std::vector{1});
}

TEST_CASE("section 6 subscriber: a group wakes the readers whose cap is not lower, and an event for all wakes the others, too",
          "[crowd_waits]") {
    std::vector<int> woken;
    Recorder all(woken, 1), low(woken, 10), high(woken, 30), middle(woken, 20);
    CappedCrowd crowd;
    SubscriberWaits all_waits, low_waits, high_waits, middle_waits;
    const auto add = [&] {
        crowd.add(low_waits, low, 10);
        crowd.add(high_waits, high, 30);
        crowd.add(all_waits, all);
        crowd.add(middle_waits, middle, 20);
    };
    add();
    const auto wake_for = [&](std::uint64_t sequence) {
        WakeList wake;
        crowd.wake_for(sequence, wake);
    };
    wake_for(31);
    CHECK(woken == std::vector{1});
    wake_for(20);
    CHECK(woken == std::vector{1, 30, 20});
    wake_for(11);
    CHECK(woken.size() == 3);
    CHECK_FALSE(crowd.empty());
    wake_for(10);
    CHECK(woken == std::vector{1, 30, 20, 10});
    CHECK(crowd.empty());
    add();
    CHECK(high_waits.withdraw(high));
    {
        WakeList wake;
        crowd.wake_all(wake);
    }
    CHECK(woken == std::vector{1, 30, 20, 10, 1, 20, 10});
}

}
