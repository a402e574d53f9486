#include <comoq/detail/wait/waiter.hpp>

#include <memory>
#include <vector>

#include "support/catch.hpp"

namespace waiter_tests {

using comoq::detail::WaitList;
using comoq::detail::WakeList;
using comoq::detail::Waiter;

namespace {

struct Recorder final : Waiter {
    Recorder(std::vector<int> &to, int number) : list(to), which(number) {}
    void claimed() noexcept override { ++claims; }
    Waiter *wake(std::size_t) noexcept override {
        Waiter *rest = following();
        list.push_back(which);
        delete victim;
        return rest;
    }
    std::vector<int> &list;
    int which;
    int claims = 0;
    Recorder *victim = nullptr;
};

}  // namespace

TEST_CASE("section 2: waiters are claimed under the lock and woken after it, oldest first", "[waiter]") {
    std::vector<int> woken;
    Recorder one(woken, 1), two(woken, 2), three(woken, 3);
    WaitList list, other;
    list.add(one);
    list.add(two);
    other.add(three);
    {
        WakeList wake;
        wake.take(list);
        wake.take(other);
        CHECK(list.empty());
        CHECK((one.claims == 1 && two.claims == 1 && three.claims == 1));
        CHECK(woken.empty());
        CHECK_FALSE(list.withdraw(one));
    }
    CHECK(woken == std::vector<int>{1, 2, 3});
}

TEST_CASE("section 2: a waiter that withdraws is not woken, and the others stay", "[waiter]") {
    std::vector<int> woken;
    Recorder one(woken, 1), two(woken, 2), three(woken, 3);
    WaitList list;
    list.add(one);
    list.add(two);
    list.add(three);
    const int leaving = GENERATE(0, 1, 2);
    Recorder *const all[] = {&one, &two, &three};
    CHECK(list.withdraw(*all[leaving]));
    CHECK_FALSE(list.withdraw(*all[leaving]));
    {
        WakeList wake;
        wake.take(list);
    }
    CHECK(woken.size() == 2);
    CHECK(all[leaving]->claims == 0);
    // It may come back.
    list.add(*all[leaving]);
    CHECK_FALSE(list.empty());
    CHECK(list.withdraw(*all[leaving]));
    CHECK(list.empty());
}

TEST_CASE("section 2: a waiter that comes after others have withdrawn is woken after those that stay", "[waiter]") {
    std::vector<int> woken;
    Recorder one(woken, 1), two(woken, 2), three(woken, 3), late(woken, 4);
    WaitList list;
    for (Recorder *each : {&one, &two, &three}) list.add(*each);
    Recorder *const all[] = {&one, &two, &three};
    const int leaving = GENERATE(0, 1, 2), leaving_too = GENERATE(0, 1, 2);
    CHECK(list.withdraw(*all[leaving]));
    list.withdraw(*all[leaving_too]);
    list.add(late);
    {
        WakeList wake;
        wake.take(list);
    }
    std::vector<int> staying;
    for (int i = 0; i != 3; ++i)
        if (i != leaving && i != leaving_too) staying.push_back(i + 1);
    staying.push_back(4);
    CHECK(woken == staying);
}

TEST_CASE("section 2: a waiter may be gone when it has been woken, and so may those before it", "[waiter]") {
    std::vector<int> woken;
    auto *first = new Recorder(woken, 1);
    Recorder second(woken, 2), third(woken, 3);
    second.victim = first;
    WaitList list;
    list.add(*first);
    list.add(second);
    list.add(third);
    {
        WakeList wake;
        wake.take(list);
    }
    CHECK(woken == std::vector<int>{1, 2, 3});
}

}
