// What moq-lite-06 has beyond -05: numbers and costs of announcements, and a strict end of subscriptions.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/messages.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/transport_code.hpp>

#include "lite/asked_scene.hpp"
#include "lite/exchange_vectors.hpp"
#include "lite/route_scene.hpp"
#include "lite/spoken.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"
#include "support/media.hpp"

namespace session_06_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Texts = std::vector<std::string>;
constexpr auto most = comoq::detail::max_varint;
const std::string draft_05 = "moq-lite-05", draft_06 = "moq-lite-06";

/// A relay that prices its link to the publisher, whose SETUP says a price of its own.
struct Priced : private Speaking, WatchedScene {
    explicit Priced(std::optional<std::uint64_t> here = {}, std::optional<std::uint64_t> there = {}, const std::string &protocol = draft_06)
        : Speaking(protocol) {
        auto config = config_of(relay);
        config.link_cost = here;
        publisher = std::make_unique<RoutePeer>(*this, std::move(config), 50, there);
    }
    std::unique_ptr<RoutePeer> publisher;
};

/// A session that has subscribed to a track of the peer's, which this test plays.
struct Subscribed : private Speaking, AskedScene {
    explicit Subscribed(const std::string &protocol) : Speaking(protocol), AskedScene(spoken_link()) {
        subscribing = std::make_unique<Waiting<TrackSubscriber>>(wait(session->broadcast("a").track("video").subscribe()));
        auto asked_info = asked();
        answer_info(asked_info);
        run();
        stream = asked();
        subscriber.emplace(std::move(subscribing->value()));
    }
    template <class Message> void reply(lite::SubscribeReply type, const Message &message) {
        Octets octets;
        lite::encode_typed(type, message, spoken(), octets);
        answer(stream, std::move(octets));
    }
    void finish() {
        stream.stream.send->finish();
        run();
    }
    std::unique_ptr<SendStream> group(std::uint64_t sequence, std::uint64_t first_frame = 0) {
        auto group = run_to_end(context, peer->open_uni());
        auto octets = opening(lite::UniStreamType::Group, lite::Group{0, sequence, first_frame});
        const auto frame = octets_of({0, 1, 'x'});
        octets.insert(octets.end(), frame.begin(), frame.end());
        run_to_end(context, group->write(Bytes(std::move(octets))));
        run();
        return group;
    }
    std::optional<std::error_code> ended() {
        run();
        auto closed = wait(subscriber->closed());
        run();
        return closed.done() ? std::optional(closed.value()) : std::nullopt;
    }

    std::unique_ptr<Waiting<TrackSubscriber>> subscribing;
    Asked stream;
    std::optional<TrackSubscriber> subscriber;
};

}  // namespace

TEST_CASE("moq-lite-06: the receiver adds the price of the link to both costs", "[lite][session]") {
    const auto told = [](std::optional<std::uint64_t> here, std::optional<std::uint64_t> there, Cost cost = {10, 20}) {
        Priced scene(here, there);
        scene.publisher->announce("a", {7}, cost);
        CHECK(scene.watcher.heard() == Texts{"+a 7 50"});
        return scene.watcher.heard_cost();
    };
    CHECK(told(7, {}) == Cost{17, 27});
    CHECK(told(0, {}) == Cost{10, 20});
    CHECK(told({}, {}) == Cost{11, 21});
    CHECK(told({}, 5) == Cost{15, 25});
    CHECK(told({}, 0) == Cost{10, 20});
    // This side's own price wins.
    CHECK(told(7, 5) == Cost{17, 27});
    CHECK(told(7, {}, {most - 3, most}) == Cost{most, most});
    CHECK(told(~std::uint64_t{0}, {}) == Cost{most, most});
}

TEST_CASE("a session: its price of the link is told in SETUP, where the version has costs", "[lite][session]") {
    const auto protocol = GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06"));
    const auto price = GENERATE(as<std::optional<std::uint64_t>>(), std::nullopt, 0U, 7U);
    Speaking speaking(protocol);
    LiteScene scene;
    auto config = scene.config_of(scene.here);
    config.link_cost = price;
    scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
    scene.client.emplace(scene.link.client(), std::move(config));
    CHECK(scene.get(scene.server->peer())->cost == (protocol == draft_06 ? price : std::nullopt));
}

TEST_CASE("moq-lite-06: a relay without a price waits for the peer's SETUP before it takes an announcement", "[lite][session]") {
    const Speaking speaking(draft_06);
    AskedScene scene(spoken_link());
    Octets octets;
    lite::encode(lite::AnnounceOk{50, 1}, spoken(), octets);
    Announcing().write(lite::Announce{true, "a", {7}, {10, 20}}, octets);
    run_to_end(scene.context, scene.announce.send->write(Bytes(std::move(octets))));
    scene.run();
    CHECK(scene.origin.stats().announced == 0);
    lite::Setup setup;
    setup.cost = 5;
    RawPeer(scene.context, scene.peer).say_setup(setup);
    scene.run();
    CHECK(now(scene.origin.consumer().announced_broadcast("a")).info().cost == Cost{15, 25});
}

TEST_CASE("moq-lite-05: costs are neither read nor told, and links cost nothing", "[lite][session]") {
    Priced scene(7, 5, draft_05);
    scene.publisher->announce("a", {7}, {10, 20});
    CHECK(scene.watcher.heard() == Texts{"+a 7 50"});
    CHECK(now(scene.relay.consumer().announced_broadcast("a")).info().cost == lite::untold_cost);
}

TEST_CASE("moq-lite-06: another cost of the same route is told as a RESTART, and the same again is not told", "[lite][session]") {
    Priced scene(0);
    scene.publisher->announce("a", {7}, {1, 2});
    CHECK(scene.watcher.heard() == Texts{"+a 7 50"});
    scene.publisher->announce("a", {7}, {3, 4});
    CHECK(scene.watcher.heard() == Texts{"+a 7 50"});
    CHECK(scene.watcher.heard_cost() == Cost{3, 4});
    scene.publisher->announce("a", {7}, {3, 4});
    CHECK(scene.watcher.heard().empty());
    scene.publisher->unannounce("a");
    CHECK(scene.watcher.heard() == Texts{"-a"});
}

TEST_CASE("moq-lite-06: costs that are the same at the most that the wire can say are one, and not told again", "[lite][session]") {
    Priced scene(7);
    scene.publisher->announce("a", {7}, {most - 6, most - 2});
    CHECK(scene.watcher.heard() == Texts{"+a 7 50"});
    CHECK(scene.watcher.heard_cost() == Cost{most, most});
    scene.publisher->announce("a", {7}, {most, most - 3});
    scene.publisher->announce("a", {7}, {most, most});
    CHECK(scene.watcher.heard().empty());
    scene.publisher->announce("a", {7}, {most - 8, most});
    CHECK(scene.watcher.heard() == Texts{"+a 7 50"});
    CHECK(scene.watcher.heard_cost() == Cost{most - 1, most});
}

TEST_CASE("moq-lite-06: a fault in announcements closes the session, and nothing else does", "[lite][session]") {
    // START a, START b, and then:
    const auto is_open = [](std::string_view hex) {
        Priced scene;
        scene.publisher->announce("a", {7});
        scene.publisher->announce("b");
        auto closed = wait(scene.publisher->session.closed());
        scene.publisher->say_octets(of_hex(hex));
        // The real relay says the same number.
        if (closed.done())
            CHECK(connection_end_number(run_to_end(scene.context, scene.publisher->link.client()->closed())) == 3U);
        return !closed.done();
    };
    const std::string start_a = "00050161000000", start_c = "00050163000000", end_0 = "010100", end_1 = "010101", restart_1 = "020401000000";
    const std::string never_given = "010102", never_restarted = "020402000000", of_later = "0902ffff";
    CHECK(is_open(start_c));
    CHECK(is_open(restart_1));
    CHECK(is_open(end_0 + start_a + "010102"));
    CHECK(is_open(of_later + end_1));
    CHECK(is_open("000701630200000000"));        // unknown hops may stand in a chain twice
    CHECK_FALSE(is_open(start_a));
    CHECK_FALSE(is_open(never_given));
    CHECK_FALSE(is_open(never_restarted));
    CHECK_FALSE(is_open(end_0 + end_0));
    CHECK_FALSE(is_open(end_1 + restart_1));
    CHECK_FALSE(is_open("000701630207070000"));  // a hop twice
    // The path of a route that came through here, and is left out, is the peer's all the same.
    const std::string reflected = "000701630140640000";
    CHECK(is_open(reflected));
    CHECK(is_open(reflected + "010102"));
    CHECK_FALSE(is_open(reflected + start_c));
    CHECK_FALSE(is_open(reflected + reflected));
    CHECK_FALSE(is_open("0206010207070000"));
    std::string chain;
    for (int hop = 1; hop <= 33; ++hop) chain += "0123"[hop / 16] + std::string(1, "0123456789abcdef"[hop % 16]);
    CHECK(is_open("0025016320" + chain.substr(2) + "0000"));
    CHECK_FALSE(is_open("0026016321" + chain + "0000"));
}

TEST_CASE("moq-lite-06: a START that is left out keeps its number", "[lite][session]") {
    Speaking speaking(draft_06);
    WatchedScene scene;
    auto &watcher = scene.watcher;
    auto config = scene.config_of(scene.relay);
    config.max_announced = 1;
    RoutePeer publisher(scene, std::move(config), 50);
    publisher.announce("a");
    publisher.announce("b");
    CHECK(watcher.heard() == Texts{"+a 50"});
    CHECK(publisher.session.announcements_left_out() == 1);
    // This one came through the relay.
    publisher.announce("c", {100});
    publisher.unannounce("c");
    publisher.unannounce("b");
    CHECK(publisher.session.announcements_left_out() == 0);
    CHECK(publisher.open());
    publisher.unannounce("a");
    CHECK(watcher.heard() == Texts{"-a"});
}

TEST_CASE("moq-lite-06: the routes of the peer's own origin are hidden from it by its SETUP", "[lite][session]") {
    Speaking speaking(draft_06);
    RouteScene scene;
    auto &publisher = scene.peer(50), &other = scene.peer(60);
    publisher.announce("a", {200});
    publisher.announce("b", {7});
    auto &watcher = scene.peer(200);
    watcher.follow();
    CHECK(watcher.heard() == Texts{"1 active", "+b 7 50"});
    other.follow();
    CHECK(other.heard().size() == 3);
}

TEST_CASE("a session: a subscription that ends without END fails the track on moq-lite-06, and ends it on -05", "[lite][session]") {
    const auto protocol = GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06"));
    Subscribed scene(protocol);
    scene.reply(lite::SubscribeReply::Ok, lite::SubscribeOk{0});
    scene.group(0)->finish();
    CHECK_FALSE(scene.ended());
    scene.finish();
    const auto code = scene.ended();
    REQUIRE(code);
    CHECK(*code == (protocol == draft_06 ? make_error_code(Error::ProtocolViolation) : std::error_code()));
}

TEST_CASE("a session: a group beyond the END fails the track on moq-lite-06, and is only stopped on -05", "[lite][session]") {
    const auto protocol = GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06"));
    Subscribed scene(protocol);
    scene.reply(lite::SubscribeReply::Ok, lite::SubscribeOk{0});
    const auto first = scene.group(0);
    scene.reply(lite::SubscribeReply::End, lite::SubscribeEnd{5});
    const auto second = scene.group(4);
    CHECK_FALSE(scene.ended());
    const auto beyond = scene.group(5);
    const auto code = scene.ended();
    REQUIRE(code.has_value() == (protocol == draft_06));
    if (code) CHECK(*code == Error::ProtocolViolation);
    // The subscription that fails is over.
    const auto is_stopped = std::make_shared<bool>(false);
    asio::co_spawn(scene.context, scene.stream.stream.send->stopped(),
                   [is_stopped](const std::exception_ptr &, std::error_code) { *is_stopped = true; });
    scene.run();
    CHECK(*is_stopped == (protocol == draft_06));
}

TEST_CASE("moq-lite-06: an END counts at once, whatever stands behind it that says nothing", "[lite][session]") {
    const Speaking speaking(draft_06);
    AskedScene scene(spoken_link(), [](lite::SessionConfig &config) { config.link_cost = 0; });
    Octets octets;
    lite::encode(lite::AnnounceOk{50, 1}, spoken(), octets);
    Announcing writer;
    writer.write(lite::Announce{true, "a", {7}, {}}, octets);
    run_to_end(scene.context, scene.announce.send->write(Bytes(std::move(octets))));
    scene.run();
    CHECK(scene.origin.stats().announced == 1);
    octets.clear();
    writer.write(lite::Announce{false, "a", {}, {}}, octets);
    // A message of a type that nobody knows.
    for (const int octet : {9, 1, 0}) octets.push_back(static_cast<std::byte>(octet));
    run_to_end(scene.context, scene.announce.send->write(Bytes(std::move(octets))));
    scene.run();
    CHECK(scene.origin.stats().announced == 0);
}

TEST_CASE("a session: an END below a group that has come fails the track", "[lite][session]") {
    const auto protocol = GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06"));
    Subscribed scene(protocol);
    scene.reply(lite::SubscribeReply::Ok, lite::SubscribeOk{0});
    const auto group = scene.group(4);
    // On moq-lite-05 0 says that no group came, whatever came.
    scene.reply(lite::SubscribeReply::End, lite::SubscribeEnd{protocol == draft_06 ? std::uint64_t{0} : std::uint64_t{3}});
    CHECK(scene.ended() == make_error_code(Error::ProtocolViolation));
}

TEST_CASE("moq-lite-06: a group that begins behind its first frame, unasked, is lost", "[lite][session]") {
    Subscribed scene(draft_06);
    scene.reply(lite::SubscribeReply::Ok, lite::SubscribeOk{0});
    const auto part = scene.group(0, 3);
    auto next = wait(scene.subscriber->recv_group());
    scene.run();
    REQUIRE(next.done());
    auto frame = wait((*next.value()).next_frame());
    CHECK(frame.code() == Error::Lagged);
    CHECK(stream_end_number(run_to_end(scene.context, part->stopped())) == 0x05U);
    CHECK_FALSE(scene.ended());
}

TEST_CASE("exchanges: replies that real peers gave to a subscription", "[lite][session][exchanges]") {
    // OK, END and FIN; OK, DROP, END and FIN; END 0 of an empty track.
    const auto *const name = GENERATE("subscribe.end", "subscribe.drop_upstream", "subscribe.empty_track");
    CAPTURE(name);
    Subscribed scene(draft_06);
    scene.answer(scene.stream, of_hex(exchange_named(name).answer));
    scene.finish();
    CHECK(scene.ended().value_or(std::error_code()) == std::error_code());
}

TEST_CASE("moq-lite-06: tracks and fetched groups go from one session to the other", "[lite][session]") {
    Speaking speaking(draft_06);
    LiteScene scene;
    auto track = scene.publish("room/a");
    scene.connect();
    CHECK(scene.announced("room/a").info().cost == Cost{1, 1});
    auto subscriber = scene.subscribe("room/a");
    auto group = track.append_group();
    group.write_frame(payload("x"), Timestamp());
    group.finish();
    auto received = scene.get(subscriber.recv_group());
    REQUIRE(received);
    CHECK(scene.words(std::move(*received)) == Words{"x"});
    CHECK(scene.words(scene.get(scene.announced("room/a").track("video").fetch_group(0))) == Words{"x"});
    track.finish();
    scene.run();
    CHECK_FALSE(scene.get(subscriber.recv_group()));
    CHECK(scene.get(subscriber.closed()) == std::error_code());
}

TEST_CASE("moq-lite-06: a peer is told of no more announcements than have a place, and counts on no more", "[lite][session]") {
    const Speaking speaking(draft_06);
    HostileScene scene;
    std::vector<BroadcastPublish> broadcasts;
    for (const char *path : {"a", "b", "c", "d", "e"}) broadcasts.push_back(scene.there.producer().create_broadcast(path));
    auto config = scene.config_of(scene.there);
    config.max_told = 3;
    auto &peer = scene.begin(std::move(config));
    peer.say_setup();
    const auto answer = announce(peer, "");
    std::error_code failure;
    const std::span<const std::byte> octets(answer->octets);
    const auto ok = lite::next_message(octets, failure);
    CHECK(lite::decode<lite::AnnounceOk>(ok->body, spoken())->active_count == 3);
    std::size_t told = 0;
    for (auto rest = octets.subspan(ok->size); !rest.empty(); ++told) {
        CHECK(static_cast<lite::AnnounceType>(rest.front()) == lite::AnnounceType::Start);
        rest = rest.subspan(1 + lite::next_message(rest.subspan(1), failure)->size);
    }
    CHECK(told == 3);
    CHECK(scene.server->announcements_not_told() == 2);
    // Nor on another stream, until the first one ends.
    const auto another = announce(peer, "");
    CHECK(scene.server->announcements_not_told() == 7);
    CHECK_FALSE(another->over());
    peer.let_go();
    CHECK(scene.server->announcements_not_told() == 0);
    CHECK(scene.open());
}

}
