// As exchanges.cpp: subscriptions, groups and FETCHes.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "detail/lite/shown_messages.hpp"
#include "lite/exchange_scene.hpp"
#include "lite/exchange_vectors.hpp"
#include "lite/talk.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"
#include "support/media.hpp"

namespace exchanges_media_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace exchanges_tests;

namespace {

/// The wishes of a subscription, as `shown_messages` shows them, with the frames.
std::string wishes_of(std::string_view hex) {
    const auto octets = of_hex(hex.substr(2));
    std::error_code failure;
    const auto framed = lite::next_message(std::span(octets), failure).value();
    const auto message = lite::decode<lite::Subscribe>(framed.body, spoken()).value();
    return lite::shown_messages::list(message.broadcast, message.track, message.wishes, message.frames);
}

/// A subscription of a viewer's that has come to the publisher through the relay.
struct Subscribing {
    Subscribing(Talk &talk, std::string_view announced, const Exchange &of)
        : exchange(of), publisher(talk.announcing(announced)), viewer(talk.peer(of_viewer)), line(viewer.open(exchange.opener)) {
        REQUIRE(publisher.questions() == 2);
        publisher.question(1).say(its_info);
        publisher.question(1).finish();
        REQUIRE(publisher.questions() == 3);
    }
    Line &upstream() const { return publisher.question(2); }

    const Exchange &exchange;
    TalkingPeer &publisher, &viewer;
    Line line;
};

/// A broadcast of this side's own, with one track.
struct Published {
    Published(Talk &talk, std::string_view path, std::string_view name)
        : broadcast(talk.relay.producer().create_broadcast(path)), track(broadcast.producer().create_track(name, kept())) {}
    static TrackInfo kept() {
        TrackInfo info;
        info.max_latency = 1min;
        return info;
    }
    GroupProducer group(std::uint64_t number) { return track.create_group(number); }
    static void write(GroupProducer &group, std::uint64_t milliseconds, std::string_view text) {
        group.write_frame(payload(std::string(text)), Timestamp(milliseconds, Timescale(1000)));
    }
    BroadcastPublish broadcast;
    TrackProducer track;
};

}  // namespace

TEST_CASE("exchanges: a subscription or a FETCH that the publisher refuses after TRACK_INFO", "[lite][session][exchanges]") {
    Talk talk;
    SECTION("SUBSCRIBE") {
        const Subscribing scene(talk, has_r_c, alike("subscribe.refused"));
        CHECK(wishes_of(scene.upstream().heard()) == wishes_of(scene.exchange.opener));
        scene.upstream().reset(51);
        CHECK(scene.line.end() == "reset 51");
    }
    SECTION("FETCH") {
        const Subscribing scene(talk, has_r_c, alike("fetch.refused"));
        CHECK(scene.upstream().heard() == scene.exchange.opener);
        scene.upstream().reset(52);
        CHECK(scene.line.end() == "reset 52");
    }
    SECTION("a publisher that ends without END") {
        const Subscribing scene(talk, has_room_cam, alike("subscribe.bare_fin_upstream"));
        CHECK(wishes_of(scene.upstream().heard()) == wishes_of(scene.exchange.opener));
        scene.upstream().finish();
        CHECK(scene.line.end() == "reset 3");
    }
}

TEST_CASE("exchanges: a request with FIN right behind", "[lite][session][exchanges]") {
    Talk talk;
    SECTION("TRACK") {
        auto &publisher = talk.announcing(has_room_cam);
        auto line = talk.peer(of_viewer).open(deviating("track.fin_behind_request").opener);
        line.finish();
        CHECK(line.end().empty());
        publisher.question(1).say(its_info);
        CHECK(line.heard() == its_info);
        CHECK(line.end() == "fin");
    }
    SECTION("FETCH") {
        Published published(talk, "room/cam", "video");
        auto group = published.group(6);
        Published::write(group, 6000, "g6 f0");
        Published::write(group, 6040, "g6 f1");
        group.finish();
        const auto &exchange = alike("fetch.range_cached");
        auto &viewer = talk.peer(of_viewer);
        const auto line = viewer.open(exchange.opener);
        CHECK(line.heard() == exchange.answer);
        CHECK(line.end() == "fin");
        auto finished = viewer.open(deviating("fetch.fin_behind_request").opener);
        finished.finish();
        CHECK(finished.heard() == exchange.answer);
        CHECK(finished.end() == "fin");
        const auto beyond = viewer.open(alike("fetch.past_the_end").opener);
        CHECK(beyond.end() == "reset 51");
    }
}

TEST_CASE("exchanges: a subscriber that leaves", "[lite][session][exchanges]") {
    Talk talk;
    Published published(talk, "room/cam", "audio");
    const auto &exchange = deviating("subscribe.left_by_fin");
    auto &viewer = talk.peer(of_viewer);
    auto line = viewer.open(exchange.opener);
    published.group(0).finish();
    talk.run();
    auto group = published.group(1);
    Published::write(group, 20, "a1");
    CHECK(line.heard() == exchange.answer);
    line.finish();
    CHECK(line.end() == "reset 1");
    REQUIRE(viewer.uni->size() == 3);
    CHECK(viewer.uni->at(2).heard() == alike("group.unsubscribed").opener);
    CHECK(viewer.uni->at(2).end() == "reset 1");
}

TEST_CASE("exchanges: a track with groups that were cut, and an empty one", "[lite][session][exchanges]") {
    Talk talk;
    auto &viewer = talk.peer(of_viewer);
    SECTION("cut") {
        Published published(talk, "r/c", "v");
        for (const std::uint64_t number : {2U, 3U, 6U}) {
            auto group = published.group(number);
            Published::write(group, 1000 * number, "x");
            group.finish();
        }
        auto fourth = published.group(4), fifth = published.group(5);
        Published::write(fourth, 4000, "g4 f0");
        Published::write(fifth, 5000, "g5 f0");
        const auto &exchange = alike("subscribe.end");
        const auto line = viewer.open(exchange.opener);
        CHECK(line.heard() == exchange.answer.substr(0, 6));
        fourth.abort(make_error_code(Error::Old));
        fifth.abort(make_error_code(Error::Timeout));
        published.track.finish();
        CHECK(line.heard() == exchange.answer);
        // Datagrams may have the numbers 0 and 1, until the publisher is gone.
        published.broadcast.producer().remove_track("v");
        published.track = TrackProducer();
        CHECK(line.end() == "fin");
        Texts cut;
        for (auto &stream : *viewer.uni)
            if (stream.end() != "fin") cut.push_back(stream.heard() + " " + stream.end());
        std::ranges::sort(cut);
        CHECK(cut == Texts{std::string(alike("group.old").opener) + " reset 52", std::string(alike("group.code2").opener) + " reset 2"});
    }
    SECTION("empty") {
        Published published(talk, "r/c", "z");
        published.track.finish();
        const auto &exchange = alike("subscribe.empty_track");
        const auto line = viewer.open(exchange.opener);
        CHECK(line.heard() == exchange.answer);
        CHECK(line.end() == "fin");
    }
}

TEST_CASE("exchanges: groups that the publisher drops", "[lite][session][exchanges]") {
    Talk talk;
    const Subscribing scene(talk, has_r_c, deviating("subscribe.drop_downstream"));
    const auto &upstream = alike("subscribe.drop_upstream");
    CHECK(wishes_of(scene.upstream().heard()) == wishes_of(upstream.opener));
    for (const auto *const group : {"0003000000", "0003000300"}) scene.publisher.open_uni(group).finish();
    scene.upstream().say(upstream.answer);
    scene.upstream().finish();
    CHECK(scene.line.heard() == std::string(scene.exchange.answer) + "0203010233");
    CHECK(scene.line.end() == "fin");
    CHECK(scene.upstream().end() == "fin");
}

TEST_CASE("exchanges: a subscription with bounds, through a relay", "[lite][session][exchanges]") {
    Talk talk;
    const auto &exchange = alike("subscribe.bounds"), &upstream = deviating("subscribe.relay_upstream");
    auto &publisher = talk.announcing(has_room_cam), &viewer = talk.peer(of_viewer);
    auto line = viewer.open(exchange.opener.substr(0, 54));
    publisher.question(1).say(its_info);
    publisher.question(1).finish();
    // The last octet is the number of frames of the last group.
    const auto asked = std::string(upstream.opener.substr(0, 52)) + "00";
    CHECK(publisher.question(2).heard() == asked);
    publisher.question(2).say(upstream.answer.substr(0, 6));
    // Frames 0, 1 and 2 of group 5.
    publisher.open_uni("0003000500" "000178" "000179" "00017a").finish();
    CHECK(line.heard() == exchange.answer);
    REQUIRE(viewer.uni->size() == 2);
    CHECK(viewer.uni->at(1).heard() == "0003000501" "000179" "00017a");
    line.say(exchange.opener.substr(54, 20));
    line.say(exchange.opener.substr(74));
    CHECK(publisher.question(2).heard() == asked + std::string(upstream.opener.substr(54)));
    publisher.question(2).say(upstream.answer.substr(6));
    publisher.question(2).finish();
    CHECK(line.heard() == std::string(exchange.answer) + "01010e");
}

TEST_CASE("exchanges: a part of a group, through a relay", "[lite][session][exchanges]") {
    Talk talk;
    const Subscribing scene(talk, has_r_c, alike("fetch.range"));
    const auto &upstream = deviating("fetch.upstream");
    CHECK(scene.upstream().heard() == "030a03722f63017709020000");
    CHECK(upstream.opener == "030a03722f63017709020100");
    // The real publisher's answer, with the frame before it.
    scene.upstream().say("4fa0056732206630" "4050056732206631" "4050056732206632" "4050056732206633");
    CHECK(scene.line.heard() == scene.exchange.answer);
    CHECK(scene.line.end() == "fin");
    scene.upstream().finish();
    CHECK(scene.upstream().end() == "fin");
}

TEST_CASE("exchanges: two FETCHes of a group are one upstream, which ends with the last of them", "[lite][session][exchanges]") {
    Talk talk;
    const Subscribing scene(talk, "00050164000000", alike("fetch_cancel"));
    CHECK(scene.upstream().heard() == scene.exchange.opener);
    auto line = talk.peer(of_viewer).open(scene.exchange.opener), first = scene.line;
    CHECK(scene.publisher.questions() == 3);
    first.reset(1);
    CHECK(scene.upstream().end().empty());
    line.reset(1);
    CHECK(scene.upstream().end() == "reset 1");
    CHECK(scene.upstream().stopped() == 1U);
}

}
