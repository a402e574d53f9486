// SPDX-License-Identifier: MIT
#include <comoq/detail/media/lane_groups.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace lane_groups_tests {

using namespace comoq;
using comoq::detail::GivenLanes;
using comoq::detail::GroupState;
using comoq::detail::LaneGroups;
using comoq::detail::MediaBounds;
using comoq::detail::TrackShared;
using comoq::test::error_of;

TEST_CASE("lane groups: they are found by group and lane, in order, and their number is bounded", "[lanes]") {
    const auto shared = std::make_shared<TrackShared>(MediaBounds::without_pool());
    const auto lane = [&](std::uint64_t sequence, std::uint64_t subgroup) {
        return std::make_shared<GroupState>(shared, sequence, Timescale(1000), true, GroupInfo{.subgroup = subgroup});
    };
    LaneGroups lanes;
    CHECK_FALSE(lanes.last().has_value());
    CHECK_FALSE(lanes.largest().has_value());
    CHECK(lanes.first(4) == nullptr);
    const auto second = lane(4, 9), first = lane(4, 2), other = lane(6, 1);
    for (const auto &each : {second, first, other}) lanes.add(each);
    CHECK(lanes.last() == 6);
    CHECK(lanes.first(4) == first.get());
    CHECK_FALSE(lanes.has(5));
    std::vector<std::uint64_t> seen;
    const auto look = [&](const std::shared_ptr<GroupState> &each) {
        seen.push_back(each->subgroup());
        return seen.size() == 2;
    };
    CHECK(lanes.any_from(4, look));
    CHECK(seen == std::vector<std::uint64_t>{2, 9});
    first->write(Bytes::copy("a"), {});
    CHECK(lanes.largest() == Location{4, 0});
    other->write(Bytes::copy("a"), {});
    CHECK(lanes.largest() == Location{6, 0});
    CHECK(error_of([&] { lanes.throw_unless_new({4, 9}); }) == Error::Duplicate);
    lanes.erase(*second);
    CHECK_FALSE(error_of([&] { lanes.throw_unless_new({4, 9}); }));
    for (std::uint64_t i = 100; i < 100 + MediaBounds::max_group_lanes - 1; ++i) lanes.add(lane(4, i));
    CHECK(error_of([&] { lanes.throw_unless_new({4, 9}); }) == Error::LimitReached);
    CHECK_FALSE(error_of([&] { lanes.throw_unless_new({5, 9}); }));
}

TEST_CASE("lane groups: a subscriber remembers the highest lanes that it was given, and counts those below as given", "[lanes]") {
    GivenLanes given;
    CHECK_FALSE(given.contains({0, 1}));
    for (std::uint64_t i = 0; i < GivenLanes::most; ++i) given.insert({2 * i, 1});
    CHECK_FALSE(given.contains({1, 1}));
    CHECK(given.contains({0, 1}));
    given.insert({9'999, 1});
    CHECK(given.contains({0, 1}));
    CHECK_FALSE(given.contains({1, 1}));
    given.insert({9'999, 2});
    CHECK(given.contains({1, 1}));
    CHECK_FALSE(given.contains({3, 1}));
    CHECK_FALSE(given.contains({9'999, 3}));
}

}
