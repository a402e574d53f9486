// SPDX-License-Identifier: MIT
// How far back recv_group goes when its start or its end moves.
#include <comoq/detail/media/passed_groups.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/subscriber_state.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"

namespace passed_groups_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    Scene() {
        detail::WakeList wake;
        reader = std::make_shared<detail::SubscriberState>(track.state(detail::Passkey()), Subscription{.start = 0}, wake);
    }
    void create(std::uint64_t sequence) { groups.push_back(track.create_group(sequence)); }
    /// What recv_group gives.
    std::optional<std::uint64_t> take() {
        detail::ReceiveGroupRule rule(reader);
        std::shared_ptr<detail::GroupReader> group;  // goes after the lock
        detail::Lock lock(rule.mutex());
        if (!rule.available()) return std::nullopt;
        group = std::move(*rule.take().value);
        return group->group->sequence();
    }
    Numbers take_all() {
        Numbers all;
        while (const auto next = take()) all.push_back(*next);
        return all;
    }
    /// The arrivals that it would look at again.
    std::uint64_t passed() {
        std::uint64_t next = 0;
        reader->look_at([&](const detail::SubscriberPlace &place) { next = place.next_arrival; });
        return next;
    }
    void wish(std::uint64_t start, std::optional<std::uint64_t> end = std::nullopt) {
        reader->update(Subscription{.start = start, .end = end});
    }

    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    std::vector<GroupProducer> groups;
    std::shared_ptr<detail::SubscriberState> reader;
};

}  // namespace

TEST_CASE("passed groups: a start or an end that moves back and forth looks at nothing again where it gives nothing",
          "[subscriber]") {
    Scene scene;
    for (std::uint64_t i = 0; i < 100; ++i) scene.create(2 * i);
    scene.take_all();
    REQUIRE(scene.passed() == 100);
    // All of them were given.
    for (const std::uint64_t start : Numbers{150, 0, 100, 1}) {
        scene.wish(start);
        CHECK(scene.passed() == 100);
        CHECK_FALSE(scene.take());
    }
    // There are more, and the cap keeps them all back.
    scene.wish(0, 198);
    for (std::uint64_t i = 100; i < 200; ++i) scene.create(2 * i);
    CHECK_FALSE(scene.take());
    for (const std::uint64_t start : Numbers{150, 0, 100, 1}) {
        for (const std::uint64_t end : Numbers{198, 60, 199}) {
            scene.wish(start, end);
            CHECK_FALSE(scene.take());
            CHECK(scene.passed() == 200);
        }
    }
    // Other wishes look at nothing.
    scene.reader->update(Subscription{.priority = 9, .start = 1, .end = 199});
    CHECK(scene.passed() == 200);
    scene.wish(300, 310);
    CHECK(scene.take_all() == Numbers{300, 302, 304, 306, 308, 310});
    scene.wish(200, 203);
    CHECK(scene.take_all() == Numbers{200, 202});
}

TEST_CASE("passed groups: in any history of starts, ends and groups it gives what there is, once, in the order of arrival",
          "[subscriber]") {
    std::mt19937_64 random(seed("passed groups"));
    for (int history = 0; history < 300; ++history) {
        Scene scene;
        std::vector<std::uint64_t> arrived;
        std::set<std::uint64_t> given;
        std::uint64_t start = 0;
        std::optional<std::uint64_t> end;
        const auto next = [&]() -> std::optional<std::uint64_t> {
            for (const auto sequence : arrived)
                if (sequence >= start && (!end || sequence <= *end) && !given.contains(sequence)) return sequence;
            return std::nullopt;
        };
        for (int step = 0; step < 200; ++step) {
            const auto number = random() % 40;
            switch (random() % 5) {
            case 0:
            case 1:
                if (std::find(arrived.begin(), arrived.end(), number) != arrived.end()) break;
                scene.create(number);
                arrived.push_back(number);
                break;
            case 2:
                start = number;
                scene.wish(start, end);
                break;
            case 3:
                end = random() % 3 == 0 ? std::nullopt : std::optional(number);
                scene.wish(start, end);
                break;
            default: {
                const auto expected = next();
                const auto taken = scene.take();
                REQUIRE(taken == expected);
                if (taken) given.insert(*taken);
            }
            }
        }
    }
}

}  // namespace passed_groups_tests
