// Broadcasts that end, and come back.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lite/route_scene.hpp"
#include "support/catch.hpp"

namespace session_withdrawals_tests {

using namespace comoq;
using namespace comoq::test;
using Event = Announcement::Event;

namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a ring of three relays: a publisher that withdraws a broadcast ends it once for each subscriber, and nothing of it comes after",
          "[lite][session][routes]") {
    RelayScene scene;
    std::vector<Origin> relays;
    for (std::uint64_t id = 101; id != 104; ++id) relays.push_back(origin_with_id(id));
    std::vector<std::unique_ptr<Connection>> links;
    for (std::size_t i = 0; i < 3; ++i)
        links.push_back(std::make_unique<Connection>(scene.context, scene.config_of(relays[i]), scene.config_of(relays[(i + 1) % 3])));
    const auto source = origin_with_id(50);
    Connection publishing(scene.context, scene.config_of(source), scene.config_of(relays[0]));
    std::vector<std::unique_ptr<RoutePeer>> subscribers;
    for (std::size_t i = 0; i < 3; ++i) {
        subscribers.push_back(std::make_unique<RoutePeer>(scene, scene.config_of(relays[i]), 200 + i));
        subscribers.back()->follow();
        CHECK(subscribers.back()->heard() == Texts{"0 active"});
    }
    for (int round = 0; round < 5; ++round) {
        std::optional<BroadcastPublish> published = source.producer().create_broadcast("a");
        scene.run();
        for (const auto &one : subscribers) {
            const auto heard = one->heard();
            REQUIRE_FALSE(heard.empty());
            CHECK(std::count(heard.begin(), heard.end(), "-a") == 0);
        }
        CHECK(now(relays[0].consumer().announced_broadcast("a")).info().hops == Hops{50});
        CHECK(now(relays[1].consumer().announced_broadcast("a")).info().hops == Hops{50, 101});
        CHECK(now(relays[2].consumer().announced_broadcast("a")).info().hops == Hops{50, 101});
        published.reset();
        scene.run();
        for (const auto &one : subscribers) {
            const auto heard = one->heard();
            REQUIRE_FALSE(heard.empty());
            CHECK(heard.back() == "-a");
            CHECK(std::count(heard.begin(), heard.end(), "-a") == 1);
        }
        for (const auto &relay : relays) CHECK(relay.stats().announced == 0);
    }
}

TEST_CASE("a session: a broadcast that comes back after its end does so at once, by the same route, a worse one, and another publisher's",
          "[lite][session][routes]") {
    WatchedScene scene;
    auto &watcher = scene.watcher;
    auto &publisher = scene.peer(50);
    publisher.announce("a", {7});
    CHECK(watcher.heard() == Texts{"+a 7 50"});
    std::string present;
    for (const auto &[hops, text] : std::vector<std::pair<Hops, std::string>>{{{7}, "7 50"}, {{7, 8, 9}, "7 8 9 50"}, {{10}, "10 50"}}) {
        publisher.unannounce("a");
        CHECK(watcher.heard() == Texts{"-a"});
        publisher.announce("a", hops);
        CHECK(watcher.heard() == Texts{"+a " + text});
        const auto questions = publisher.questions();
        CHECK_FALSE(info(watcher.raw, "a")->over());
        CHECK(publisher.questions() == questions + 1);
    }
    CHECK(publisher.open());
}

TEST_CASE("a session: a track plays to its end after its broadcast was withdrawn", "[lite][session][routes]") {
    RelayScene scene;
    const auto source = origin_with_id(1), relay = origin_with_id(2), viewer = origin_with_id(3);
    Connection publishing(scene.context, scene.config_of(source), scene.config_of(relay));
    Connection viewing(scene.context, scene.config_of(viewer), scene.config_of(relay));
    auto broadcast = source.producer().make_broadcast();
    auto video = broadcast.create_track("video");
    std::optional<OriginPublish> published = source.producer().publish_broadcast("a", broadcast.consume());
    scene.run();
    const auto seen = now(viewer.consumer().announced_broadcast("a"));
    auto subscribing = wait(seen.track("video").subscribe());
    scene.run();
    auto &subscriber = subscribing.value();
    video.write_frame(payload("0"));
    scene.run();
    published.reset();
    scene.run();
    CHECK(seen.is_closed());
    CHECK(viewer.stats().announced == 0);
    video.write_frame(payload("1"));
    scene.run();
    video.write_frame(payload("2"));
    video.finish();
    scene.run();
    CHECK(nexts(subscriber) == Numbers{0, 1, 2});
    CHECK(now(subscriber.closed()) == std::error_code());
    // A new one finds nothing.
    CHECK_FALSE(viewer.consumer().announced_broadcast("a").ready());
    auto again = wait(seen.track("video").subscribe());
    scene.run();
    CHECK(again.code());
}

TEST_CASE("a session: the end of a path whose route was dropped ends nobody else's broadcast there", "[lite][session][routes]") {
    WatchedScene scene;
    auto &watcher = scene.watcher;
    auto &one = scene.peer(50), &other = scene.peer(51);
    other.announce("a");
    CHECK(watcher.heard() == Texts{"+a 51"});
    // It came through the relay.
    one.announce("a", {7, 100});
    one.unannounce("a");
    CHECK(watcher.heard().empty());
    CHECK(now(scene.relay.consumer().announced_broadcast("a")).info().hops == Hops{51});
    CHECK(one.open());
    one.announce("a", {7, 100});
    one.announce("a");
    CHECK(watcher.heard() == Texts{"+a 50"});
    one.unannounce("a");
    CHECK(watcher.heard() == Texts{"+a 51"});
}

}
