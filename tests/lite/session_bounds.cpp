// What is served of a track: from which group on, and which frames of a group.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <comoq/detail/wait/passkey.hpp>
#include <comoq/proxy.hpp>

#include "lite/bounds_scene.hpp"
#include "lite/bounds_words.hpp"
#include "lite/raw_peer.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_bounds_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using Numbers = std::vector<std::uint64_t>;

Numbers up_to_5(std::uint64_t first) {
    Numbers numbers;
    for (; first <= 5; ++first) {
        numbers.push_back(first);
    }
    return numbers;
}

}  // namespace

TEST_CASE("a session serves: the groups with which a real publisher begins, by floor and age", "[lite][session][bounds]") {
    // The start is the value on the wire. Two rows are not the real publisher's: on moq-lite-05 a start without an age brings
    // what there is from there on, as stock peers that speak nothing newer expect it.
    struct Row {
        lite::Version version;
        std::uint64_t start, age;
        Numbers groups;
    };
    const Row row = GENERATE(
        Row{draft_06, 0, 0, {5}}, Row{draft_06, 0, 499, {5}}, Row{draft_06, 0, 500, {5}}, Row{draft_06, 0, 1500, up_to_5(4)},
        Row{draft_06, 0, 2500, up_to_5(3)}, Row{draft_06, 0, 60000, up_to_5(0)}, Row{draft_06, 1, 0, {5}},
        Row{draft_06, 1, 60000, up_to_5(1)}, Row{draft_06, 9, 60000, {}}, Row{draft_06, 4, 0, {5}}, Row{draft_05, 0, 0, {5}},
        Row{draft_05, 0, 499, {5}}, Row{draft_05, 0, 500, {5}}, Row{draft_05, 0, 1500, {5}}, Row{draft_05, 0, 2500, {5}},
        Row{draft_05, 0, 60000, {5}}, Row{draft_05, 1, 0, up_to_5(0)}, Row{draft_05, 1, 60000, up_to_5(0)}, Row{draft_05, 9, 60000, {}},
        Row{draft_05, 4, 0, up_to_5(3)});
    CAPTURE(row.version, row.start, row.age);
    BoundsScene scene(row.version);
    scene.write_groups(6);
    scene.begin_peer();
    auto wishes = from(row.start, milliseconds(row.age));
    if (row.version == draft_05) {
        wishes.start = row.start == 0 ? std::nullopt : std::optional(row.start - 1);
    }
    const auto asking = scene.subscribe(0, wishes);
    CHECK(scene.got->numbers(0) == row.groups);
    CHECK(asking.replies() == (row.groups.empty() ? Texts{} : Texts{"ok " + std::to_string(row.groups.front())}));
    // What comes later comes, from the floor on.
    scene.write_groups(4);
    Numbers all = row.groups;
    for (std::uint64_t later = row.start == 9 ? (row.version == draft_05 ? 8 : 9) : 6; later < 10; ++later) {
        all.push_back(later);
    }
    scene.run();
    CHECK(scene.got->numbers(0) == all);
}

TEST_CASE("a session serves: nobody gets older groups than the publisher says it keeps, unless any age is wanted",
          "[lite][session][bounds]") {
    const auto version = GENERATE(draft_05, draft_06);
    BoundsScene scene(version, BoundsScene::kept_for(2500ms));
    scene.write_groups(6);
    scene.begin_peer();
    const auto limited = scene.subscribe(0, from(1, 60s));
    CHECK(scene.got->numbers(0) == up_to_5(3));
    CHECK(limited.replies() == Texts{"ok 3"});
    const auto any = scene.subscribe(1, from(1, lite::any_age));
    CHECK(scene.got->numbers(1) == up_to_5(1));
    CHECK(any.replies() == Texts{"ok 1"});
    CHECK(scene.video.subscription()->start == 1);
}

TEST_CASE("a session serves: OK names no group above one that may still come", "[lite][session][bounds]") {
    const auto version = GENERATE(draft_05, draft_06);
    BoundsScene scene(version);
    scene.begin_peer();
    const auto create = [](TrackProducer &track, std::uint64_t sequence) { track.create_group(sequence).finish(); };
    SECTION("the newest of the groups that come at once is the first") {
        auto asking = scene.subscribe(0, from(0, lite::any_age));
        create(scene.video, 4);
        create(scene.video, 1);
        scene.run();
        CHECK(asking.replies() == Texts{"ok 1"});
        CHECK(scene.got->numbers(0) == Numbers{1, 4});
    }
    SECTION("of a track that a peer gives, which has not said yet where it begins") {
        scene.video.state(comoq::detail::Passkey())->change_numbers([](auto &numbers) { numbers.keep_order(0); });
        auto asking = scene.subscribe(0, from(0, lite::any_age));
        create(scene.video, 4);
        scene.run();
        CHECK(asking.replies() == Texts{"ok 0"});
    }
    SECTION("of a track that is served from another one, whose groups come in any order") {
        BroadcastProducer source;
        auto video = source.create_track("video");
        create(video, 4);
        auto relayed = scene.there.producer().create_broadcast("relayed");
        asio::co_spawn(scene.context, proxy(source.consume(), relayed.producer()), asio::detached);
        const lite::Subscribe message{7, "relayed", "video", from(0, lite::any_age), {}};
        auto asking = scene.ask(opening_in(version, lite::BidiStreamType::Subscribe, message));
        create(video, 2);
        scene.run();
        CHECK(asking.replies() == Texts{"ok 0"});
        CHECK(scene.got->numbers(7) == Numbers{2, 4});
    }
}

TEST_CASE("a session serves: an update may lower the floor, and no group is served twice", "[lite][session][bounds]") {
    BoundsScene scene(draft_06);
    scene.write_groups(6);
    scene.begin_peer();
    SECTION("the floor goes while nothing is above it: the groups below it come once") {
        auto asking = scene.subscribe(0, from(9, 1500ms));
        CHECK(scene.got->numbers(0).empty());
        scene.update(asking, from(std::nullopt, 1500ms));
        CHECK(scene.got->numbers(0) == up_to_5(4));
        CHECK(asking.replies() == Texts{"ok 4"});
        scene.update(asking, from(4, 60s));
        scene.update(asking, from(std::nullopt, 60s));
        CHECK(scene.got->numbers(0) == up_to_5(0));
    }
    SECTION("the floor goes with no age: the newest group comes") {
        auto asking = scene.subscribe(0, from(9, 0ms));
        scene.update(asking, from(std::nullopt, 0ms));
        CHECK(scene.got->numbers(0) == up_to_5(5));
        CHECK(asking.replies() == Texts{"ok 5"});
    }
    SECTION("a longer age alone brings no group back, and any age does") {
        auto asking = scene.subscribe(0, from(std::nullopt, 0ms));
        scene.update(asking, from(std::nullopt, 60s));
        CHECK(scene.got->numbers(0) == up_to_5(5));
        scene.update(asking, from(std::nullopt, lite::any_age));
        CHECK(scene.got->numbers(0) == up_to_5(0));
    }
    SECTION("an update that comes before the subscription is answered counts") {
        auto handler = scene.there.producer().dynamic();
        Octets octets = opening_in(draft_06, lite::BidiStreamType::Subscribe, lite::Subscribe{3, "b", "video", from(9, 0ms), {}});
        auto asking = scene.ask(std::move(octets));
        scene.update(asking, from(std::nullopt, 60s));
        auto request = now(handler.requested_broadcast());
        auto broadcast = scene.there.producer().make_broadcast();
        auto video = broadcast.create_track("video");
        for (int i = 0; i < 3; ++i) {
            video.write_frame(payload("x"));
        }
        request->accept(broadcast.consume());
        scene.run();
        CHECK(asking.replies() == Texts{"ok 0"});
        CHECK(scene.got->numbers(3) == Numbers{0, 1, 2});
    }
}

TEST_CASE("a session serves: the end is told as soon as it is known, also of an empty track", "[lite][session][bounds]") {
    BoundsScene scene(GENERATE(draft_05, draft_06));
    scene.begin_peer();
    const auto asking = scene.subscribe(0, from(std::nullopt, 0ms));
    CHECK(asking.replies().empty());
    SECTION("nothing came") {
        scene.video.finish();
        scene.run();
        CHECK(asking.replies() == Texts{"end 0"});
        CHECK(asking.answer->ended);
    }
    SECTION("a group is still open") {
        auto group = scene.video.append_group();
        scene.video.finish_at(3);
        scene.run();
        CHECK(asking.replies() == Texts{"ok 0", "end 3"});
        CHECK_FALSE(asking.answer->ended);
        group.finish();
        scene.video.create_group(1).finish();
        scene.video = {};
        scene.run();
        // The last group never came.
        CHECK(asking.replies() == Texts{"ok 0", "end 3", "drop 2-2"});
        CHECK(asking.answer->ended);
    }
}

TEST_CASE("a session serves: a group that is behind is given up when it is later than the subscriber allows, though no newer one comes",
          "[lite][session][bounds]") {
    const auto version = GENERATE(draft_05, draft_06);
    BoundsScene scene(version);
    auto &peer = scene.begin();
    peer.send_uni(opening_in(version, lite::UniStreamType::Setup, lite::Setup()));
    auto asking = scene.subscribe(0, from(std::nullopt, 2s));
    // More than the peer takes before it reads.
    scene.video.write_frame(payload(1 << 20));
    scene.run();
    // Without a newer group it is not late.
    scene.clock.advance(5s);
    scene.pass(5s);
    scene.video.write_frame(payload("x"));
    scene.run();
    scene.clock.advance(1999ms);
    scene.pass(1999ms);
    SECTION("in time") {
        scene.got.emplace(scene.context, scene.link.client(), version);
        scene.run();
        REQUIRE(scene.got->of(0).size() == 2);
        CHECK(scene.got->of(0).front().ends_with(", fin"));
    }
    SECTION("too late") {
        scene.clock.advance(2ms);
        scene.pass(2ms);
        scene.got.emplace(scene.context, scene.link.client(), version);
        scene.run();
        CHECK(scene.got->of(0) == Texts{"1: 0 x, fin"});
    }
    SECTION("the subscriber allows more meanwhile") {
        scene.update(asking, from(std::nullopt, 4s));
        scene.clock.advance(2s);
        scene.pass(2s);
        CHECK(scene.there.stats().unsent_bytes != 0);
        scene.clock.advance(2ms);
        scene.pass(2ms);
        CHECK(scene.there.stats().unsent_bytes == 0);
        scene.got.emplace(scene.context, scene.link.client(), version);
        scene.run();
        CHECK(scene.got->of(0) == Texts{"1: 0 x, fin"});
    }
    SECTION("the peer leaves meanwhile") {
        asking.send->finish();
        scene.run();
        CHECK(scene.there.stats().unsent_bytes == 0);
    }
    SECTION("the session ends meanwhile") {
        scene.server.reset();
        scene.run();
        CHECK(scene.time.sleepers() == 0);
    }
}

}
