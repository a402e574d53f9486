// SPDX-License-Identifier: MIT
#include <comoq/detail/media/held.hpp>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace held_tests {

using comoq::detail::Held;

TEST_CASE("held: copies share one object, which ends with the last of them, and nothing is nothing", "[held]") {
    const auto live = comoq::test::live_allocations();
    {
        const Held<std::string> nothing;
        CHECK_FALSE(nothing);
        CHECK(nothing == Held<std::string>());
        CHECK(comoq::test::live_allocations() == live);
        Held<std::string> one(std::in_place, "a text that is too long for the string itself"), other(std::in_place, *one);
        auto copy = one;
        CHECK(copy == one);
        CHECK_FALSE(copy == other);
        CHECK(&*copy == &*one);
        CHECK(copy->size() == 45);
        const auto moved = std::move(one);
        CHECK_FALSE(one);
        CHECK(moved == copy);
        copy = other;
        CHECK(copy == other);
        copy = nothing;
        CHECK_FALSE(copy);
        static_assert(sizeof(one) == sizeof(void *));
    }
    CHECK(comoq::test::live_allocations() == live);
}

TEST_CASE("held: copies may come and go on any thread", "[held][stress]") {
    const auto object = std::make_shared<int>(7);
    std::weak_ptr<int> alive = object;
    {
        Held<std::shared_ptr<int>> held(std::in_place, object);
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([copy = held] {
                for (int k = 0; k < 10'000; ++k) auto another = copy;
            });
        held = {};
        for (auto &thread : threads) thread.join();
    }
    CHECK(object.use_count() == 1);
}

}
