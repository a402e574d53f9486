// A peer's broadcast that goes on by another route.
#include <comoq/lite/session.hpp>
#include <comoq/mirror.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "lite/route_scene.hpp"
#include "lite/spoken.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"

namespace session_routes_in_place_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Texts = std::vector<std::string>;
using Event = Announcement::Event;

/// A relay between a raw publisher and a viewer with an origin of its own.
struct Scene : RouteScene {
    RoutePeer &publisher = peer(50);
    Origin viewer = origin_with_id(300);
    Connection viewing{context, config_of(viewer), config_of(relay)};
    AnnounceConsumer at_viewer = viewer.consumer().announced(), at_relay = relay.consumer().announced();

    std::optional<Announcement> next() { return next(at_viewer); }
    std::optional<Announcement> next(AnnounceConsumer &watch) {
        run();
        auto step = watch.next();
        if (!step.ready()) return std::nullopt;
        return now(std::move(step));
    }
};

}  // namespace

TEST_CASE("a session: 100 changes of a live route open no new subscription, at a relay and at its viewer", "[lite][session][routes]") {
    Scene scene;
    auto &publisher = scene.publisher;
    publisher.announce("a", {7});
    auto first = scene.next();
    REQUIRE(first);
    CHECK(first->event == Event::Active);
    const auto broadcast = first->broadcast;
    auto subscribing = wait(broadcast.track("video").subscribe());
    scene.run();
    CHECK(publisher.questions() == 1);
    for (std::uint64_t i = 0; i < 100; ++i) {
        publisher.announce("a", {7, 1'000 + i});
        const auto change = scene.next();
        REQUIRE(change);
        CHECK(change->event == Event::Restart);
        CHECK(change->broadcast == broadcast);
        CHECK(change->broadcast.info().hops == Hops{7, 1'000 + i, 50, 100});
        CHECK_FALSE(scene.next());
    }
    CHECK(publisher.questions() == 1);
    CHECK_FALSE(broadcast.is_closed());
    CHECK(publisher.open());
    // The end is the broadcast's.
    publisher.unannounce("a");
    CHECK(scene.next()->event == Event::Ended);
    CHECK(broadcast.is_closed());
}

TEST_CASE("a session: the same route again changes nothing, and one of another publisher is another broadcast",
          "[lite][session][routes]") {
    Scene scene;
    auto &publisher = scene.publisher;
    publisher.announce("a", {7});
    for (auto *watch : {&scene.at_relay, &scene.at_viewer}) {
        INFO((watch == &scene.at_relay ? "at the relay" : "at the viewer"));
        if (watch == &scene.at_viewer) publisher.announce("a", {7});
        auto before = scene.next(*watch);
        while (auto next = scene.next(*watch)) before = next;
        const auto first = before->broadcast;
        publisher.announce("a", {7});
        CHECK_FALSE(scene.next(*watch));
        publisher.announce("a", {8});
        const auto second = scene.next(*watch);
        REQUIRE(second);
        CHECK(second->event == Event::Restart);
        CHECK_FALSE(second->broadcast == first);
        CHECK(first.is_closed());
    }
    while (scene.next(scene.at_relay)) {
    }
    // Behind an unknown one further away may be anybody.
    publisher.announce("a", {0, 8});
    const auto third = scene.next(scene.at_relay)->broadcast;
    publisher.announce("a", {0, 9});
    CHECK_FALSE(scene.next(scene.at_relay)->broadcast == third);
}

TEST_CASE("a session: a peer without a hop id is known by its session", "[lite][session][routes]") {
    RouteScene scene;
    auto &publisher = scene.peer();
    auto watch = scene.relay.consumer().announced();
    publisher.announce("a");
    const auto first = now(watch.next());
    REQUIRE(first);
    publisher.announce("a");
    CHECK_FALSE(watch.next().ready());
    CHECK_FALSE(first->broadcast.is_closed());
    publisher.announce("a", {5});
    const auto second = now(watch.next());
    REQUIRE(second);
    CHECK_FALSE(second->broadcast == first->broadcast);
}

TEST_CASE("a session: a route that becomes one in circles ends the broadcast, and the path stays the peer's", "[lite][session][routes]") {
    Scene scene;
    auto &publisher = scene.publisher;
    publisher.announce("a", {7});
    const auto broadcast = scene.next()->broadcast;
    publisher.announce("a", {7, 100});
    CHECK(scene.next()->event == Event::Ended);
    CHECK(broadcast.is_closed());
    publisher.announce("a", {7, 8});
    CHECK(scene.next()->event == Event::Active);
    CHECK(publisher.open());
}

TEST_CASE("a session: an end with an announcement behind it is a replacement without a gap", "[lite][session][routes]") {
    Scene scene;
    auto &publisher = scene.publisher;
    publisher.announce("a", {7});
    publisher.announce("b", {7});
    const auto next = [&] { return scene.next(scene.at_relay); };
    const auto first = next()->broadcast;
    CHECK(next());
    SECTION("at once: another broadcast of the same publisher") {
        publisher.say({{false, "a", {}}, {true, "a", {7}}});
        const auto change = next();
        REQUIRE(change);
        CHECK(change->event == Event::Restart);
        CHECK_FALSE(change->broadcast == first);
    }
    SECTION("another path's is none") {
        publisher.say({{false, "a", {}}, {true, "b", {7, 8}}});
        CHECK(next()->event == Event::Ended);
        CHECK(next()->event == Event::Restart);
    }
    SECTION("two ends") {
        publisher.say({{false, "a", {}}, {false, "b", {}}});
        CHECK(next()->event == Event::Ended);
        CHECK(next()->event == Event::Ended);
    }
    CHECK(first.is_closed());
    CHECK_FALSE(next());
    CHECK(publisher.open());
}

TEST_CASE("a mirror: a broadcast that goes on by another route does so there", "[mirror][routes]") {
    asio::io_context context;
    Origin from, to;
    auto mirroring = Begun<void>(context, mirror(from.consumer(), to.producer()));
    auto published = from.producer().create_broadcast("a", BroadcastInfo({7}));
    auto video = published.producer().create_track("video");
    settle_down(context);
    auto watch = to.consumer().announced();
    const auto first = now(watch.next());
    REQUIRE(first);
    auto subscribing = wait(first->broadcast.track("video").subscribe());
    settle_down(context);
    BroadcastInfo route({7, 8});
    route.cost = {3, 4};
    published.update(route);
    settle_down(context);
    const auto second = now(watch.next());
    REQUIRE(second);
    CHECK(second->event == Event::Restart);
    CHECK(second->broadcast == first->broadcast);
    CHECK(second->broadcast.info().hops == Hops{7, 8, from.id()});
    CHECK(second->broadcast.info().cost == Cost{3, 4});
    video.write_frame(payload("0"));
    settle_down(context);
    CHECK(nexts(subscribing.value()) == Numbers{0});
    CHECK(video.stats().subscribers == 1);
    // One that may not come there ends, and comes back by another.
    published.update(BroadcastInfo({7, to.id()}));
    settle_down(context);
    CHECK(now(watch.next())->event == Event::Ended);
    published.update(BroadcastInfo({7}));
    settle_down(context);
    CHECK(now(watch.next())->event == Event::Active);
}

TEST_CASE("a session: 100 prices of a live route are 100 changes for a viewer behind a relay, who subscribes once, and none on moq-lite-05",
          "[lite][session][routes]") {
    const bool knows_costs = GENERATE(false, true);
    const Speaking speaking(knows_costs ? "moq-lite-06" : "moq-lite-05");
    RelayScene scene;
    const auto source = origin_with_id(1), relay = origin_with_id(2), viewer = origin_with_id(3);
    auto published = source.producer().create_broadcast("a");
    auto video = published.producer().create_track("video");
    Connection publishing(scene.context, scene.config_of(source), scene.config_of(relay));
    Connection viewing(scene.context, scene.config_of(viewer), scene.config_of(relay));
    scene.run();
    auto watch = viewer.consumer().announced();
    const auto first = now(watch.next());
    REQUIRE(first);
    auto subscribing = wait(first->broadcast.track("video").subscribe());
    scene.run();
    for (std::uint64_t price = 1; price <= 100; ++price) {
        BroadcastInfo route;
        route.cost = {price, 2 * price};
        published.update(route);
        scene.run();
        auto next = watch.next();
        REQUIRE(next.ready() == knows_costs);
        if (!knows_costs) continue;
        const auto change = now(std::move(next));
        CHECK(change->event == Event::Restart);
        CHECK(change->broadcast == first->broadcast);
        // Each of the two links costs 1.
        CHECK(change->broadcast.info().cost == Cost{price + 2, 2 * price + 2});
        CHECK(video.stats().subscribers == 1);
    }
    // The most that can be said, and more than that.
    BroadcastInfo dear;
    dear.cost = {(std::uint64_t{1} << 62) - 1, (std::uint64_t{1} << 62) - 1};
    published.update(dear);
    scene.run();
    CHECK(watch.next().ready() == knows_costs);
    if (knows_costs) CHECK(now(watch.next())->broadcast.info().cost == dear.cost);
    --dear.cost.warm;
    published.update(dear);
    scene.run();
    CHECK_FALSE(watch.next().ready());
    video.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(subscribing.value()) == Numbers{0});
    CHECK_FALSE(first->broadcast.is_closed());
}

}
