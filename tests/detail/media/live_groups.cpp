#include <comoq/detail/media/live_groups.hpp>

#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <random>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace live_groups_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::GroupState;
using comoq::detail::LiveGroups;
using Kind = GroupState::Kind;

TEST_CASE("live groups: random changes against a plain map", "[memory]") {
    std::mt19937_64 random(seed("live groups"));
    const auto shared = std::make_shared<comoq::detail::TrackShared>(comoq::detail::MediaBounds::without_pool());
    LiveGroups groups;
    std::map<std::uint64_t, std::shared_ptr<GroupState>> plain;
    // The first one from `sequence` on for which that holds.
    const auto first = [&](std::uint64_t sequence, auto holds) -> GroupState * {
        for (auto at = plain.lower_bound(sequence); at != plain.end(); ++at)
            if (holds(at->second->kind_now())) return at->second.get();
        return nullptr;
    };
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t sequence = random() % 40;
        const auto found = plain.find(sequence);
        if (found == plain.end()) {
            const auto group = std::make_shared<GroupState>(shared, sequence, Timescale(1'000));
            if (random() % 4 == 0) group->write(Bytes::copy("x"), Timestamp(0, Timescale(1'000)));
            groups.add(group);
            plain.emplace(sequence, group);
        } else {
            GroupState &group = *found->second;
            switch (random() % 4) {
            case 0:
                groups.erase(group);
                plain.erase(found);
                break;
            case 1:
                if (!group.over()) group.write(Bytes::copy("x"), Timestamp(0, Timescale(1'000)));
                groups.sort(group);
                break;
            case 2:
                if (!group.over()) group.finish();
                groups.sort(group);
                break;
            case 3:
                group.abort(make_error_code(Error::Timeout));
                groups.sort(group);
                break;
            }
        }
        const std::uint64_t from = random() % 42;
        const auto any = [](Kind) { return true; };
        REQUIRE(groups.from(from) == first(from, any));
        const auto after = plain.lower_bound(from);
        REQUIRE(groups.before(from) == (after == plain.begin() ? nullptr : std::prev(after)->second.get()));
        REQUIRE(groups.from_with_frames(from) == first(from, [](Kind kind) { return kind != Kind::Spent; }));
        for (const Kind kind : {Kind::Begun, Kind::Empty, Kind::Spent})
            REQUIRE(groups.from(kind, from) == first(from, [kind](Kind other) { return other == kind; }));
        REQUIRE(groups.last() == (plain.empty() ? nullptr : plain.rbegin()->second.get()));
        REQUIRE(groups.contains(from) == plain.contains(from));
        REQUIRE(groups.find(from) == (plain.contains(from) ? plain.at(from).get() : nullptr));
    }
}

}
