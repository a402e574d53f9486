// SPDX-License-Identifier: MIT
// What peers are told of hops in MoQ Transport: only if they offer to tell theirs.
#include <comoq/ietf/session.hpp>

#include <cstdint>
#include <utility>
#include <variant>

#include "ietf/hop_scene.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"

namespace hops_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("MoQ Transport: a session offers to tell hops, and says its origin's number", "[ietf][session][hops]") {
    for (const bool is_server : {true, false}) {
        HopScene scene("moqt-18", is_server);
        SessionConfig config;
        config.publish = scene.origin.consumer();
        config.link_cost = 6;
        scene.connect(std::move(config));
        const auto framed = ietf::next_message(scene.unis.front().answer.octets, scene.draft);
        REQUIRE(framed);
        const auto decoded = ietf::decode(*framed, scene.draft, ietf::StreamKind::Control);
        REQUIRE(decoded.message);
        const auto &options = std::get<ietf::Setup>(*decoded.message).options;
        REQUIRE(options.find(hop_option));
        CHECK(options.find(hop_option)->number == 1);
        // A client says what its link costs.
        CHECK(options.find(cost_option).has_value() == !is_server);
    }
}

TEST_CASE("MoQ Transport: a peer that does not tell hops is told none", "[ietf][session][hops]") {
    for (const auto &name : drafts_with_hops) {
        INFO(name);
        for (const bool is_server : {true, false}) {
            HopScene scene(name, is_server);
            auto published = scene.origin.producer().create_broadcast("a", came_by({7}, 5));
            scene.meet({});
            auto &request = scene.follow();
            CHECK_FALSE(scene.last_found(request).parameters);
            published.update(came_by({7, 8}, 6));
            scene.run();
            CHECK(scene.messages(*request.answer).size() == 2);
            for (const auto &asked : scene.asked)
                for (const auto &message : scene.messages(*asked.answer)) {
                    CHECK_FALSE(std::holds_alternative<ietf::RequestUpdate>(message));
                    const auto *const told = std::get_if<ietf::PublishNamespace>(&message);
                    if (told != nullptr) CHECK(told->parameters == ietf::Parameters());
                }
            CHECK(scene.is_alive());
        }
    }
}

TEST_CASE("MoQ Transport: a peer that tells hops is told the route of each namespace, and each other route", "[ietf][session][hops]") {
    for (const auto &name : drafts_with_hops) {
        INFO(name);
        HopScene scene(name);
        auto published = scene.origin.producer().create_broadcast("a");
        scene.meet();
        auto &request = scene.follow();
        CHECK(scene.last_found(request).parameters->hop_path == Hops{1});
        CHECK_FALSE(scene.last_found(request).parameters->route_cost);
        published.update(came_by({7, 8}, 6));
        scene.run();
        CHECK(scene.messages(*request.answer).size() == 3);
        CHECK(scene.last_found(request).parameters->hop_path == Hops{7, 8, 1});
        CHECK(scene.last_found(request).parameters->route_cost == 6u);
        // By the peer, and back.
        published.update(came_by({7, 9}));
        scene.run();
        CHECK(std::holds_alternative<ietf::NamespaceDone>(scene.last(request)));
        published.update(came_by({7}));
        scene.run();
        CHECK(scene.last_found(request).parameters->hop_path == Hops{7, 1});
        // With as many hops as can be, and one more.
        Hops many;
        for (std::uint64_t hop = 100; hop < 131; ++hop) many.push_back(hop);
        published.update(came_by(many));
        scene.run();
        CHECK(scene.last_found(request).parameters->hop_path->size() == 32);
        many.push_back(131);
        published.update(came_by(many));
        scene.run();
        CHECK(std::holds_alternative<ietf::NamespaceDone>(scene.last(request)));
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a client tells of each other route by one update after the other", "[ietf][session][hops]") {
    HopScene scene("moqt-20", false);
    auto published = scene.origin.producer().create_broadcast("a", came_by({7}, 5));
    scene.meet();
    auto &request = scene.asked.back();
    const auto first = scene.messages(*request.answer);
    REQUIRE(first.size() == 1);
    CHECK(std::get<ietf::PublishNamespace>(first.front()).parameters.hop_path == Hops{7, 1});
    // Before there is an answer nothing more is told.
    published.update(came_by({7}, 4));
    scene.run();
    CHECK(scene.messages(*request.answer).size() == 1);
    scene.reply(request, ietf::RequestOk());
    const auto told = scene.messages(*request.answer);
    REQUIRE(told.size() == 2);
    CHECK_FALSE(std::get<ietf::RequestUpdate>(told.back()).parameters.hop_path);
    CHECK(std::get<ietf::RequestUpdate>(told.back()).parameters.route_cost == 4u);
    published.update(came_by({7, 8}, 4));
    scene.run();
    published.update(came_by({6, 8}));
    scene.run();
    CHECK(scene.messages(*request.answer).size() == 2);
    scene.reply(request, ietf::RequestOk());
    const auto all = scene.messages(*request.answer);
    REQUIRE(all.size() == 3);
    CHECK(std::get<ietf::RequestUpdate>(all.back()).parameters.hop_path == Hops{6, 8, 1});
    CHECK(std::get<ietf::RequestUpdate>(all.back()).parameters.route_cost == 0u);
    published.update(came_by({6, 9}));
    scene.run();
    CHECK(request.answer->ended);
    CHECK(scene.is_alive());
    // An answer to nothing.
    HopScene other("moqt-20", false);
    auto there = other.origin.producer().create_broadcast("a");
    other.meet();
    other.reply(other.asked.back(), ietf::RequestOk());
    other.reply(other.asked.back(), ietf::RequestOk());
    CHECK(other.ended_by_violation());
}

TEST_CASE("MoQ Transport: a peer that does not tell hops is sent the bytes of the drafts, and no others", "[ietf][session][hops]") {
    HopScene server;
    auto published = server.origin.producer().create_broadcast("a", came_by({7}, 5));
    server.meet({});
    auto &request = server.follow();
    published.update(came_by({7, 8}, 6));
    server.run();
    // REQUEST_OK, and NAMESPACE.
    CHECK(hex_of(request.answer->octets) == "07000100" "080003010161");
    HopScene client("moqt-18", false);
    auto there = client.origin.producer().create_broadcast("a", came_by({7}, 5));
    client.meet({});
    // SUBSCRIBE_NAMESPACE, and PUBLISH_NAMESPACE.
    REQUIRE(client.asked.size() == 2);
    CHECK(hex_of(client.asked.front().answer->octets) == "500003000000");
    CHECK(hex_of(client.asked.back().answer->octets) == "06000502010161" "00");
}

TEST_CASE("MoQ Transport: what came through a peer is neither told to it nor served to it", "[ietf][session][hops]") {
    for (const auto &name : drafts_with_hops) {
        INFO(name);
        HopScene scene(name);
        auto by_peer = scene.origin.producer().create_broadcast("a", came_by({7, 9}));
        auto by_other = scene.origin.producer().create_broadcast("b", came_by({7, 8}));
        auto video = by_peer.create_track("video"), other = by_other.create_track("video");
        scene.meet();
        auto &request = scene.follow();
        CHECK(scene.messages(*request.answer).size() == 2);
        CHECK(scene.last_found(request).suffix == ietf::Namespace{"b"});
        auto &circle = scene.ask(scene.subscribe_to("a"));
        CHECK(scene.refusal(circle) != 0);
        auto &served = scene.ask(scene.subscribe_to("b"));
        CHECK(std::holds_alternative<ietf::SubscribeOk>(scene.last(served)));
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a peer that tells hops and not its own number is told all but what is its own", "[ietf][session][hops]") {
    HopScene scene;
    auto unknown = scene.origin.producer().create_broadcast("a", came_by({0}));
    scene.meet(0);
    auto &announcing = scene.announce_by({0}, 3);
    scene.answer<ietf::RequestOk>(announcing);
    CHECK(scene.here().info().hops == Hops{0});
    CHECK(scene.here().info().cost.warm == 4);
    auto &request = scene.follow();
    CHECK(scene.messages(*request.answer).size() == 2);
    CHECK(scene.last_found(request).suffix == ietf::Namespace{"a"});
    CHECK(scene.last_found(request).parameters->hop_path == Hops{0, 1});
    CHECK(scene.is_alive());
}

}  // namespace hops_tests
