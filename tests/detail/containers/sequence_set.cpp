#include <comoq/detail/containers/sequence_set.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace sequence_set_tests {

using comoq::detail::SequenceSet;

TEST_CASE("section 6 sequences: an empty set contains and covers nothing", "[sequence_set]") {
    const SequenceSet set;
    CHECK_FALSE(set.contains(0));
    CHECK_FALSE(set.covers(0, 1));
    CHECK(set.covers(0, 0));
    CHECK(set.covers(5, 3));
}

TEST_CASE("section 6 sequences: runs are joined where they meet", "[sequence_set]") {
    SequenceSet set;
    for (const std::uint64_t sequence : {4u, 2u, 0u, 3u}) {
        set.insert(sequence);
        set.insert(sequence);
    }
    CHECK(set.covers(2, 5));
    CHECK_FALSE(set.covers(0, 5));
    CHECK_FALSE(set.contains(1));
    set.insert(1);
    CHECK(set.covers(0, 5));
    CHECK_FALSE(set.covers(0, 6));
    CHECK_FALSE(set.contains(5));
}

TEST_CASE("section 6 sequences: the highest possible number can be inserted", "[sequence_set]") {
    constexpr std::uint64_t highest = (std::uint64_t{1} << 62) - 1;
    SequenceSet set;
    set.insert(highest);
    CHECK(set.contains(highest));
    CHECK_FALSE(set.contains(highest - 1));
    CHECK(set.covers(highest, highest + 1));
    set.insert(highest - 1);
    CHECK(set.covers(highest - 1, highest + 1));
}

TEST_CASE("section 6 sequences: they behave like a plain set in any history", "[sequence_set]") {
    std::mt19937_64 random(comoq::test::seed("sequence_set"));
    bool same = true;
    for (int history = 0; history < 500; ++history) {
        SequenceSet set;
        std::set<std::uint64_t> plain;
        const std::uint64_t range = 2 + random() % 40;
        for (int step = 0; step < 60; ++step) {
            const auto sequence = random() % range;
            set.insert(sequence);
            plain.insert(sequence);
            const auto first = random() % range;
            const auto end = random() % (range + 2);
            bool covers = true;
            for (auto at = first; at < end; ++at) {
                covers = covers && plain.contains(at);
            }
            same = same && set.covers(first, end) == covers && set.contains(first) == plain.contains(first);
        }
    }
    CHECK(same);
}

TEST_CASE("section 6 memory: a set with endless gaps stays small, and keeps the latest numbers exact",
          "[sequence_set]") {
    SequenceSet set;
    for (std::uint64_t sequence = 0; sequence < 10'000; sequence += 2) {
        set.insert(sequence);
    }
    CHECK(set.runs() == SequenceSet::max_runs);
    // The lowest gaps are filled.
    CHECK(set.contains(1));
    CHECK(set.contains(9998));
    CHECK_FALSE(set.contains(9997));
    CHECK_FALSE(set.contains(9999));
}

TEST_CASE("section 6 memory: above the highest gap that it gave up, a set knows every number, in whatever order they came",
          "[sequence_set]") {
    std::mt19937_64 random(comoq::test::seed("gaps given up by a sequence_set"));
    for (int round = 0; round != 20; ++round) {
        SequenceSet set;
        std::set<std::uint64_t> put;
        for (int i = 0; i != 4000; ++i) {
            const auto number = random() % 20'000;
            set.insert(number);
            put.insert(number);
            for (std::uint64_t next = set.exact_from(); next != set.exact_from() + 8; ++next)
                if (set.contains(next) != put.contains(next)) FAIL("after " << i << " the set is wrong about " << next);
        }
        CHECK(set.given_up() != 0);
        for (std::uint64_t number = set.exact_from(); number != 20'001; ++number)
            if (set.contains(number) != put.contains(number)) FAIL("the set is wrong about " << number);
        for (const auto number : put)
            if (!set.contains(number)) FAIL("the set has lost " << number);
    }
}

TEST_CASE("section 6 sequences: inserted ranges behave like a plain set in any history", "[sequence_set]") {
    std::mt19937_64 random(comoq::test::seed("ranges in a sequence_set"));
    for (int history = 0; history < 300; ++history) {
        SequenceSet set;
        std::set<std::uint64_t> plain;
        for (int step = 0; step < 30; ++step) {
            const std::uint64_t first = random() % 60;
            const std::uint64_t last = random() % 3 == 0 ? first : first + random() % 9;
            if (first == last && random() % 2 == 0) {
                set.insert(first);
            } else {
                set.insert(first, last);
            }
            for (auto sequence = first; sequence <= last; ++sequence) {
                plain.insert(sequence);
            }
        }
        bool same = true;
        std::size_t runs = 0;
        for (std::uint64_t sequence = 0; sequence < 80; ++sequence) {
            same = same && set.contains(sequence) == plain.contains(sequence);
            runs += plain.contains(sequence) && (sequence == 0 || !plain.contains(sequence - 1)) ? 1u : 0u;
        }
        CHECK(same);
        CHECK(set.runs() == runs);
    }
    SequenceSet set;
    set.insert(7, 6);
    CHECK(set.runs() == 0);
    for (std::uint64_t i = 0; i < 3000; ++i) {
        set.insert(10 * i, 10 * i + 3);
    }
    CHECK(set.runs() == SequenceSet::max_runs);
}

TEST_CASE("section 6 sequences: an insertion returns the gap that it gives up", "[sequence_set]") {
    SequenceSet set;
    for (std::size_t i = 0; i < SequenceSet::max_runs; ++i) CHECK_FALSE(set.insert(10 * i));
    // A number that joins a run takes no more room.
    CHECK_FALSE(set.insert(1));
    const auto lowest = set.insert(10 * SequenceSet::max_runs);
    REQUIRE(lowest);
    CHECK(lowest->first == 2);
    CHECK(lowest->last == 9);
    CHECK(set.contains(5));
    // The gap may be a part of the one that the number itself falls into.
    const auto split = set.insert(15);
    REQUIRE(split);
    CHECK(split->first == 11);
    CHECK(split->last == 14);
    CHECK_FALSE(set.contains(16));
    CHECK(set.runs() == SequenceSet::max_runs);
}

}
