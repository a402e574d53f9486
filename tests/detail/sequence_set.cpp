#include <comoq/detail/sequence_set.hpp>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

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

TEST_CASE("section 6 sequences: the highest number there is", "[sequence_set]") {
    constexpr std::uint64_t highest = (std::uint64_t{1} << 62) - 1;
    SequenceSet set;
    set.insert(highest);
    CHECK(set.contains(highest));
    CHECK_FALSE(set.contains(highest - 1));
    CHECK(set.covers(highest, highest + 1));
    set.insert(highest - 1);
    CHECK(set.covers(highest - 1, highest + 1));
}

TEST_CASE("section 6 sequences: any history gives what a plain set gives", "[sequence_set]") {
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

TEST_CASE("section 6 memory: a set with gaps without end stays small, and keeps the latest numbers exact",
          "[sequence_set]") {
    SequenceSet set;
    for (std::uint64_t sequence = 0; sequence < 10'000; sequence += 2) {
        set.insert(sequence);
    }
    CHECK(set.runs() == SequenceSet::max_runs);
    // The gaps that are filled are the lowest.
    CHECK(set.contains(1));
    CHECK(set.contains(9998));
    CHECK_FALSE(set.contains(9997));
    CHECK_FALSE(set.contains(9999));
}
