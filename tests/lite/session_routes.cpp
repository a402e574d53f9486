// The routes that peers announce, and the routes that a session tells a peer of.
#include <comoq/lite/session.hpp>
#include <comoq/mirror.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "lite/route_scene.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace session_routes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Texts = std::vector<std::string>;

/// 1, 2, 3 ...
Hops counted(std::uint64_t count) {
    Hops hops;
    for (std::uint64_t id = 1; id <= count; ++id) hops.push_back(id);
    return hops;
}

/// Of an announcement as `RoutePeer::heard` has it.
Hops hops_of(const std::string &text) {
    Hops hops;
    for (auto at = text.find(' '); text.front() == '+' && at != std::string::npos; at = text.find(' ', at + 1))
        hops.push_back(std::stoull(text.substr(at + 1)));
    return hops;
}

}  // namespace

TEST_CASE("a session: a chain with a repeated hop is dropped, and nobody's session ends", "[lite][session][routes]") {
    const Speaking speaking("moq-lite-05");
    WatchedScene scene;
    auto &watcher = scene.watcher;
    auto &publisher = scene.peer(50);
    SECTION("twice in what the peer says") {
        publisher.announce("a", {7, 7});
        publisher.announce("a", {7, 8, 9, 7});
    }
    SECTION("the sender is in it") { publisher.announce("a", {7, 50, 8}); }
    SECTION("it was here before") { publisher.announce("a", {7, 100}); }
    SECTION("no room for the sender") { publisher.announce("a", counted(32)); }
    CHECK(watcher.heard().empty());
    CHECK(scene.relay.stats().announced == 0);
    CHECK(publisher.open());
    CHECK(watcher.open());
    // Its path is the peer's all the same.
    publisher.unannounce("a");
    CHECK(publisher.open());
    publisher.announce("a", {7});
    CHECK(watcher.heard() == Texts{"+a 7 50"});
    // A good route that becomes one in circles is over.
    publisher.announce("a", {7, 7});
    CHECK(watcher.heard() == Texts{"-a"});
    CHECK(publisher.open());
}

TEST_CASE("a session: a chain of 31 hops is passed on, and 0 may be in it twice", "[lite][session][routes]") {
    WatchedScene scene;
    auto &watcher = scene.watcher;
    auto &publisher = scene.peer(50);
    publisher.announce("a", counted(31));
    publisher.announce("b", {7, 0, 8, 0});
    std::string all = "+a";
    for (const auto id : counted(31)) all += " " + std::to_string(id);
    CHECK(watcher.heard() == Texts{all + " 50", "+b 7 0 8 0 50"});
}

TEST_CASE("a session: whatever chains peers announce, nobody is sent one with a repeated hop, or more than 32",
          "[lite][session][routes]") {
    const Speaking speaking("moq-lite-05");
    std::mt19937_64 random(seed("chains"));
    RouteScene scene;
    auto &watcher = scene.peer(200);
    watcher.follow();
    auto &one = scene.peer(50), &other = scene.peer(51);
    std::size_t told = 0;
    for (int i = 0; i < 2'000; ++i) {
        Hops hops(random() % 20 == 0 ? random() % 33 : random() % 5);
        for (auto &hop : hops) hop = random() % 8 == 0 ? 48 + random() % 4 : random() % (hops.size() > 5 ? 1'000 : 8);
        auto &publisher = random() % 2 == 0 ? one : other;
        publisher.announce("p" + std::to_string(random() % 20), hops);
        for (const auto &text : watcher.heard()) {
            auto chain = hops_of(text);
            INFO(text);
            CHECK(chain.size() <= 32);
            // The relay's own id follows, in the receiver's view.
            chain.push_back(100);
            std::erase(chain, 0U);
            std::sort(chain.begin(), chain.end());
            CHECK(std::adjacent_find(chain.begin(), chain.end()) == chain.end());
            told += text.front() == '+';
        }
    }
    CHECK(told > 500);
    CHECK(one.open());
    CHECK(other.open());
}

TEST_CASE("a session: a publisher that comes back is asked at once, while its old session lingers, whatever its hop ids",
          "[lite][session][routes]") {
    std::mt19937_64 random(seed("publishers"));
    const auto id = [&] { return 1'000 + (random() >> 11); };
    WatchedScene scene;
    auto &watcher = scene.watcher;
    for (int i = 0; i < 100; ++i) {
        auto &publisher = scene.peer(id());
        publisher.announce("a");
        CHECK(watcher.heard() == Texts{"+a " + std::to_string(publisher.hop)});
        const auto answer = info(watcher.raw, "a");
        CHECK(publisher.questions() == 1);
        watcher.raw.let_go();
        watcher.follow();
        CHECK(watcher.heard() == Texts{"1 active", "+a " + std::to_string(publisher.hop)});
    }
    // When it leaves, the one before it is there.
    const auto before = scene.peers.at(scene.peers.size() - 2)->hop;
    scene.peers.back()->link.cut();
    CHECK(watcher.heard() == Texts{"+a " + std::to_string(before)});
}

TEST_CASE("a session: a peer without a hop id is not told of its own broadcasts, and of another route in their place",
          "[lite][session][routes]") {
    const Speaking speaking("moq-lite-05");
    RouteScene scene;
    auto &one = scene.peer(), &other = scene.peer();
    one.follow();
    other.follow("", 200);
    auto &watcher = scene.peer(200);
    watcher.follow("", 200);
    for (auto *peer : {&one, &other, &watcher}) CHECK(peer->heard() == Texts{"0 active"});
    one.announce("a", {8});
    CHECK(one.heard().empty());
    CHECK(other.heard() == Texts{"+a 8 0"});
    CHECK(watcher.heard() == Texts{"+a 8 0"});
    // It ranks first, by the hash; the peer that sent it is told of the other one.
    other.announce("a", {7});
    CHECK(one.heard() == Texts{"+a 7 0"});
    CHECK(other.heard().empty());
    CHECK(watcher.heard() == Texts{"+a 7 0"});
    // Its hop id, where it has one, is left out as before.
    auto &third = scene.peer(60);
    third.announce("a", {200});
    CHECK(one.heard() == Texts{"+a 200 60"});
    CHECK(other.heard().empty());
    CHECK(watcher.heard().empty());
    // In the list of what is there, too.
    other.follow();
    CHECK(other.heard() == Texts{"1 active", "+a 200 60"});
    third.unannounce("a");
    one.unannounce("a");
    CHECK(other.heard() == Texts{"+a 8 0", "-a"});
    other.follow();
    CHECK(other.heard() == Texts{"0 active"});
}

TEST_CASE("a session: a peer without a hop id is served by another's broadcast, where the active one is its own",
          "[lite][session][routes]") {
    RouteScene scene;
    auto &one = scene.peer(), &other = scene.peer();
    one.announce("a");
    CHECK(info(one.raw, "a")->code == Error::NotFound);
    CHECK(one.questions() == 0);
    other.announce("a");
    // The later one is active.
    const auto answer = info(other.raw, "a");
    CHECK_FALSE(answer->over());
    CHECK(one.questions() == 1);
    CHECK(other.questions() == 0);
}

TEST_CASE("a session: a peer without a hop id is not offered a mirror of its own broadcasts", "[lite][session][routes]") {
    RouteScene scene;
    const auto shown = origin_with_id(101);
    auto mirroring = Begun<void>(scene.context, mirror(scene.relay.consumer(), shown.producer()));
    lite::SessionConfig config = scene.config_of(scene.relay);
    config.publish = shown.consumer();
    RoutePeer peer(scene, config);
    peer.follow();
    peer.announce("a");
    scene.run();
    CHECK(now(shown.consumer().announced_broadcast("a")).info().hops == Hops{0, 100});
    CHECK(peer.heard() == Texts{"0 active"});
    CHECK(info(peer.raw, "a")->code == Error::NotFound);
    CHECK(peer.questions() == 0);
}

TEST_CASE("a session: publishers without a hop id are told apart by a number that stands before them, one for each session",
          "[lite][session][routes]") {
    WatchedScene scene;
    auto &watcher = scene.watcher;
    const auto told = [&] {
        const auto all = watcher.heard();
        REQUIRE(all.size() == 1);
        return hops_of(all[0]);
    };
    auto &one = scene.peer(), &other = scene.peer();
    one.announce("a");
    const auto first = told();
    REQUIRE(first.size() == 2);
    CHECK(first[0] != 0);
    // Peers written in JavaScript refuse more.
    CHECK(first[0] < std::uint64_t{1} << 53);
    CHECK(first[1] == 0);
    one.announce("b", {0, 7});
    CHECK(told() == Hops{first[0], 0, 7, 0});
    other.announce("a");
    const auto second = told();
    REQUIRE(second.size() == 2);
    CHECK(second[0] != first[0]);
    CHECK(second[1] == 0);
    // It is not a hop here: of publishers that came here directly, the last is asked.
    CHECK(now(scene.relay.consumer().announced_broadcast("a")).info().hops == Hops{0});
    // Where somebody is named first, there is none. Nor where it would not fit.
    one.announce("c", {7, 0});
    CHECK(told() == Hops{7, 0, 0});
    one.announce("d", Hops(31, 0));
    CHECK(told() == Hops(32, 0));
    one.announce("e", Hops(30, 0));
    CHECK(told() == Hops(31, 0));
    // A peer that knows the number, from a session of its own, does not make it stand there twice.
    one.announce("f", {0, first[0]});
    CHECK(told() == Hops{0, first[0], 0});
    const auto mine = scene.relay.producer().create_broadcast("g", BroadcastInfo({0, 9}));
    CHECK(told() == Hops{0, 9});
}

TEST_CASE("a session: hidden names are not announced to the peer, who can ask for them, unless the config says so",
          "[lite][session][routes]") {
    const bool announces = GENERATE(false, true);
    RouteScene scene;
    auto config = scene.config_of(scene.relay);
    config.announce_hidden = announces;
    RoutePeer peer(scene, config, 200);
    peer.follow();
    auto &publisher = scene.peer(50);
    publisher.announce(".keys/a");
    publisher.announce("room/.catalog");
    publisher.announce("room/cam");
    CHECK(peer.heard() == (announces ? Texts{"0 active", "+.keys/a 50", "+room/.catalog 50", "+room/cam 50"}
                                     : Texts{"0 active", "+room/cam 50"}));
    peer.follow("room");
    CHECK(peer.heard() == (announces ? Texts{"2 active", "+.catalog 50", "+cam 50"} : Texts{"1 active", "+cam 50"}));
    peer.follow("room/.catalog");
    CHECK(peer.heard() == Texts{"1 active", "+ 50"});
    // Asked for by name it is like any other.
    const auto hidden = info(peer.raw, "room/.catalog");
    CHECK_FALSE(hidden->over());
    CHECK(publisher.questions() == 1);
    // And to those on this side.
    CHECK(scene.relay.consumer().announced_broadcast(".keys/a").ready());
}

TEST_CASE("a session: a route that the peer cannot tell from the one before it is not announced, and serves the path",
          "[lite][session][routes]") {
    const Speaking speaking("moq-lite-05");
    WatchedScene scene;
    auto &watcher = scene.watcher;
    auto &publisher = scene.peer(50);
    publisher.announce("a", {7});
    CHECK(watcher.heard() == Texts{"+a 7 50"});
    SECTION("the same publisher says it again") { publisher.announce("a", {7}); }
    SECTION("a publisher that comes back with its hop id") {
        auto &back = scene.peer(50);
        back.announce("a", {7});
        // A viewer that asks now is served by the new one.
        CHECK(watcher.heard().empty());
        const auto answer = info(watcher.raw, "a");
        CHECK(back.questions() == 1);
        CHECK(publisher.questions() == 0);
        return;
    }
    SECTION("another source, with another cost") {
        // What comes over moq-lite-05 costs the most, cold.
        BroadcastInfo cheap({7, 50});
        auto other = scene.relay.producer().create_broadcast("a", cheap);
        CHECK(now(scene.relay.consumer().announced_broadcast("a")) == other.producer().consume());
        CHECK(watcher.heard().empty());
        return;
    }
    SECTION("a better one that came and went unseen") {
        auto better = scene.relay.producer().create_broadcast("a");
        better.unannounce();
    }
    CHECK(watcher.heard().empty());
    // Another route is told, and so are an end and a new beginning.
    publisher.announce("a", {8});
    CHECK(watcher.heard() == Texts{"+a 8 50"});
    publisher.unannounce("a");
    publisher.announce("a", {8});
    CHECK(watcher.heard() == Texts{"-a", "+a 8 50"});
    watcher.follow();
    CHECK(watcher.heard() == Texts{"1 active", "+a 8 50"});
}

TEST_CASE("a session: a route in place of one with the same hops is announced to a peer that has asked for its broadcast",
          "[lite][session][routes]") {
    RouteScene scene;
    auto &watcher = scene.peer(200), &other = scene.peer(201);
    auto &publisher = scene.peer(50);
    publisher.announce("room/a");
    publisher.announce("room/b");
    for (auto *peer : {&watcher, &other}) {
        peer->follow("room");
        CHECK(peer->heard() == Texts{"2 active", "+a 50", "+b 50"});
    }
    // What it has of the first one is over, sooner or later, and it must ask again.
    const auto kind = GENERATE(0, 1, 2);
    if (kind == 0) subscribe(watcher.raw, 1, "/room//a/");
    if (kind == 1) info(watcher.raw, "room/a");
    if (kind == 2) watcher.raw.ask(opening(lite::BidiStreamType::Fetch, lite::Fetch{"room/a", "video", 0, 1}));
    auto &back = scene.peer(50);
    back.announce("room/b");
    back.announce("room/a");
    // With another route of the same publisher it would go on with what it has: after an end it asks again. In one process
    // of 4,096 the other one, too: paths that were asked for are remembered by a hash.
    const auto told = watcher.heard();
    REQUIRE(told.size() >= 2);
    CHECK(told.size() <= 4);
    CHECK(Texts(told.end() - 2, told.end()) == Texts{"-a", "+a 50"});
    CHECK(other.heard().empty());
}

TEST_CASE("a session: 100 restarts of a publisher, whose old sessions linger, each reach a viewer that is watching",
          "[lite][session][routes]") {
    std::mt19937_64 random(seed("restarts"));
    const bool same_id = GENERATE(true, false);
    RouteScene scene;
    const auto viewer = origin_with_id(300);
    Connection viewing(scene.context, scene.config_of(viewer), scene.config_of(scene.relay));
    auto watch = viewer.consumer().announced();
    struct Publisher {
        Publisher(RouteScene &in, std::uint64_t id) : origin(origin_with_id(id)), connection(in.context, in.config_of(origin), in.config_of(in.relay)) {}
        Origin origin;
        Connection connection;
        BroadcastPublish published = origin.producer().create_broadcast("a");
        TrackProducer track = published.producer().create_track("video");
    };
    std::vector<std::unique_ptr<Publisher>> publishers;
    std::vector<TrackSubscriber> subscribers;
    for (int i = 0; i < 100; ++i) {
        publishers.push_back(std::make_unique<Publisher>(scene, same_id ? 50 : 1'000 + (random() >> 11)));
        scene.run();
        auto change = now(watch.next());
        REQUIRE(change);
        CHECK(change->event == (i == 0 ? Announcement::Event::Active : Announcement::Event::Restart));
        auto subscribing = wait(change->broadcast.track("video").subscribe());
        scene.run();
        subscribers.push_back(std::move(subscribing.value()));
        publishers.back()->track.write_frame(payload("from " + std::to_string(i)));
        scene.run();
        auto group = now(subscribers.back().recv_group());
        REQUIRE(group);
        CHECK(texts(*group) == Words{"from " + std::to_string(i)});
        // It is never heard of again.
        publishers.back()->connection.link.pause();
        CHECK_FALSE(watch.next().ready());
    }
}

}
