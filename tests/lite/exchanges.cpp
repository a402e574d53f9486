// Streams of real peers, played again with this side in the place of one of the two: what it says is the same, except for what
// `deviations` lists.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "detail/lite/shown_messages.hpp"
#include "lite/exchange_scene.hpp"
#include "lite/exchange_vectors.hpp"
#include "lite/route_scene.hpp"
#include "lite/talk.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"

namespace exchanges_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

constexpr auto most = comoq::detail::max_varint;

/// The fields of SETUP, behind the type of its stream.
std::string fields_of(std::string_view hex) {
    using namespace lite::shown_messages;
    return read(Kind::Setup, spoken(), of_hex(hex.substr(2))).value().text;
}

/// A relay with a peer that follows its announcements.
struct Watched : private Speaking, WatchedScene {
    explicit Watched(std::uint64_t id = 100, std::uint64_t watching = 200) : Speaking("moq-lite-06"), WatchedScene(id, watching) {}
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
