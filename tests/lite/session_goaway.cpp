// A peer that tells this side to go.
#include <comoq/detail/session/link_price.hpp>
#include <comoq/lite/keep_connected.hpp>
#include <comoq/lite/session.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lite/relay_scene.hpp"
#include "lite/scene.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/every_point.hpp"

namespace session_goaway_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using Event = Announcement::Event;
using comoq::detail::dearest;

TEST_CASE("GOAWAY: the peer's routes are the dearest from then on, and what runs goes on", "[lite][session][goaway]") {
    LiteScene scene;
    auto live = scene.publish("live");
    std::vector<TrackProducer> tracks;
    for (int i = 0; i < 200; ++i) tracks.push_back(scene.publish("many/" + std::to_string(i)));
    scene.connect();
    auto subscriber = scene.subscribe("live");
    const auto before = scene.announced("live");
    CHECK_FALSE(before.info().cost == dearest);
    auto watch = scene.here.consumer().with_root("live")->announced();
    CHECK(now(watch.next())->event == Event::Active);
    scene.server->goaway("");
    scene.run();
    const auto change = now(watch.next());
    REQUIRE(change);
    CHECK(change->event == Event::Restart);
    CHECK(change->broadcast == before);
    CHECK(change->broadcast.info().cost == dearest);
    for (int i = 0; i < 200; ++i) CHECK(scene.announced("many/" + std::to_string(i)).info().cost == dearest);
    // So are those that come later.
    const auto late = scene.publish("late");
    CHECK(scene.announced("late").info().cost == dearest);
    live.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{0});
    // It is asked nothing new.
    CHECK(scene.code(scene.announced("late").track("video").subscribe()) == Error::Unroutable);
    CHECK(scene.code(scene.announced("late").track("video").info()) == Error::Unroutable);
    CHECK_FALSE(wait(scene.client->closed()).done());
}

TEST_CASE("GOAWAY: another route takes the place of a peer's that is about to go", "[lite][session][goaway]") {
    LiteScene scene;
    const auto live = scene.publish("live");
    scene.connect();
    CHECK(scene.announced("live").info().hops.size() == 1);
    BroadcastInfo far({7, 8, 9});
    far.cost = {1'000, 1'000};
    auto other = scene.here.producer().create_broadcast("live", far);
    CHECK_FALSE(scene.announced("live") == other.producer().consume());
    scene.server->goaway("");
    CHECK(scene.announced("live") == other.producer().consume());
}

TEST_CASE("draining: a session ends with GoawayTimeout when its time is over, and a peer is told once", "[lite][session][goaway]") {
    LiteScene scene;
    scene.connect();
    auto told = wait(scene.client->goaway_received());
    auto closed = wait(scene.server->closed()), at_peer = wait(scene.client->closed());
    scene.server->goaway("first");
    scene.server->drain(5s, "second");
    scene.run();
    CHECK(told.value() == "first");
    scene.pass(4'999ms);
    CHECK_FALSE(closed.done());
    SECTION("the peer stays") {
        scene.pass(1ms);
        CHECK(closed.value() == Error::GoawayTimeout);
        CHECK(at_peer.value() == Error::GoawayTimeout);
    }
    SECTION("the peer goes") {
        scene.client->close();
        scene.pass(10s);
        CHECK_FALSE(closed.value() == Error::GoawayTimeout);
    }
}

TEST_CASE("draining: with no time at all a session is closed in peace, and the rules of goaway hold", "[lite][session][goaway]") {
    LiteScene scene;
    scene.connect();
    CHECK(error_of([&] { scene.server->drain(1s, std::string(8'193, 'x')); }) == Error::BoundsExceeded);
    auto told = wait(scene.client->goaway_received());
    auto at_peer = wait(scene.client->closed());
    auto here = wait(scene.server->closed());
    scene.server->drain(0s);
    scene.run();
    CHECK(told.code());
    CHECK(here.value() == Error::GoingAway);
    CHECK((!at_peer.value() || at_peer.value() == Error::Cancelled));
    lite::Session empty = std::move(*scene.server);
    CHECK(error_of([&] { scene.server->drain(1s); }) == Error::Closed);
}

namespace {

/// A session that is kept connected, with a new server for each connection.
struct Kept : RelayScene {
    explicit Kept(bool with_connect_to = false) {
        lite::ReconnectConfig config;
        config.session = config_of(here);
        if (with_connect_to) {
            config.connect_to = [this](std::string uri) {
                uris.push_back(std::move(uri));
                return connect(*this);
            };
        }
        config.on_retry = [this](std::error_code, std::chrono::milliseconds) { ++retries; };
        keeping.start(context, lite::keep_connected([this] { return connect(*this); }, std::move(config)));
        run();
    }
    ~Kept() {
        keeping.cancel();
        run();
    }
    static asio::awaitable<std::shared_ptr<Transport>> connect(Kept &self) {
        if (self.refuses) throw std::system_error(make_error_code(Error::Transport));
        self.links.push_back(std::make_unique<MemoryLink>(self.context.get_executor(), self.context.get_executor()));
        self.servers.push_back(std::make_unique<lite::Session>(self.links.back()->server(), self.config_of(self.there)));
        co_return self.links.back()->client();
    }
    void pass(std::chrono::milliseconds how_long) {
        for (; how_long > 0ms; how_long -= 100ms) {
            time.advance(100ms);
            run();
        }
    }

    Origin there = origin_with_id(1), here = origin_with_id(2);
    BroadcastPublish published = there.producer().create_broadcast("live");
    TrackProducer video = published.producer().create_track("video");
    std::vector<std::unique_ptr<MemoryLink>> links;
    std::vector<std::unique_ptr<lite::Session>> servers;
    std::vector<std::string> uris;
    bool refuses = false;
    int retries = 0;
    Disturbed keeping;
};

template <class T> std::error_code run_code(RelayScene &scene, Operation<T> operation) {
    auto waiting = wait(std::move(operation));
    scene.run();
    return waiting.code();
}

}  // namespace

TEST_CASE("keep_connected: a peer that goes is left for a new connection at once, and tracks go on until they have changed over",
          "[lite][keep_connected][goaway]") {
    Kept scene;
    scene.pass(3s);
    auto watch = scene.here.consumer().announced();
    const auto first = now(watch.next());
    REQUIRE(first);
    auto subscribing = wait(first->broadcast.track("video").subscribe());
    scene.run();
    scene.servers[0]->goaway("");
    scene.run();
    CHECK(scene.servers.size() == 2);
    CHECK(scene.retries == 0);
    // The new one's, and the old one's goes on.
    std::optional<Announcement> last;
    for (auto next = watch.next(); next.ready(); next = watch.next()) last = now(std::move(next));
    REQUIRE(last);
    CHECK(last->event == Event::Restart);
    CHECK_FALSE(last->broadcast == first->broadcast);
    CHECK_FALSE(last->broadcast.info().cost == dearest);
    scene.video.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(subscribing.value()) == Numbers{0});
    auto old = wait(scene.servers[0]->closed());
    SECTION("for ten seconds at most") {
        scene.pass(9'900ms);
        CHECK_FALSE(old.done());
        scene.pass(200ms);
        CHECK(old.done());
    }
    SECTION("or until the peer closes it") {
        scene.servers[0]->close();
        scene.run();
        CHECK(old.done());
    }
    CHECK(first->broadcast.is_closed());
    CHECK_FALSE(last->broadcast.is_closed());
    CHECK_FALSE(watch.next().ready());
    CHECK(scene.servers.size() == 2);
    // The new one is as good as the first was.
    scene.pass(3s);
    scene.servers[1]->goaway("");
    scene.run();
    CHECK(scene.servers.size() == 3);
}

TEST_CASE("keep_connected: a request for a path on demand gets the new session at once, and what the old one serves goes on",
          "[lite][keep_connected][goaway]") {
    Kept scene;
    scene.pass(3s);
    auto handler = scene.there.producer().dynamic();
    BroadcastProducer served;
    auto video = served.create_track("video");
    const auto ask = [&] {
        auto asked = wait(scene.here.consumer().request_broadcast("on/demand"));
        scene.run();
        return asked;
    };
    const auto old = ask().value();
    CHECK(ask().value() == old);
    auto subscribing = wait(old.track("video").subscribe());
    scene.run();
    now(handler.requested_broadcast())->accept(served.consume());
    scene.run();
    auto &subscriber = subscribing.value();
    SECTION("the new session is there at once") {
        scene.servers[0]->goaway("");
        scene.run();
    }
    SECTION("it has to wait for one") {
        scene.refuses = true;
        scene.servers[0]->goaway("");
        scene.run();
        auto waiting = ask();
        CHECK_FALSE(waiting.done());
        scene.refuses = false;
        scene.pass(1s);
        CHECK(waiting.done());
    }
    const auto fresh = ask().value();
    CHECK_FALSE(fresh == old);
    CHECK(ask().value() == fresh);
    CHECK_FALSE(old.is_closed());
    // A track that is new there tells its holder to ask again.
    const auto sound = served.create_track("sound");
    CHECK(run_code(scene, old.track("sound").subscribe()) == Error::Unroutable);
    CHECK_FALSE(run_code(scene, fresh.track("sound").subscribe()));
    video.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{0});
    scene.pass(10'100ms);
    CHECK(old.is_closed());
    CHECK_FALSE(fresh.is_closed());
}

TEST_CASE("keep_connected: a peer that always tells it to go at once is asked at ever longer intervals", "[lite][keep_connected][goaway]") {
    Kept scene;
    std::size_t sent_away = 0;
    for (int i = 0; i < 250; ++i) {
        while (sent_away != scene.servers.size()) scene.servers[sent_away++]->goaway("");
        scene.pass(100ms);
    }
    CHECK(scene.servers.size() >= 4);
    CHECK(scene.servers.size() <= 9);
}

TEST_CASE("keep_connected: an address to which the peer sends it is for a hook of the program's", "[lite][keep_connected][goaway]") {
    const bool has_hook = GENERATE(true, false);
    Kept scene(has_hook);
    scene.pass(3s);
    scene.servers[0]->goaway("https://other/");
    scene.run();
    CHECK(scene.uris == (has_hook ? std::vector<std::string>{"https://other/"} : std::vector<std::string>()));
    CHECK(scene.servers.size() == 2);
    // It is for one connection.
    scene.pass(3s);
    scene.servers[1]->close();
    scene.pass(1s);
    CHECK(scene.servers.size() == 3);
    CHECK(scene.uris.size() <= 1);
    scene.pass(3s);
    scene.servers[2]->goaway("");
    scene.run();
    CHECK(scene.servers.size() == 4);
    CHECK(scene.uris.size() <= 1);
}

TEST_CASE("keep_connected: when it is cancelled while a session changes over, both end", "[lite][keep_connected][goaway]") {
    Kept scene;
    scene.pass(3s);
    scene.servers[0]->goaway("");
    scene.refuses = GENERATE(true, false);
    scene.run();
    scene.keeping.cancel();
    scene.run();
    CHECK(scene.keeping.was_cancelled());
    for (const auto &server : scene.servers) CHECK(wait(server->closed()).done());
    CHECK(scene.here.stats().announced == 0);
    CHECK(scene.time.sleepers() == 0);
}

}
