// A session tells its application what the peer does.
#include <comoq/lite/session.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <fmt/format.h>

#include "lite/raw_peer.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_events_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Texts = std::vector<std::string>;

std::string text_of(const lite::SessionEvent &event) {
    switch (event.kind) {
    case lite::SessionEvent::Kind::Announced: return fmt::format("announced {}", event.path);
    case lite::SessionEvent::Kind::Unannounced: return fmt::format("unannounced {}", event.path);
    case lite::SessionEvent::Kind::Subscribed: return fmt::format("subscribed {} {}", event.path, event.track);
    case lite::SessionEvent::Kind::Unsubscribed:
        return fmt::format("unsubscribed {} {}: {}", event.path, event.track, event.code ? event.code.message() : "complete");
    case lite::SessionEvent::Kind::Refused: return fmt::format("refused {} {}: {}", event.path, event.track, event.code.message());
    }
    return "?";
}

/// A server that writes down what its client does, below a root.
struct Scene : HostileScene {
    Scene() {
        auto config = config_of(there);
        config.on_event = [told = events](const lite::SessionEvent &event) { told->push_back(text_of(event)); };
        begin(std::move(config));
        asio::co_spawn(context, hold_what_comes(link.client(), asked), asio::detached);
        lite::Setup setup;
        setup.path = "/room";
        peer->say_setup(setup);
    }
    void announce_by(std::initializer_list<lite::Announce> changes, bool is_first = true) {
        REQUIRE(asked->size() == 1);
        Octets octets;
        if (is_first) {
            lite::encode(lite::AnnounceOk{7, 0}, spoken(), octets);
        }
        for (const auto &change : changes) {
            announcing.write(change, octets);
        }
        asio::co_spawn(context, asked->front().send->write(Bytes(std::move(octets))), asio::detached);
        run();
    }
    /// What has been told since the last call.
    Texts news() { return std::exchange(*events, {}); }

    // A test may look at it when the scene is gone.
    const std::shared_ptr<Texts> events = std::make_shared<Texts>();
    Announcing announcing;
    std::shared_ptr<std::vector<BidiStream>> asked = std::make_shared<std::vector<BidiStream>>();
};

}  // namespace

TEST_CASE("events of a session: what the peer announces, and takes back", "[lite][session]") {
    Scene scene;
    scene.announce_by({{true, "/cam/", {}}, {true, "mic", {5}}});
    CHECK(scene.news() == Texts{"announced cam", "announced mic"});
    scene.announce_by({{false, "/cam/", {}}}, false);
    CHECK(scene.news() == Texts{"unannounced cam"});
    // One of the peer's for another one.
    scene.announce_by({{true, "mic", {6}}}, false);
    CHECK(scene.news() == Texts());
}

TEST_CASE("events of a session: an announcement that has no place here is not told", "[lite][session]") {
    Scene scene;
    // It came through this side; and no path.
    scene.announce_by({{true, "loop", {1}}, {true, "a\nb", {}}});
    CHECK(scene.news() == Texts());
    scene.announce_by({{true, "loop", {}}}, false);
    CHECK(scene.news() == Texts{"announced loop"});
    scene.announce_by({{true, "loop", {1}}}, false);
    CHECK(scene.news() == Texts{"unannounced loop"});
    scene.announce_by({{false, "loop", {}}, {false, "a\nb", {}}}, false);
    CHECK(scene.news() == Texts());
}

TEST_CASE("events of a session: the end of the session ends what the peer has announced", "[lite][session]") {
    Scene scene;
    scene.announce_by({{true, "cam", {}}, {true, "loop", {1}}, {true, "mic", {}}});
    scene.news();
    scene.server->close();
    scene.run();
    CHECK(scene.news() == Texts{"unannounced cam", "unannounced mic"});
}

TEST_CASE("events of a session: a subscription that its context destroys tells nothing", "[lite][session]") {
    auto scene = std::make_unique<Scene>();
    auto handler = scene->there.producer().dynamic();
    const auto asking = comoq::test::subscribe(*scene->peer, 1, "cam");
    auto request = now(handler.requested_broadcast());
    BroadcastProducer made;
    auto track = made.create_track("video");
    request->accept(made.consume());
    scene->run();
    CHECK(scene->news() == Texts{"subscribed cam video"});
    const auto told = scene->events;
    scene.reset();
    CHECK(*told == Texts());
}

TEST_CASE("events of a session: a subscription, once it is served", "[lite][session]") {
    Scene scene;
    auto handler = scene.there.producer().dynamic();
    const auto asking = comoq::test::subscribe(*scene.peer, 1, "cam");
    CHECK(scene.news() == Texts());
    auto request = now(handler.requested_broadcast());
    BroadcastProducer made;
    auto track = made.create_track("video");
    request->accept(made.consume());
    scene.run();
    CHECK(scene.news() == Texts{"subscribed cam video"});
    // Its end is none of the refusals.
    SECTION("the track fails") {
        track.abort(Error::Transport);
        scene.run();
        REQUIRE(asking->over());
        CHECK(scene.news() == Texts{"unsubscribed cam video: " + make_error_code(Error::Transport).message()});
    }
    SECTION("the track is complete") {
        track.finish();
        scene.run();
        CHECK(scene.news() == Texts{"unsubscribed cam video: complete"});
        scene.pass(std::chrono::minutes(1));
    }
    SECTION("the peer leaves") {
        // The peer resets its stream with 0, which moq-lite-05 had for Cancelled.
        const auto zero = make_error_code(spoken() == lite::Version::Draft05 ? Error::Cancelled : Error::Internal);
        scene.peer->let_go();
        CHECK(scene.news() == Texts{"unsubscribed cam video: " + zero.message()});
    }
    SECTION("the session ends") {
        scene.server->close();
        scene.run();
        CHECK(scene.news() == Texts{"unsubscribed cam video: " + make_error_code(Error::Closed).message()});
    }
    SECTION("the session is over before its coroutines are") {
        scene.server->close(make_error_code(Error::Unauthorized));
        scene.run();
        CHECK(scene.news() == Texts{"unsubscribed cam video: " + make_error_code(Error::Unauthorized).message()});
    }
    CHECK(scene.news() == Texts());
}

TEST_CASE("events of a session: a refusal, whatever the peer has asked for, with its reason", "[lite][session]") {
    Scene scene;
    auto track = scene.publish("room/cam", "audio");
    info(*scene.peer, "nothing");
    comoq::test::subscribe(*scene.peer, 1, "nothing");
    scene.peer->ask(opening(lite::BidiStreamType::Fetch, lite::Fetch{"nothing", "video", 0, 0}));
    CHECK(scene.news() == Texts(3, "refused nothing video: not found"));
    // The broadcast is there, and the track is not.
    info(*scene.peer, "cam");
    comoq::test::subscribe(*scene.peer, 2, "cam");
    CHECK(scene.news() == Texts(2, "refused cam video: not found"));
    // As the peer has written it.
    info(*scene.peer, "/a//\n");
    CHECK(scene.news() == Texts{"refused /a//\n video: invalid path"});
}

TEST_CASE("events of a session: a peer that leaves before the answer was not refused", "[lite][session]") {
    Scene scene;
    auto handler = scene.there.producer().dynamic();
    scene.peer->ask(opening(lite::BidiStreamType::Track, lite::Track{"cam", "video"}), false);
    comoq::test::subscribe(*scene.peer, 1, "cam");
    scene.peer->ask(opening(lite::BidiStreamType::Fetch, lite::Fetch{"cam", "video", 0, 0}), false);
    SECTION("the streams") { scene.peer->let_go(); }
    SECTION("the session") { scene.peer->transport().close(0, ""); }
    SECTION("the session, with a number") { scene.peer->transport().close(3, ""); }
    scene.run();
    CHECK(scene.news() == Texts());
}

}
