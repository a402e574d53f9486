#include <comoq/detail/media/arrival_log.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace arrival_log_tests {

using comoq::Timescale;
using comoq::detail::ArrivalLog;
using comoq::detail::GroupState;
using comoq::detail::MediaBounds;
using comoq::detail::TrackShared;

TEST_CASE("section 6 subscriber: arrivals keep their order and their numbers when others are removed", "[arrival_log]") {
    std::mt19937_64 random(comoq::test::seed("arrival_log"));
    const auto shared = std::make_shared<TrackShared>(std::make_shared<MediaBounds>());
    bool same = true;
    for (int history = 0; history < 100; ++history) {
        ArrivalLog log;
        std::map<std::uint64_t, std::shared_ptr<GroupState>> plain;
        for (int step = 0; step < 100; ++step) {
            if (plain.empty() || random() % 2 != 0) {
                auto group = std::make_shared<GroupState>(shared, 0, Timescale(1));
                log.add(group);
                plain.emplace(group->arrival, group);
            } else {
                auto victim = std::next(plain.begin(), static_cast<std::ptrdiff_t>(random() % plain.size()));
                log.remove(*victim->second);
                log.remove(*victim->second);
                plain.erase(victim);
            }
            const auto first = random() % 100;
            auto expected = plain.lower_bound(first);
            for (auto at = log.from(first); at != log.end(); ++at) {
                if (at->group == nullptr) {
                    continue;
                }
                same = same && expected != plain.end() && expected->second == at->group &&
                       expected->first == at->number;
                if (expected != plain.end()) {
                    ++expected;
                }
            }
            same = same && expected == plain.end();
        }
    }
    CHECK(same);
}

TEST_CASE("section 6 memory: one old arrival does not keep the places of all later ones", "[arrival_log]") {
    const auto shared = std::make_shared<TrackShared>(std::make_shared<MediaBounds>());
    ArrivalLog log;
    const auto old = std::make_shared<GroupState>(shared, 0, Timescale(1));
    log.add(old);
    for (int i = 0; i < 10'000; ++i) {
        const auto group = std::make_shared<GroupState>(shared, 1, Timescale(1));
        log.add(group);
        log.remove(*group);
    }
    CHECK(log.end() - log.from(0) < 4);
    CHECK(log.from(0)->group == old);
    log.clear();
    CHECK(log.from(0) == log.end());
}

}
