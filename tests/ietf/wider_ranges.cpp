// SPDX-License-Identifier: MIT
// A viewer whose range is over, or under way, wants more of the track: it asks for the rest alone.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ietf/viewer_scene.hpp"
#include "support/catch.hpp"

namespace wider_ranges_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

Subscription groups(std::uint64_t first, std::uint64_t last) {
    Subscription wishes;
    wishes.start = first;
    wishes.end = last;
    return wishes;
}
std::optional<ietf::Filter> filter_of(std::uint64_t first, std::uint64_t last) {
    return range_filter({first, 0}, ietf::RangeEnd{last, {}});
}

struct WiderScene : ViewerScene {
    explicit WiderScene(std::string name = "moqt-18", std::string_view implementation = "raw",
                        const Subscription &wishes = groups(0, 1))
        : ViewerScene(std::move(name), implementation, wishes) {
        accept(next_alias);
    }
    std::size_t subscriptions() const {
        std::size_t count = 0;
        for (const auto &one : asked) {
            const auto all = messages(*one.answer);
            count += !all.empty() && std::holds_alternative<ietf::Subscribe>(all.front());
        }
        return count;
    }
    /// What the last of them asks for, with which nothing was asked for later.
    std::optional<ietf::Filter> asked_for() {
        const auto all = messages(*request().answer);
        CHECK(all.size() == 1);
        return std::get<ietf::Subscribe>(all.front()).parameters.filter;
    }
    /// What the last update of the last of them says.
    ietf::Parameters updated() {
        const auto all = messages(*request().answer);
        REQUIRE(std::holds_alternative<ietf::RequestUpdate>(all.back()));
        return std::get<ietf::RequestUpdate>(all.back()).parameters;
    }
    void accept_more() {
        ietf::SubscribeOk ok;
        ok.alias = ++next_alias;
        reply(request(), ok);
    }
    void want(const Subscription &wishes) {
        subscriber->update(wishes);
        run();
    }
    void give(std::uint64_t sequence) { send_uni(group(next_alias, sequence, {"x"}), true); }
    /// The range is over, with as many groups.
    void end_range(std::uint64_t streams) { end(draft == ietf::Draft::Draft18 ? 0x3 : 0x2, streams); }

    std::uint64_t next_alias = 7;
};

}  // namespace

TEST_CASE("MoQ Transport: a viewer that wants a track from its beginning says so in each draft's words", "[ietf][session]") {
    for (const std::string name : {"moqt-18", "moqt-20", "moqt-22"}) {
        INFO(name);
        Subscription wishes;
        wishes.start = 0;
        WiderScene scene(name, "raw", wishes);
        const auto filter = scene.asked_for();
        REQUIRE(filter);
        // There {0, 0} without an end would be the next object.
        if (name == "moqt-20")
            CHECK(filter->kind == ietf::Filter::Kind::Everything);
        else
            CHECK(filter == range_filter({0, 0}));
    }
}

TEST_CASE("MoQ Transport: what has come of a track is not asked for again, however often its range grows", "[ietf][session]") {
    for (const std::string name : {"moqt-18", "moqt-20", "moqt-22"}) {
        INFO(name);
        WiderScene scene(name);
        for (const std::uint64_t sequence : {0u, 1u}) scene.give(sequence);
        scene.end_range(2);
        std::uint64_t next = 2;
        for (std::size_t subscriptions = 2; next < 5; ++next, ++subscriptions) {
            scene.want(groups(0, next));
            REQUIRE(scene.subscriptions() == subscriptions);
            scene.accept_more();
            CHECK(scene.asked_for() == filter_of(next, next));
            scene.give(next);
            scene.end_range(1);
            CHECK(scene.subscriptions() == subscriptions);
        }
        scene.want(groups(0, next));
        scene.accept_more();
        scene.want(groups(0, next + 2));
        CHECK(scene.updated().filter == filter_of(next, next + 2));
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: groups before a range are asked for without those in it", "[ietf][session]") {
    WiderScene scene("moqt-18", "raw", groups(2, 3));
    for (const std::uint64_t sequence : {2u, 3u}) scene.give(sequence);
    scene.end_range(2);
    scene.want(groups(0, 3));
    REQUIRE(scene.subscriptions() == 2);
    scene.accept_more();
    CHECK(scene.asked_for() == filter_of(0, 1));
    for (const std::uint64_t sequence : {0u, 1u}) scene.give(sequence);
    scene.end_range(2);
    CHECK(scene.subscriptions() == 2);
    scene.want(groups(0, 4));
    scene.accept_more();
    CHECK(scene.asked_for() == filter_of(4, 4));
}

TEST_CASE("MoQ Transport: a range that a peer could not be told of is asked for when the one that it knows is over",
          "[ietf][session]") {
    WiderScene scene("moqt-18", "moq-lite-js/0.3.4");
    auto wishes = groups(0, 3);
    wishes.priority = 200;
    scene.want(wishes);
    CHECK(scene.updated().subscriber_priority == 55);
    CHECK_FALSE(scene.updated().filter);
    for (const std::uint64_t sequence : {0u, 1u}) scene.give(sequence);
    scene.end_range(2);
    REQUIRE(scene.subscriptions() == 2);
    CHECK(scene.asked_for() == filter_of(2, 3));
    scene.accept_more();
    for (const std::uint64_t sequence : {2u, 3u}) scene.give(sequence);
    scene.end_range(2);
    std::vector<std::uint64_t> came;
    for (int i = 0; i < 4; ++i) {
        auto group = scene.now(scene.subscriber->recv_group());
        REQUIRE(group);
        came.push_back(group->sequence());
    }
    CHECK(came == std::vector<std::uint64_t>{0, 1, 2, 3});
}

TEST_CASE("MoQ Transport: a range may be over, and another one begin, while the group that a viewer has joined still waits",
          "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{4, 0});
    scene.answer_join(4, {0});
    scene.subscriber->update(groups(4, 5));
    scene.run();
    scene.send_uni(scene.group(5, 5, {"newer"}), true);
    // A newer group has begun: a stream that goes on with the joined one has some time.
    scene.end(0x3, 1);
    scene.pass(501ms);
    CHECK(scene.next_group() == Words{"0"});
    CHECK(scene.next_group() == Words{"newer"});
    scene.subscriber->update(groups(4, 6));
    scene.run();
    ietf::SubscribeOk ok;
    ok.alias = 6;
    scene.reply(scene.request(), ok);
    scene.send_uni(scene.group(6, 6, {"more"}), true);
    CHECK(scene.next_group() == Words{"more"});
    CHECK(scene.is_alive());
}

}  // namespace wider_ranges_tests
