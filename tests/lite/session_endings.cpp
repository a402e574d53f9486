// The end of a session: what it ends, and that nothing ends silently.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/every_point.hpp"

namespace session_endings_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("session: when a thousand announcements are lost at once, a few end per turn, and first those with readers",
          "[lite][session]") {
    constexpr std::size_t count = 1000, most_in_a_turn = 66;
    LiteScene scene;
    scene.connect();
    const auto track = scene.publish("path/500");
    for (std::size_t i = 0; i < count; ++i)
        if (i != 500) static_cast<void>(scene.publish("path/" + std::to_string(i)));
    scene.run();
    REQUIRE(scene.here.stats().announced == count);
    auto subscriber = scene.subscribe("path/500");
    const auto broadcast = scene.announced("path/500");
    auto closed = wait(broadcast.closed());
    auto group = wait(subscriber.recv_group());
    scene.link.cut();
    std::size_t left = count, most = 0;
    bool told_in_order = true;
    while (scene.context.poll_one() != 0) {
        const auto now_left = scene.here.stats().announced;
        most = std::max(most, left - now_left);
        left = now_left;
        told_in_order = told_in_order && (closed.done() || !group.done());
    }
    CHECK(left == 0);
    CHECK(most > 0);
    CHECK(most <= most_in_a_turn);
    CHECK(told_in_order);
    REQUIRE(closed.done());
    REQUIRE(group.done());
    CHECK(group.code() == closed.value());
    CHECK(scene.here.stats().handlers == 0);
}

namespace {

/// Their end takes two turns.
constexpr std::size_t two_turns = 70;

/// A peer that announced this many, and does not ask for anything.
struct ManyAnnounced : LiteScene {
    explicit ManyAnnounced(std::size_t count) {
        connect();
        for (std::size_t i = 0; i < count; ++i) static_cast<void>(publish("path/" + std::to_string(i)));
        run();
    }
};

}  // namespace

TEST_CASE("session: however it ends, what its peer announced is freed a few at a time, in no destructor", "[lite][session]") {
    constexpr std::size_t count = 1000;
    ManyAnnounced scene(count);
    REQUIRE(scene.here.stats().announced == count);
    auto all = live_bytes();
    SECTION("the link is cut") { scene.link.cut(); }
    SECTION("this side closes it") { scene.client->close(); }
    SECTION("this side lets go of it") { scene.client.reset(); }
    SECTION("the peer closes it") { scene.server->close(make_error_code(Error::Unauthorized)); }
    SECTION("its task for them is cancelled while more come") {
        for (std::size_t i = 0; i < count; ++i) static_cast<void>(scene.publish("more/" + std::to_string(i)));
        while (scene.here.stats().announced < count + count / 2) REQUIRE(scene.context.poll_one() != 0);
        // What the peer has published in addition stays.
        all = live_bytes();
        scene.client->close();
    }
    std::size_t left = live_bytes(), most = 0;
    while (scene.context.poll_one() != 0) {
        const auto now_left = live_bytes();
        if (now_left < left) most = std::max(most, left - now_left);
        left = now_left;
    }
    CHECK(scene.here.stats().announced == 0);
    if (!allocations_can_fail()) return;
    CHECK(all - left > count * 1000);
    CAPTURE(all, left, most);
    CHECK(most < (all - left) / 14);
}

TEST_CASE("session: what its peer announced is freed, also when its executor goes in the middle of that", "[lite][session]") {
    const bool is_cut = GENERATE(true, false);
    const auto points = at_each_point([is_cut](std::size_t point) {
        std::optional<Origin> here;
        bool is_there = false;
        {
            ManyAnnounced scene(two_turns);
            here.emplace(std::move(scene.here));
            if (is_cut)
                scene.link.cut();
            else
                scene.client.reset();
            is_there = run_handlers(scene.context, 3 * point) == 3 * point;
        }
        CHECK(here->stats().announced == 0);
        return is_there;
    });
    CHECK(points > 10);
}

TEST_CASE("session: if any one allocation fails while what its peer announced ends, all of it ends", "[lite][session][faults]") {
    if (!allocations_can_fail()) return;
    at_each_point([](std::size_t point) {
        ManyAnnounced scene(two_turns);
        scene.client->close();
        bool failed = false;
        {
            FailingAllocation failing(point);
            run_handlers(scene.context);
            failed = failing.stop();
        }
        run_handlers(scene.context);
        CHECK(scene.here.stats().announced == 0);
        CHECK(scene.here.stats().handlers == 0);
        return failed;
    });
}

TEST_CASE("session: the end of a session is the end of every wait for what its peer says", "[lite][session]") {
    LiteScene scene;
    // The other side sends nothing.
    scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
    auto peer = wait(scene.client->peer());
    auto admitted = wait(scene.client->admitted());
    auto goaway = wait(scene.client->goaway_received());
    scene.run();
    REQUIRE_FALSE((peer.done() || admitted.done() || goaway.done()));
    std::error_code expected = make_error_code(Error::Closed);
    SECTION("without an error") { scene.client->close(); }
    SECTION("with a code") {
        expected = make_error_code(Error::Unauthorized);
        scene.client->close(expected);
    }
    scene.run();
    CHECK(peer.code() == expected);
    CHECK(admitted.code() == expected);
    CHECK(goaway.code() == expected);
    CHECK(scene.code(scene.client->peer()) == expected);
    CHECK(scene.code(scene.client->admitted()) == expected);
}

TEST_CASE("session: peer() and admitted() keep their answers after the end", "[lite][session]") {
    LiteScene scene;
    scene.connect();
    scene.client->close();
    scene.run();
    CHECK(scene.get(scene.client->peer()) != nullptr);
    CHECK_FALSE(scene.code(scene.client->admitted()));
}

TEST_CASE("session: a moved-from session says Closed", "[lite][session]") {
    LiteScene scene;
    scene.connect();
    lite::Session &empty = *scene.client;
    const lite::Session session = std::move(empty);
    CHECK(scene.code(empty.peer()) == Error::Closed);
    CHECK(scene.code(empty.admitted()) == Error::Closed);
    CHECK(scene.code(empty.goaway_received()) == Error::Closed);
    CHECK(scene.code(empty.closed()) == Error::Closed);
    CHECK(scene.code(empty.done()) == Error::Closed);
    CHECK(error_of([&] { empty.broadcast("a"); }) == Error::Closed);
    CHECK(error_of([&] { empty.goaway(""); }) == Error::Closed);
    CHECK_FALSE(empty.measured());
    CHECK(empty.announcements_left_out() == 0);
    empty.close();
    CHECK_FALSE(wait(session.closed()).done());
}

TEST_CASE("session: the end of a Subscribe stream says whether the subscriber was understood", "[lite][session]") {
    HostileScene scene;
    const auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    SECTION("a malformed update makes the track malformed") {
        auto question = opening(lite::BidiStreamType::Subscribe, lite::Subscribe{1, "a", "video", Subscription()});
        for (const int octet : {0x01, 0xff}) question.push_back(static_cast<std::byte>(octet));
        const auto answer = peer.ask(std::move(question), false);
        CHECK(answer->number == 0x12u);
    }
    SECTION("a subscriber that leaves before the end is told that this cancels it") {
        const auto answer = peer.ask(opening(lite::BidiStreamType::Subscribe, lite::Subscribe{1, "a", "video", Subscription()}));
        CHECK(answer->number == 0x01u);
    }
    CHECK(scene.open());
}

TEST_CASE("session: if any one allocation fails, it ends, or answers and announces what comes later", "[lite][session][faults]") {
    if (!allocations_can_fail()) return;
    const auto points = at_each_point([](std::size_t point) {
        LiteScene scene;
        scene.connect();
        const auto one = scene.client->broadcast("one");
        auto asked = wait(one.track("video").info());
        const auto early = scene.there.producer().create_broadcast("early");
        bool failed = false;
        {
            FailingAllocation failing(point);
            run_handlers(scene.context);
            failed = failing.stop();
        }
        run_handlers(scene.context);
        if (wait(scene.client->closed()).done() || wait(scene.server->closed()).done()) return failed;
        const auto two = scene.client->broadcast("two");
        auto answered = wait(two.track("video").info());
        const auto late = scene.there.producer().create_broadcast("late");
        scene.run();
        CHECK(answered.done());
        CHECK(scene.here.consumer().announced_broadcast("late").ready());
        return failed;
    });
    CHECK(points > 50);
}

}
