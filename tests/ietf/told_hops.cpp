// SPDX-License-Identifier: MIT
// Routes that a peer of MoQ Transport tells, for the namespaces that it announces.
#include <comoq/detail/session/link_price.hpp>
#include <comoq/ietf/session.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "ietf/hop_scene.hpp"
#include "ietf/wire_peer.hpp"
#include "support/catch.hpp"

namespace told_hops_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("MoQ Transport: a namespace has the route that its peer tells, and the price of the link", "[ietf][session][hops]") {
    for (const auto &name : drafts_with_hops) {
        INFO(name);
        HopScene scene(name);
        scene.meet(9, 30);
        auto &request = scene.announce_by({7, 9}, 5);
        scene.answer<ietf::RequestOk>(request);
        const auto found = scene.here();
        CHECK(found.info().hops == Hops{7, 9});
        CHECK(found.info().cost.warm == 35);
        // The same publisher's goes on, by each other route. What an update does not name stays.
        scene.reroute(request, Hops{7, 8, 9});
        scene.reroute(request, {}, 0);
        CHECK(std::holds_alternative<ietf::RequestOk>(scene.last(request)));
        CHECK(scene.messages(*request.answer).size() == 3);
        CHECK(scene.here().info().hops == Hops{7, 8, 9});
        CHECK(scene.here().info().cost.warm == 30);
        CHECK_FALSE(found.closed().ready());
        // Through here; and back.
        scene.reroute(request, Hops{7, 1, 9});
        CHECK(scene.announced() == 0);
        scene.reroute(request, Hops{6, 9});
        CHECK(scene.here().info().hops == Hops{6, 9});
        // Another publisher's is another broadcast.
        const auto before = scene.here();
        scene.reroute(request, Hops{5, 9});
        CHECK(before.closed().ready());
        CHECK(scene.here().info().hops == Hops{5, 9});
        CHECK(scene.announced() == 1);
        request.stream.send->finish();
        scene.run();
        CHECK(scene.announced() == 0);
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: what came through here is not taken from a peer", "[ietf][session][hops]") {
    HopScene scene;
    scene.meet();
    CHECK(scene.refusal(scene.announce_by({7, 1, 9})) == 0x20);
    CHECK(scene.announced() == 0);
    // Numbers that moq-lite cannot tell.
    CHECK(scene.refusal(scene.announce_by({std::uint64_t{1} << 62, 9})) != 0);
    CHECK(scene.announced() == 0);
    // Two ways to one namespace: the last route counts, and each way may end.
    auto &one = scene.announce_by({7, 9});
    auto &other = scene.announce_by({7, 8, 9});
    CHECK(scene.here().info().hops == Hops{7, 8, 9});
    other.stream.send->finish();
    scene.run();
    CHECK(scene.announced() == 1);
    one.stream.send->finish();
    scene.run();
    CHECK(scene.announced() == 0);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: NAMESPACE has a route from a peer that tells hops, also before its SETUP", "[ietf][session][hops]") {
    for (const auto &name : drafts_with_hops) {
        INFO(name);
        HopScene scene(name, false);
        scene.connect();
        REQUIRE(scene.asked.size() == 1);
        auto &request = scene.asked.front();
        const auto tell = [&](Hops hops) {
            ietf::NamespaceFound found{{"x"}};
            found.parameters.emplace();
            found.parameters->hop_path = std::move(hops);
            scene.reply(request, found);
        };
        scene.reply(request, ietf::RequestOk());
        tell({7, 9});
        CHECK(scene.announced() == 0);
        scene.greet_with(9);
        CHECK(scene.here().info().hops == Hops{7, 9});
        tell({7, 8, 9});
        CHECK(scene.here().info().hops == Hops{7, 8, 9});
        tell({7, 1, 9});
        CHECK(scene.announced() == 0);
        tell({7, 9});
        CHECK(scene.announced() == 1);
        scene.reply(request, ietf::NamespaceDone{{"x"}});
        CHECK(scene.announced() == 0);
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a namespace that is left out is counted once, and comes in by a later route", "[ietf][session][hops]") {
    HopScene scene("moqt-18", false);
    SessionConfig config;
    config.subscribe = scene.origin.producer();
    config.max_announced = 1;
    scene.connect(std::move(config));
    scene.greet_with(9);
    auto &request = scene.asked.front();
    const auto tell = [&](std::string space, Hops hops) {
        ietf::NamespaceFound found{{std::move(space)}};
        found.parameters.emplace();
        found.parameters->hop_path = std::move(hops);
        scene.reply(request, found);
    };
    scene.reply(request, ietf::RequestOk());
    tell("x", {7, 9});
    tell("y", {7, 9});
    tell("y", {7, 8, 9});
    CHECK(scene.announced() == 1);
    CHECK(scene.session->announcements_left_out() == 1);
    scene.reply(request, ietf::NamespaceDone{{"x"}});
    CHECK(scene.announced() == 0);
    tell("y", {6, 9});
    CHECK(scene.here("y").info().hops == Hops{6, 9});
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: the routes of a peer that is about to go are the dearest, and stay so", "[ietf][session][hops][goaway]") {
    for (const bool tells : {true, false}) {
        INFO(tells);
        HopScene scene;
        scene.meet(tells ? std::optional<std::uint64_t>(9) : std::nullopt);
        auto &request = tells ? scene.announce_by({7, 9}, 5) : scene.announce({"x"});
        const auto found = scene.here();
        const auto before = found.info().cost;
        scene.say(ietf::Goaway());
        CHECK(scene.here().info().cost == (tells ? comoq::detail::dearest : before));
        CHECK_FALSE(found.is_closed());
        if (!tells) continue;
        scene.reroute(request, Hops{7, 8, 9}, 1);
        CHECK(scene.here().info().hops == Hops{7, 8, 9});
        CHECK(scene.here().info().cost == comoq::detail::dearest);
        scene.announce_by({7, 9}, 5, "y");
        CHECK(scene.here("y").info().cost == comoq::detail::dearest);
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: 100 routes of a live namespace open no new subscription", "[ietf][session][hops]") {
    HopScene scene;
    scene.meet();
    auto &request = scene.announce_by({7, 9});
    const auto found = scene.here();
    auto subscribing = wait(found.track("video").subscribe());
    scene.run();
    const auto asked = scene.asked.size();
    REQUIRE(asked != 0);
    for (std::uint64_t i = 0; i < 100; ++i) {
        scene.reroute(request, Hops{7, 1'000 + i, 9}, i);
        CHECK(scene.here().info().hops == Hops{7, 1'000 + i, 9});
        CHECK(scene.here().info().cost.warm == i + 1);
    }
    CHECK(scene.asked.size() == asked);
    CHECK_FALSE(found.is_closed());
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: a route where none is told, and none where one has to be, end the session", "[ietf][session][hops]") {
    HopScene without;
    without.meet();
    without.announce({"x"});
    CHECK(without.ended_by_violation());
    HopScene unasked;
    unasked.meet({});
    unasked.announce_by({7});
    CHECK(unasked.ended_by_violation());
    HopScene updated;
    updated.meet({});
    auto &request = updated.announce({"x"});
    updated.reroute(request, {}, 1);
    CHECK(updated.ended_by_violation());
    // Of a request that has none.
    HopScene subscribed;
    auto broadcast = subscribed.origin.producer().create_broadcast("a");
    auto track = broadcast.create_track("video");
    subscribed.meet();
    auto &subscription = subscribed.ask(subscribed.subscribe_to("a"));
    subscribed.reroute(subscription, {}, 1);
    CHECK(subscribed.ended_by_violation());
    for (const bool tells : {true, false}) {
        HopScene client("moqt-18", false);
        client.meet(tells ? std::optional<std::uint64_t>(9) : std::nullopt);
        auto &following = client.asked.front();
        client.reply(following, ietf::RequestOk());
        ietf::NamespaceFound found{{"x"}};
        if (!tells) {
            found.parameters.emplace();
            found.parameters->hop_path = Hops{7};
        }
        client.reply(following, found);
        CHECK(client.ended_by_violation());
    }
    HopScene empty("moqt-18", false);
    empty.meet();
    empty.reply(empty.asked.front(), ietf::RequestOk());
    ietf::NamespaceFound found{{"x"}};
    found.parameters.emplace();
    empty.reply(empty.asked.front(), found);
    CHECK(empty.ended_by_violation());
}

TEST_CASE("peer costs of MoQ Transport: a namespace that comes by one route after the other takes nothing", "[ietf][peer_costs]") {
    MoqtWirePeer peer;
    ietf::Setup setup;
    setup.options.add(static_cast<std::uint64_t>(ietf::SetupOption::HopId), 9);
    peer.begin(setup);
    const auto by_route = [](std::size_t i) {
        ietf::Parameters parameters;
        // As long as can be; and each of another publisher.
        parameters.hop_path.emplace();
        for (std::size_t hop = 0; hop < ietf::most_hops; ++hop) parameters.hop_path->push_back((std::uint64_t{1} << 60) + 100 * i + hop);
        parameters.route_cost = i;
        return parameters;
    };
    const auto tell = [&](std::size_t i) {
        peer.tell(peer.encoded(ietf::NamespaceFound{{"a"}, by_route(i)}));
    };
    tell(0);
    check_bound("one namespace", peer, 2'000, tell);
    CHECK(peer.open());
    CHECK(peer.origin.stats().announced == 1);
}

}  // namespace told_hops_tests
