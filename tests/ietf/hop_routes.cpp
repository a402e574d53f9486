// SPDX-License-Identifier: MIT
// Relays that tell hops by MoQ Transport: the best route is taken, changes in place, and does not lead back.
#include <comoq/session.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ietf/hop_relays.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace hop_routes_tests {

using namespace comoq;
using namespace comoq::test;
using Event = Announcement::Event;

namespace {

/// Two relays between a source and a viewer. The way by the first one costs more: its link to the source does.
struct Diamond : RelayWorld {
    explicit Diamond(const std::string &protocol) {
        auto dear = both_ways(first, time);
        dear.link_cost = 10;
        links.push_back(std::make_unique<Linked>(*this, protocol, std::move(dear), both_ways(source, time)));
        links.push_back(std::make_unique<Linked>(*this, protocol, second, source));
        links.push_back(std::make_unique<Linked>(*this, protocol, viewer, first));
        links.push_back(std::make_unique<Linked>(*this, protocol, viewer, second));
        run();
    }
    BroadcastConsumer here() { return now(viewer.consumer().announced_broadcast("a")); }

    Origin source = origin_with_id(1), first = origin_with_id(2), second = origin_with_id(3), viewer = origin_with_id(4);
    std::vector<std::unique_ptr<Linked>> links;
};

}  // namespace

TEST_CASE("MoQ Transport: of two ways to a publisher the cheaper one is taken, and the other when that one ends",
          "[ietf][session][hops]") {
    for (const auto &protocol : drafts_with_hops) {
        INFO(protocol);
        Diamond scene(protocol);
        auto published = scene.source.producer().create_broadcast("a");
        auto track = published.create_track("video");
        scene.run();
        const auto cheap = scene.here();
        CHECK(cheap.info().hops == Hops{1, 3});
        CHECK(cheap.info().cost.warm == 2);
        // For the first relay, too, the way round is the cheaper one.
        CHECK(now(scene.first.consumer().announced_broadcast("a")).info().hops == Hops{1, 3, 4});
        CHECK(now(scene.second.consumer().announced_broadcast("a")).info().hops == Hops{1});
        scene.links[1].reset();
        scene.run();
        const auto dear = scene.here();
        CHECK(dear.info().hops == Hops{1, 2});
        CHECK(dear.info().cost.warm == 11);
        auto subscribing = wait(dear.track("video").subscribe());
        track.write_frame(payload("0"));
        scene.run();
        CHECK(nexts(subscribing.value()) == Numbers{0});
    }
}

TEST_CASE("MoQ Transport: 100 prices of a live route are 100 changes for a viewer behind a relay, who subscribes once",
          "[ietf][session][hops]") {
    for (const std::string protocol : {"moqt-18", "moqt-22"}) {
        for (const bool dials : {false, true}) {
            INFO(protocol << (dials ? ", the source dials" : ", the relay dials"));
            RelayWorld world;
            const auto source = origin_with_id(1), relay = origin_with_id(2), viewer = origin_with_id(3);
            auto published = source.producer().create_broadcast("a", came_by({7}));
            auto track = published.create_track("video");
            const Linked up(world, protocol, dials ? source : relay, dials ? relay : source);
            const Linked down(world, protocol, viewer, relay);
            world.run();
            auto watch = viewer.consumer().announced();
            const auto first = now(watch.next());
            REQUIRE(first);
            auto subscribing = wait(first->broadcast.track("video").subscribe());
            world.run();
            for (std::uint64_t price = 1; price <= 100; ++price) {
                published.update(came_by({7}, price));
                world.run();
                const auto change = now(watch.next());
                REQUIRE(change);
                CHECK(change->event == Event::Restart);
                CHECK(change->broadcast == first->broadcast);
                CHECK(change->broadcast.info().cost.warm == price + 2);
                CHECK(change->broadcast.info().hops == Hops{7, 1, 2});
                CHECK_FALSE(watch.next().ready());
            }
            CHECK(track.stats().subscribers == 1);
            track.write_frame(payload("0"));
            world.run();
            CHECK(nexts(subscribing.value()) == Numbers{0});
        }
    }
}

TEST_CASE("MoQ Transport: hops and costs go on from moq-lite, and to it", "[ietf][session][hops]") {
    for (const auto &protocol : drafts_with_hops) {
        INFO(protocol);
        RelayWorld world;
        const auto source = origin_with_id(1), one = origin_with_id(2), other = origin_with_id(3), viewer = origin_with_id(4);
        const Linked lite(world, "moq-lite-06", one, source), moqt(world, protocol, other, one),
            last(world, "moq-lite-06", viewer, other);
        auto published = source.producer().create_broadcast("a", came_by({7}, 5));
        world.run();
        const auto here = [&viewer] { return now(viewer.consumer().announced_broadcast("a")); };
        const auto found = here();
        CHECK(here().info().hops == Hops{7, 1, 2, 3});
        CHECK(here().info().cost.warm == 8);
        published.update(came_by({7, 8}, 2));
        world.run();
        CHECK(here().info().hops == Hops{7, 8, 1, 2, 3});
        CHECK(here().info().cost.warm == 5);
        CHECK_FALSE(found.is_closed());
    }
}

}  // namespace hop_routes_tests
