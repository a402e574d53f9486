// SPDX-License-Identifier: MIT
#include <comoq/detail/stream/piece_queue.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <utility>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace piece_queue_tests {

using namespace comoq::test;
using comoq::detail::Aftermath;
using comoq::detail::PieceQueue;

TEST_CASE("a queue of pieces is what a deque is, with a mark in it, and its elements stay where they are", "[stream]") {
    std::mt19937_64 random(seed("piece_queue"));
    PieceQueue<std::shared_ptr<int>> queue;
    PieceQueue<std::shared_ptr<int>>::Mark mark;
    const auto alive = std::make_shared<int>(0);
    // The same, with where each element is; `passed` of them are before the mark.
    std::deque<std::pair<long, const void *>> model;
    std::size_t passed = 0;
    for (int i = 0; i < 50'000; ++i) {
        // Now more come, now more go.
        const bool grows = i / 500 % 2 == 0;
        switch (random() % (grows ? 4 : 8)) {
        case 0:
        case 1: {
            const auto &made = queue.emplace_back(alive);
            model.emplace_back(i, &made);
            break;
        }
        case 2:
            if (passed == model.size()) break;
            queue.pass(mark);
            ++passed;
            break;
        default:
            if (passed == 0) break;
            REQUIRE(&queue.front() == model.front().second);
            queue.pop_front(&mark);
            model.pop_front();
            --passed;
            break;
        }
        REQUIRE(queue.size() == model.size());
        REQUIRE(queue.empty() == model.empty());
        REQUIRE(alive.use_count() == static_cast<long>(model.size()) + 1);
        auto place = mark;
        for (std::size_t k = passed; k < model.size() && k < passed + 20; ++k) {
            REQUIRE(queue.after(place) == model[k].second);
            queue.pass(place);
        }
        if (model.size() <= passed + 20) REQUIRE(queue.after(place) == nullptr);
        if (random() % 2'000 == 0) {
            {
                Aftermath after;
                queue.clear(after);
                CHECK(queue.empty());
                CHECK(alive.use_count() == static_cast<long>(model.size()) + 1);
            }
            CHECK(alive.use_count() == 1);
            model.clear();
            mark = {};
            passed = 0;
        }
    }
}

TEST_CASE("a queue of pieces allocates nothing while about as many come as go", "[stream]") {
    PieceQueue<int> queue;
    const auto round = [&](int count) {
        for (int i = 0; i < count; ++i) queue.emplace_back(i);
        for (int i = 0; i < count; ++i) queue.pop_front();
    };
    round(20);
    const AllocationCount made;
    for (int i = 0; i < 100; ++i) round(1 + i % 20);
    CHECK(made.made() == 0);
}

TEST_CASE("payloads that are dropped after a lock need no memory if they are few, and all end with it", "[stream]") {
    const auto owner = std::make_shared<int>(0);
    const std::byte octet{1};
    const auto drop = [&](Aftermath &after, int count) {
        for (int i = 0; i < count; ++i) after.drop(comoq::Bytes(owner, std::span(&octet, 1)));
    };
    {
        const AllocationCount made;
        Aftermath after;
        drop(after, 16);
        CHECK(made.made() == 0);
        drop(after, 100);
        CHECK(owner.use_count() == 117);
    }
    CHECK(owner.use_count() == 1);
}

}  // namespace piece_queue_tests
