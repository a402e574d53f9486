// Streams that die early, requesters that leave late, and sessions that end while something waits.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "lite/bounds_scene.hpp"
#include "lite/relay_scene.hpp"
#include "lite/talk.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_corners_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using Numbers = std::vector<std::uint64_t>;

/// START of "d", TRACK_INFO, and FETCH of group 7 of the track "f".
constexpr std::string_view has_d = "00050164000000", its_info = "07038000ea6043e8", fetch = "03080164016609070000";

}  // namespace

TEST_CASE("a session serves: a stream that dies before its first byte disturbs nothing", "[lite][session]") {
    Talk talk(GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06")));
    auto broadcast = talk.relay.producer().create_broadcast("d");
    auto track = broadcast.producer().create_track("f");
    track.write_frame(payload("x"));
    auto &peer = talk.peer();
    for (int i = 0; i < 20; ++i) {
        auto asking = peer.open(""), telling = peer.open_uni(""), silent = peer.open(""), empty = peer.open_uni("");
        asking.reset(7);
        telling.reset(7);
        silent.finish();
        empty.finish();
        CHECK_FALSE(asking.end().empty());
        CHECK_FALSE(silent.end().empty());
    }
    CHECK_FALSE(peer.closed());
    CHECK(talk.time.sleepers() == 0);
    // TRACK.
    const auto asking = peer.open("060401640166");
    CHECK_FALSE(asking.heard().empty());
    CHECK(asking.end() == "fin");
}

TEST_CASE("a session asks: a FETCH whose answer has begun goes on, whoever leaves",
          "[lite][session]") {
    Talk talk;
    auto &publisher = talk.announcing(has_d);
    auto &viewer = talk.peer("050105026222");
    auto one = viewer.open(fetch), other = viewer.open(fetch);
    publisher.question(1).say(its_info);
    publisher.question(1).finish();
    auto &upstream = publisher.question(2);
    upstream.say("000161");
    CHECK(one.heard() == "000161");
    CHECK(other.heard() == "000161");
    one.reset(1);
    CHECK(upstream.end().empty());
    CHECK_FALSE(upstream.stopped());
    SECTION("another one") {
        upstream.say("000162");
        upstream.finish();
        CHECK(other.heard() == "000161000162");
        CHECK(other.end() == "fin");
        CHECK(publisher.questions() == 3);
    }
    SECTION("the last one") {
        // The group is the track's once it has begun, and is completed for the next viewer that asks.
        other.reset(1);
        CHECK(upstream.end().empty());
        CHECK_FALSE(upstream.stopped());
        upstream.say("000162");
        upstream.finish();
        CHECK(upstream.end() == "fin");
        const auto again = viewer.open(fetch);
        CHECK(again.heard() == "000161000162");
        CHECK(again.end() == "fin");
        CHECK(publisher.questions() == 3);
    }
}

TEST_CASE("a session: the only group of a quiet track is there for a viewer that comes again, after another publisher took over",
          "[lite][session]") {
    const Speaking speaking(GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06")));
    const bool is_watching = GENERATE(true, false);
    RelayScene scene;
    const auto relay = origin_with_id(100);
    struct Publisher {
        Publisher(RelayScene &of, const Origin &to, std::uint64_t id)
            : origin(origin_with_id(id)), broadcast(origin.producer().create_broadcast("a")),
              catalog(broadcast.producer().create_track("video")), connection(of.context, of.config_of(origin), of.config_of(to)) {
            catalog.write_frame(payload("catalog"));
        }
        Origin origin;
        BroadcastPublish broadcast;
        TrackProducer catalog;
        Connection connection;
    };
    auto first = std::make_optional<Publisher>(scene, relay, 50);
    scene.run();
    std::optional<Viewer> viewer(std::in_place, scene, relay);
    const auto reads = [&] {
        scene.run();
        viewer->subscribe("a");
        scene.run();
        auto subscriber = std::move(viewer->subscriber());
        return received(subscriber);
    };
    CHECK(reads() == Numbers{0});
    if (is_watching) viewer->subscribe("a");
    const Publisher second(scene, relay, 51);
    scene.run();
    first.reset();
    scene.run();
    viewer->subscribing.reset();
    CHECK(reads() == Numbers{0});
    scene.time.advance(1h);
    CHECK(reads() == Numbers{0});
    viewer.emplace(scene, relay);
    CHECK(reads() == Numbers{0});
}

TEST_CASE("draining: what waits for a peer that begins to read is sent before the session ends", "[lite][session]") {
    const auto version = GENERATE(draft_05, draft_06);
    auto link = speaking(version);
    link.window = 4;
    BoundsScene scene(version, BoundsScene::kept_for(1min), link);
    scene.begin().send_uni(opening_in(version, lite::UniStreamType::Setup, lite::Setup()));
    Subscription wishes;
    wishes.start = 0;
    wishes.max_latency = lite::any_age;
    const auto asking = scene.subscribe(0, wishes);
    scene.write_groups(5);
    scene.video.finish();
    scene.run();
    scene.server->drain(5s);
    scene.run();
    CHECK_FALSE(asking.answer->over());
    CHECK(scene.open());
    scene.got.emplace(scene.context, scene.link.client(), version);
    scene.run();
    CHECK(scene.got->numbers(0) == Numbers{0, 1, 2, 3, 4});
    CHECK(asking.answer->ended);
    auto closed = scene.closed();
    scene.pass(5s);
    CHECK(closed.value() == Error::GoawayTimeout);
}

}
