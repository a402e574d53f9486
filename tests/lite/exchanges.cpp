// Streams of real peers, played again with this side in the place of one of the two: what it says is the same, except for what
// `deviations` lists.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "detail/lite/shown_messages.hpp"
#include "lite/exchange_vectors.hpp"
#include "lite/route_scene.hpp"
#include "lite/talk.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"
#include "support/media.hpp"

namespace exchanges_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;
constexpr auto most = comoq::detail::max_varint;

/// An exchange in which this side says what the real peer said.
const Exchange &alike(std::string_view name) {
    CAPTURE(name);
    CHECK_FALSE(is_deviating(name));
    return exchange_named(name);
}
/// One in which it says something else.
const Exchange &deviating(std::string_view name) {
    CAPTURE(name);
    CHECK(is_deviating(name));
    return exchange_named(name);
}

// What the recording publishers said: START of a path, at no cost, and TRACK_INFO. And the SETUP of a viewer.
constexpr std::string_view has_room_cam = "000c08726f6f6d2f63616d000000", has_r_c = "000703722f63000000";
constexpr std::string_view of_viewer = "050105026222";
constexpr std::string_view its_info = "07038000ea6043e8";

/// The fields of SETUP, behind the type of its stream.
std::string fields_of(std::string_view hex) {
    using namespace lite::shown_messages;
    return read(Kind::Setup, spoken(), of_hex(hex.substr(2))).value().text;
}

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

/// A relay with a peer that follows its announcements.
struct Watched : private Speaking, WatchedScene {
    explicit Watched(std::uint64_t id = 100, std::uint64_t watching = 200) : Speaking("moq-lite-06"), WatchedScene(id, watching) {}
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

TEST_CASE("exchanges: SETUP of a relay that dials another one has the same fields", "[lite][session][exchanges]") {
    const Speaking speaking("moq-lite-06");
    RelayScene scene;
    const auto relay = origin_with_id(4242);
    auto config = scene.config_of(relay);
    config.path = "/peer";
    config.link_cost = 7;
    TalkingPeer upstream(scene.context, std::move(config), "01080205024abc040105", false);
    CHECK(fields_of(upstream.uni->at(0).heard()) == fields_of(alike("setup.cluster_dialer").opener));
    CHECK(upstream.uni->at(0).end() == "fin");
    CHECK_FALSE(upstream.closed());
}

TEST_CASE("exchanges: a relay on moq-lite-05", "[lite][session][exchanges]") {
    Talk talk("moq-lite-05");
    auto &publisher = talk.peer(alike("lite05.publisher.2").opener.substr(2));
    CHECK(fields_of(publisher.uni->at(0).heard()) == fields_of(alike("lite05.publisher.3").opener));
    CHECK(publisher.question(0).heard() == deviating("lite05.publisher.1").opener);
    publisher.question(0).say(exchange_named("lite05.publisher.1").answer);
    // The publishers of the other two paths.
    talk.peer("050105025111").question(0).say("0351110106010364796e00");
    talk.peer("050105027434").question(0).say("0374340107010473616d6500");
    auto &viewer = talk.peer(alike("lite05.subscriber.2").opener.substr(2));
    CHECK(fields_of(viewer.uni->at(0).heard()) == fields_of(alike("lite05.subscriber.3").opener));
    CHECK(viewer.question(0).heard() == alike("lite05.subscriber.1").opener);
    const auto followed = viewer.open(alike("lite05.subscriber.0").opener);
    CHECK(followed.heard() == exchange_named("lite05.subscriber.0").answer);
    const auto asking = viewer.open(deviating("lite05.subscriber.8").opener);
    REQUIRE(publisher.questions() == 2);
    CHECK(publisher.question(1).heard() == alike("lite05.publisher.9").opener);
    publisher.question(1).say(exchange_named("lite05.publisher.9").answer);
    publisher.question(1).finish();
    CHECK(asking.heard() == exchange_named("lite05.publisher.9").answer);
    CHECK(asking.end() == "fin");
    CHECK(publisher.question(1).end() == "fin");
    CHECK_FALSE(viewer.closed());
}

TEST_CASE("exchanges: announcements through a relay", "[lite][session][exchanges]") {
    Talk talk;
    auto &publisher = talk.peer("0b030502511102012f010101");
    CHECK(publisher.question(0).heard() == alike("announce.reflected_and_drained").opener);
    // room/cam by hop 7 for 3/5, room/mic.
    publisher.question(0).say("03511102" "000d08726f6f6d2f63616d01070305" "000c08726f6f6d2f6d6963000000");
    const auto &exchange = deviating("announce.relay_to_subscriber");
    auto followed = talk.peer(of_viewer).open(exchange.opener);
    constexpr std::size_t listed = 74, all_started = 116, all_ended = 122;
    CHECK(followed.heard() == exchange.answer.substr(0, listed));
    publisher.question(0).say("001109726f6f6d2f6c617465020809406440c8");
    CHECK(followed.heard() == exchange.answer.substr(0, all_started));
    // Another cost of room/cam, and the end of room/mic.
    publisher.question(0).say("0206000207080209" "010101");
    CHECK(followed.heard() == std::string(exchange.answer.substr(0, all_started)) + std::string(exchange.answer.substr(all_ended)) +
                                  std::string(exchange.answer.substr(all_started, all_ended - all_started)));
}

TEST_CASE("exchanges: what a real relay announces is what is here afterwards", "[lite][session][exchanges]") {
    Watched scene;
    auto &relay = scene.peer(4242);
    const auto said = exchange_named("announce.relay_to_subscriber").answer;
    const auto cost_of = [&](std::string_view path) {
        return now(scene.relay.consumer().announced_broadcast(path)).info().cost;
    };
    relay.say_octets(of_hex(said.substr(8, 66)));
    CHECK(scene.watcher.heard() == Texts{"+room/cam 7 4369 4242", "+room/mic 4369 4242"});
    CHECK(cost_of("room/cam") == Cost{5, 7});
    CHECK(cost_of("room/mic") == Cost{2, 2});
    relay.say_octets(of_hex(said.substr(74, 42)));
    CHECK(scene.watcher.heard() == Texts{"+room/late 8 9 4369 4242"});
    CHECK(cost_of("room/late") == Cost{102, 202});
    relay.say_octets(of_hex(said.substr(116, 6)));
    CHECK(scene.watcher.heard() == Texts{"-room/mic"});
    relay.say_octets(of_hex(said.substr(122)));
    CHECK(scene.watcher.heard() == Texts{"+room/cam 7 8 4369 4242"});
    CHECK(cost_of("room/cam") == Cost{4, 11});
    CHECK(relay.open());
}

TEST_CASE("exchanges: a client of moq-rs announces, re-prices and ends a broadcast", "[lite][session][exchanges]") {
    Watched scene;
    auto &client = scene.peer(77);
    const auto said = exchange_named("client.announce").answer;
    client.say_octets(of_hex(said.substr(20, 28)));
    CHECK(scene.watcher.heard() == Texts{"+cli/demo 77"});
    CHECK(scene.watcher.heard_cost() == Cost{1, 1});
    client.say_octets(of_hex(said.substr(48, 12)));
    CHECK(scene.watcher.heard() == Texts{"+cli/demo 77"});
    CHECK(scene.watcher.heard_cost() == Cost{6, 6});
    client.say_octets(of_hex(said.substr(60)));
    CHECK(scene.watcher.heard() == Texts{"-cli/demo"});
}

TEST_CASE("exchanges: routes that came through the sender, through here, and through the subscriber, and one that drains",
          "[lite][session][exchanges]") {
    Watched scene(4242, 8738);
    auto &watcher = scene.watcher, &other = scene.peer(200);
    other.follow();
    auto &publisher = scene.peer(4369);
    const auto said = exchange_named("announce.reflected_and_drained").answer;
    publisher.say_octets(of_hex(said.substr(8, 18)));
    CHECK(watcher.heard() == Texts{"+r/c 4369"});
    publisher.say_octets(of_hex(said.substr(26, 6)));
    CHECK(watcher.heard() == Texts{"-r/c"});
    publisher.say_octets(of_hex(said.substr(32, 18)));
    CHECK(watcher.heard() == Texts{"+r/c 4369"});
    CHECK(watcher.heard_cost() == Cost{6, 7});
    // Through the sender.
    publisher.say_octets(of_hex(said.substr(50, 16)));
    CHECK(watcher.heard() == Texts{"-r/c"});
    // Through here.
    publisher.say_octets(of_hex(said.substr(66, 16)));
    CHECK(watcher.heard().empty());
    other.heard();
    publisher.say_octets(of_hex(said.substr(82, 16)));
    CHECK(watcher.heard().empty());
    CHECK(other.heard() == Texts{"+r/c 8738 4369"});
    publisher.say_octets(of_hex(said.substr(98)));
    CHECK(watcher.heard() == Texts{"+r/c 4369"});
    CHECK(watcher.heard_cost() == Cost{most, most});
    CHECK(publisher.open());
}

TEST_CASE("exchanges: the price of a link, and a peer that is told to go", "[lite][session][exchanges]") {
    Talk talk;
    auto config = talk.config_of(talk.relay);
    config.link_cost = 7;
    auto &upstream = talk.peers.emplace_back(talk.context, std::move(config), "01080205024abc040105", false);
    upstream.question(0).say("034abc01" "00080366617201010a14");
    const auto &exchange = alike("announce.cost_charged_and_drained");
    const auto followed = talk.peer(of_viewer).open(exchange.opener);
    upstream.open("050100").finish();
    CHECK(followed.heard() == exchange.answer);
}

TEST_CASE("exchanges: a client announces, changes the cost, and ends", "[lite][session][exchanges]") {
    Talk talk;
    talk.relay = origin_with_id(0x1ac94e84c7d30e);
    const auto &exchange = alike("client.announce");
    const auto with_cost = [](std::uint64_t cost) {
        BroadcastInfo info;
        info.cost = {cost, cost};
        return info;
    };
    auto first = std::make_optional(talk.relay.producer().create_broadcast("cli/demo", with_cost(0)));
    const auto followed = talk.peer(of_viewer).open(exchange.opener);
    {
        const auto second = talk.relay.producer().create_broadcast("cli/demo", with_cost(5));
        first.reset();
        talk.run();
    }
    talk.run();
    CHECK(followed.heard() == exchange.answer);
}

TEST_CASE("exchanges: hidden paths, and one that is asked for exactly", "[lite][session][exchanges]") {
    Talk talk;
    talk.announcing("000a062e6869642f78000000" "00070364796e000000" "000a06722f2e736563000000");
    auto &viewer = talk.peer(of_viewer);
    for (const auto *const name : {"announce.hidden.root", "announce.exact_prefix"}) {
        const auto &exchange = alike(name);
        CHECK(viewer.open(exchange.opener).heard() == exchange.answer);
    }
}

TEST_CASE("exchanges: a peer that asks for what is not there is told so", "[lite][session][exchanges]") {
    Talk talk;
    talk.announcing(has_room_cam);
    auto &viewer = talk.peer(of_viewer);
    for (const auto *const name : {"track.unroutable", "subscribe.unroutable"}) {
        const auto line = viewer.open(deviating(name).opener);
        CHECK(line.end() == "reset 51");
        CHECK(line.heard().empty());
    }
    CHECK_FALSE(viewer.closed());
}

TEST_CASE("exchanges: a publisher's refusal reaches the peer that asked", "[lite][session][exchanges]") {
    Talk talk;
    auto &publisher = talk.announcing(has_room_cam);
    auto &viewer = talk.peer(of_viewer);
    const auto refused = [&](std::string_view name, std::uint64_t number) {
        const auto &exchange = alike(name);
        const auto line = viewer.open(exchange.opener);
        auto &question = publisher.question(publisher.questions() - 1);
        CHECK(question.heard() == exchange.opener);
        question.reset(number);
        return line.end();
    };
    CHECK(refused("track.not_found", 51) == "reset 51");
    CHECK(refused("track.not_found_old_number", 13) == "reset 13");
}

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

TEST_CASE("exchanges: streams and messages that nobody knows end, and the session does not", "[lite][session][exchanges]") {
    Talk talk;
    auto &viewer = talk.peer(of_viewer);
    CHECK(viewer.open(deviating("unknown_stream_type").opener).end() == "reset 0");
    CHECK(viewer.open(deviating("subscribe.end_frame_without_end_group").opener).end() == "reset 18");
    CHECK(viewer.open_uni(alike("unknown_uni").opener).stopped() == 0U);
    CHECK(viewer.open_uni(alike("unknown_subscription").opener).stopped() == 1U);
    CHECK_FALSE(viewer.closed());
}

TEST_CASE("exchanges: PROBE, on both sides", "[lite][session][exchanges]") {
    Talk talk;
    SECTION("it is answered") {
        const auto &exchange = alike("probe");
        CHECK(talk.peer(of_viewer).open(exchange.opener).heard() == exchange.answer.substr(0, 20));
    }
    SECTION("it is asked") {
        auto config = talk.config_of(talk.relay);
        config.probe = true;
        auto &upstream = talk.peers.emplace_back(talk.context, std::move(config), "010401010101", false);
        const auto &exchange = alike("client.probe");
        CHECK(upstream.question(1).heard() == exchange.opener);
        upstream.question(1).say(exchange.answer);
        CHECK(upstream.session.measured() == lite::Probe{5'000'000, 20});
    }
}

TEST_CASE("exchanges: what a client asks for", "[lite][session][exchanges]") {
    Talk talk;
    auto &server = talk.peers.emplace_back(talk.context, talk.config_of(talk.relay), "010401050101", false);
    const auto broadcast = server.session.broadcast("srv/demo");
    SECTION("a track that is refused") {
        auto asking = wait(broadcast.track("nope").info());
        CHECK(server.question(1).heard() == alike("client.track_refused").opener);
        server.question(1).reset(51);
        CHECK(asking.code() == Error::NotFound);
        CHECK(server.question(1).end() == "reset 1");
    }
    SECTION("a subscription") {
        Subscription wishes;
        wishes.priority = 0;
        auto subscribing = std::make_optional(wait(broadcast.track("clock").subscribe(wishes)));
        server.question(1).say(its_info);
        server.question(1).finish();
        const auto &exchange = alike("client.subscribe");
        CHECK(server.question(2).heard() == exchange.opener);
        server.question(2).say(exchange.answer);
        subscribing.reset();
        talk.time.advance(5s);
        talk.run();
        CHECK(server.question(2).end() == "fin");
    }
}

TEST_CASE("closes: a SETUP that the real relay closes with 3 for is a violation here, and one that it takes is taken",
          "[lite][session][exchanges]") {
    std::string many = "01408440410100";
    for (int i = 2; i <= 63; ++i) many += hex_of(octets_of({i, 0}));
    many += "3f003f00";
    for (const std::string &setup : {std::string("01050201000100"), many, std::string("01050104020000")}) {
        CAPTURE(setup);
        Talk talk;
        CHECK(talk.peer(setup.substr(2)).closed() == 3U);
    }
    Talk talk;
    auto &twice = talk.peer();
    twice.open_uni("01050105025111").finish();
    CHECK(twice.closed() == 3U);
    CHECK_FALSE(talk.peer("0a03010109030107050100").closed());
}

TEST_CASE("closes: GOAWAY once and twice, a time to go that is over, and a client that ends", "[lite][session][exchanges]") {
    Talk talk;
    SECTION("the real relay leaves at once, with 0: this side goes on until it has another session, or the peer closes") {
        auto &peer = talk.peer();
        const std::string goaway = "05161568747470733a2f2f3132372e302e302e313a312f78";
        peer.open(goaway).finish();
        CHECK_FALSE(peer.closed());
        CHECK(now(peer.session.goaway_received()) == "https://127.0.0.1:1/x");
        // The second one is a violation; the real relay has left by then.
        peer.open("050100").finish();
        CHECK(peer.closed() == 3U);
    }
    SECTION("the time is over") {
        auto &peer = talk.peer();
        peer.session.drain(5s);
        CHECK_FALSE(peer.closed());
        talk.time.advance(5s);
        CHECK(peer.closed() == 16U);
    }
    SECTION("a client ends") {
        auto &peer = talk.peer();
        peer.session.close();
        CHECK(peer.closed() == 0U);
    }
}

}
