// SPDX-License-Identifier: MIT
#include <comoq/detail/ietf/brought_groups.hpp>

#include <cstdint>
#include <limits>
#include <optional>

#include "support/catch.hpp"

namespace brought_groups_tests {

using namespace comoq;
using ietf::detail::BroughtGroups;

namespace {

using Number = std::optional<std::uint64_t>;

Subscription wishes(Number start, Number end) {
    Subscription all;
    all.priority = 7;
    all.start = start;
    all.end = end;
    return all;
}
BroughtGroups brought(std::uint64_t first, std::uint64_t last) {
    BroughtGroups groups;
    groups.add(first, last);
    return groups;
}

}  // namespace

TEST_CASE("brought groups: before any range is over, everything is left", "[ietf]") {
    CHECK(BroughtGroups().rest_of(wishes({}, {})) == wishes({}, {}));
    CHECK(BroughtGroups().rest_of(wishes(3, 1)) == wishes(3, 1));
}

TEST_CASE("brought groups: what is left begins behind them, and ends before them", "[ietf]") {
    const auto groups = brought(2, 4);
    CHECK(groups.rest_of(wishes({}, {})) == wishes(5, {}));
    CHECK(groups.rest_of(wishes({}, 4)) == std::nullopt);
    CHECK(groups.rest_of(wishes(2, 9)) == wishes(5, 9));
    CHECK(groups.rest_of(wishes(4, {})) == wishes(5, {}));
    CHECK(groups.rest_of(wishes(7, 9)) == wishes(7, 9));
    CHECK(groups.rest_of(wishes(2, 4)) == std::nullopt);
    CHECK(groups.rest_of(wishes(0, 4)) == wishes(0, 1));
    CHECK(groups.rest_of(wishes(0, 1)) == wishes(0, 1));
    // One filter cannot leave out the middle.
    CHECK(groups.rest_of(wishes(0, 5)) == wishes(0, 5));
    CHECK(groups.rest_of(wishes(0, {})) == wishes(0, {}));
}

TEST_CASE("brought groups: ranges that touch are one piece, and of others the newer one counts", "[ietf]") {
    for (const std::uint64_t next : {3u, 4u, 5u}) {
        auto groups = brought(2, 4);
        groups.add(next, 6);
        CHECK(groups.rest_of(wishes(2, 7)) == wishes(7, 7));
    }
    auto groups = brought(2, 4);
    groups.add(0, 1);
    CHECK(groups.rest_of(wishes(0, 5)) == wishes(5, 5));
    groups.add(8, 9);
    CHECK(groups.rest_of(wishes(8, 10)) == wishes(10, 10));
    CHECK(groups.rest_of(wishes(3, 5)) == wishes(3, 5));
}

TEST_CASE("brought groups: a range without an end that a track can have covers all of it", "[ietf]") {
    const auto groups = brought(1, std::numeric_limits<std::uint64_t>::max());
    CHECK(groups.rest_of(wishes(1, ietf::highest_number)) == std::nullopt);
}

}  // namespace brought_groups_tests
