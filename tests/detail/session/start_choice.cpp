// Where a subscription begins that says how old its groups may be.
#include <comoq/detail/session/start_choice.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <vector>

#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"

namespace start_choice_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::GroupTime;
using std::chrono::milliseconds;

namespace {

using Start = std::optional<std::uint64_t>;

/// `groups` from the oldest to the newest.
Start choose(const std::vector<GroupTime> &groups, std::uint64_t floor, std::uint64_t edge, std::uint64_t max_age) {
    std::size_t left = groups.size();
    const auto older = [&]() -> std::optional<GroupTime> {
        if (left == 0) {
            return std::nullopt;
        }
        return groups[--left];
    };
    return detail::choose_start(older, floor, edge, max_age).first;
}

}  // namespace

TEST_CASE("the start of a subscription: the groups that a real publisher begins with", "[session][start]") {
    // Groups 0 to 5, a second apart, each of two frames that are half a second apart.
    std::vector<GroupTime> groups;
    for (std::uint64_t i = 0; i < 6; ++i) {
        groups.push_back({i, 1000 * i});
    }
    struct Row {
        std::uint64_t floor, max_age;
        Start start;
    };
    const Row row = GENERATE(Row{0, 0, 5}, Row{0, 499, 5}, Row{0, 500, 5}, Row{0, 501, 4}, Row{0, 1500, 4}, Row{0, 2500, 3},
                             Row{0, 60000, 0}, Row{1, 0, 5}, Row{1, 60000, 1}, Row{4, 0, 5}, Row{5, 60000, 5},
                             Row{9, 60000, std::nullopt}, Row{9, 0, std::nullopt});
    CAPTURE(row.floor, row.max_age);
    CHECK(choose(groups, row.floor, 5500, row.max_age) == row.start);
    // The same from a track's groups. A frame that is still being written counts.
    TrackInfo info;
    info.timescale = Timescale(GENERATE(1'000u, 90'000u, 7u * 1'000u));
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video", info);
    std::optional<FrameProducer> open;
    GroupProducer group;
    for (std::uint64_t i = 0; i < 6; ++i) {
        group = track.append_group();
        group.write_frame(payload("x"), Timestamp(1000 * i, Timescale(1000)));
        if (i < 5) {
            group.write_frame(payload("y"), Timestamp(1000 * i + 500, Timescale(1000)));
            group.finish();
        } else {
            open = group.create_frame(2, Timestamp(1000 * i + 500, Timescale(1000)));
        }
        CHECK(detail::choose_start(*track.state(detail::Passkey()), i, milliseconds(0)).first == i);
    }
    CHECK(detail::choose_start(*track.state(detail::Passkey()), row.floor, milliseconds(row.max_age)).first == row.start);
}

TEST_CASE("the start of a subscription: without groups there is none, and the newest group counts whatever its time",
          "[session][start]") {
    CHECK(choose({}, 0, 0, 1000) == std::nullopt);
    CHECK(choose({{3, std::nullopt}}, 0, 0, 0) == 3u);
    CHECK(choose({{3, 7}}, 0, 7, 0) == 3u);
    // A group whose successor has no frame yet still counts: nobody knows how far it reaches.
    CHECK(choose({{1, 100}, {2, 200}, {3, std::nullopt}}, 0, 250, 10) == 2u);
    CHECK(choose({{1, 100}, {2, std::nullopt}, {3, 240}}, 0, 250, 11) == 1u);
    CHECK(choose({{1, 100}, {2, std::nullopt}, {3, 240}}, 0, 250, 10) == 3u);
    // Times that go back, as of a publisher that began anew: what lies ahead of the newest frame is not too old.
    CHECK(choose({{1, 900}, {2, 1000}, {3, 10}, {4, 20}}, 0, 25, 5) == 4u);
    CHECK(choose({{1, 900}, {2, 1000}, {3, 10}}, 0, 25, 20) == 1u);
}

TEST_CASE("the start of a subscription: of a track, failed groups without a frame are none", "[session][start]") {
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    auto &state = *track.state(detail::Passkey());
    CHECK(detail::choose_start(state, 0, milliseconds(10)).first == std::nullopt);
    track.write_frame(payload("x"), Timestamp(1000, Timescale(1000)));
    auto lost = track.append_group();
    auto empty = track.append_group();
    CHECK(detail::choose_start(state, 0, milliseconds(10)).first == 0u);
    track.write_frame(payload("x"), Timestamp(1005, Timescale(1000)));
    lost.abort(make_error_code(Error::Old));
    CHECK(detail::choose_start(state, 0, milliseconds(1)).first == 0u);
    CHECK(detail::choose_start(state, 1, milliseconds(1)).first == 2u);
    track.write_frame(payload("x"), Timestamp(1006, Timescale(1000)));
    CHECK(detail::choose_start(state, 0, milliseconds(1)).first == 3u);
    CHECK(detail::choose_start(state, 0, milliseconds(2)).first == 0u);
    // The newest frame is the one that is shown last, not the one that was written last.
    auto reordered = track.append_group();
    reordered.write_frame(payload("x"), Timestamp(1010, Timescale(1000)));
    reordered.write_frame(payload("x"), Timestamp(1008, Timescale(1000)));
    CHECK(detail::choose_start(state, 0, milliseconds(4)).first == 4u);
    CHECK(detail::choose_start(state, 0, milliseconds(5)).first == 3u);
}

TEST_CASE("the start of a subscription: it tells whether an older group is there that is too old", "[session][start]") {
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    auto &state = *track.state(detail::Passkey());
    for (std::uint64_t i = 0; i < 6; ++i) {
        track.write_frame(payload("x"), Timestamp(1000 * i, Timescale(1000)));
    }
    CHECK(detail::choose_start(state, 0, milliseconds(1500)).is_limited);
    CHECK_FALSE(detail::choose_start(state, 3, milliseconds(2500)).is_limited);
    CHECK_FALSE(detail::choose_start(state, 0, milliseconds(60'000)).is_limited);
    // Nobody looks at more than a thousand groups.
    for (int i = 0; i < 2'000; ++i) {
        track.write_frame(payload("x"), Timestamp(6000, Timescale(1000)));
    }
    const auto many = detail::choose_start(state, 0, milliseconds(60'000));
    CHECK(many.first == 2'006u - 1'024u);
    CHECK(many.is_limited);
}

TEST_CASE("the start of a subscription: a time in units of a timescale is rounded up, and never wraps", "[session][start]") {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(detail::units_of(milliseconds(-5), Timescale(1000)) == 0);
    CHECK(detail::units_of(milliseconds(1500), Timescale(1000)) == 1500);
    CHECK(detail::units_of(milliseconds(1), Timescale(3)) == 1);
    CHECK(detail::units_of(milliseconds(1500), Timescale(90'000)) == 135'000);
    CHECK(detail::units_of(milliseconds::max(), Timescale(1'000'000)) == most);
    CHECK(detail::units_of(milliseconds(999), Timescale(most)) >= most / 1000 * 999);
    CHECK(detail::units_of(milliseconds(1000), Timescale(most)) == most);
    CHECK(detail::units_of(milliseconds(2000), Timescale(most)) == most);
}

TEST_CASE("the start of a subscription: in any track it is the oldest of the groups in a row that still count",
          "[session][start]") {
    std::mt19937_64 random(seed("start choice"));
    for (int i = 0; i < 2'000; ++i) {
        std::vector<GroupTime> groups;
        std::uint64_t sequence = random() % 4, time = random() % 4;
        for (std::uint64_t left = random() % 8; left != 0; --left) {
            groups.push_back({sequence, random() % 4 == 0 ? std::nullopt : std::optional(time)});
            sequence += 1 + random() % 3;
            time += random() % 5;
        }
        const std::uint64_t edge = time + random() % 3, floor = random() % 12, age = random() % 20;
        Start expected;
        for (std::size_t at = groups.size(); at-- != 0 && groups[at].sequence >= floor;) {
            std::optional<std::uint64_t> reach;
            for (std::size_t after = at + 1; after < groups.size() && !reach; ++after) {
                reach = groups[after].first;
            }
            if (reach && edge - *reach >= age) {
                break;
            }
            expected = groups[at].sequence;
        }
        CHECK(choose(groups, floor, edge, age) == expected);
    }
}

}
