#include <comoq/detail/containers/pairing_heap.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace pairing_heap_tests {

using namespace comoq::test;
using comoq::detail::HeapNode;
using comoq::detail::PairingHeap;

namespace {

std::size_t comparisons = 0;

struct Item : HeapNode<Item> {
    explicit Item(std::uint64_t of) : key(of) {}
    std::uint64_t key;
};
struct Before {
    bool operator()(const Item &one, const Item &other) const {
        ++comparisons;
        return one.key < other.key;
    }
};
using Heap = PairingHeap<Item, Before>;

}  // namespace

TEST_CASE("a pairing heap has the first of its items on top, in any history", "[pairing_heap]") {
    std::mt19937_64 random(seed("pairing heap"));
    Heap heap;
    std::deque<Item> items;
    std::vector<Item *> inside, outside;
    for (int i = 0; i < 300; ++i) outside.push_back(&items.emplace_back(random() % 100));
    const AllocationCount allocations;
    inside.reserve(items.size());
    outside.reserve(items.size());
    const auto reserved = allocations.made();
    for (int step = 0; step < 20'000; ++step) {
        const auto move = [&](std::vector<Item *> &from, std::vector<Item *> &to) -> Item & {
            auto &chosen = from[random() % from.size()];
            std::swap(chosen, from.back());
            to.push_back(from.back());
            from.pop_back();
            return *to.back();
        };
        const auto what = random() % 4;
        if (what == 0 && !inside.empty()) {
            heap.remove(move(inside, outside));
        } else if (what == 1 && !inside.empty()) {
            Item &item = *inside[random() % inside.size()];
            item.key = random() % 100;
            heap.update(item);
        } else if (!outside.empty() && (step / 1'000) % 2 == 0) {
            heap.add(move(outside, inside));
        } else if (!heap.empty()) {
            Item *const top = heap.top();
            std::swap(*std::find(inside.begin(), inside.end(), top), inside.back());
            heap.remove(move(inside, outside));
        }
        REQUIRE(heap.empty() == inside.empty());
        if (heap.empty()) {
            CHECK(heap.top() == nullptr);
            continue;
        }
        std::uint64_t least = 100;
        for (const Item *item : inside) least = std::min(least, item->key);
        REQUIRE(heap.top()->key == least);
    }
    CHECK(allocations.made() == reserved);
}

TEST_CASE("a pairing heap compares logarithmically often", "[pairing_heap]") {
    for (const std::size_t count : {10u, 100u, 1'000u, 10'000u}) {
        std::mt19937_64 random(count);
        Heap heap;
        std::deque<Item> items;
        for (std::size_t i = 0; i < count; ++i) heap.add(items.emplace_back(random()));
        comparisons = 0;
        for (std::size_t i = 0; i < count; ++i) {
            Item &top = *heap.top();
            heap.remove(top);
            top.key += random() / 2;
            heap.add(top);
        }
        CHECK(comparisons <= 3 * count * std::bit_width(count));
        for (std::uint64_t last = 0; !heap.empty(); heap.remove(*heap.top())) {
            REQUIRE(heap.top()->key >= last);
            last = heap.top()->key;
        }
    }
}

}
