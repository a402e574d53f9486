// Peers that leave before they have their answer.
#include <comoq/lite/session.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lite/bounds_scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/origin_fixture.hpp"
#include "support/run.hpp"

namespace session_leaving_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using lite::BidiStreamType;

}  // namespace

TEST_CASE("a session serves: a peer that leaves while its question waits leaves nothing behind", "[lite][session][serving]") {
    const auto version = GENERATE(draft_05, draft_06);
    const auto type = GENERATE(BidiStreamType::Track, BidiStreamType::Subscribe, BidiStreamType::Fetch);
    const bool lookup = GENERATE(true, false);
    CAPTURE(version, static_cast<int>(type), lookup);
    BoundsScene scene(version);
    auto origin_handler = scene.there.producer().dynamic();
    auto live = scene.there.producer().create_broadcast("live");
    auto track_handler = live.producer().dynamic();
    scene.begin_peer();
    const std::string path = lookup ? "nowhere" : "live";
    const auto ask = [&](std::uint64_t id) {
        switch (type) {
        case BidiStreamType::Track: return scene.ask(opening_in(version, type, lite::Track{path, "video"}));
        case BidiStreamType::Fetch: return scene.ask(opening_in(version, type, lite::Fetch{path, "video", 0, 7, {}}));
        default: return scene.ask(opening_in(version, type, lite::Subscribe{id, path, "video", {}, {}}));
        }
    };
    // A second one asks the same.
    auto leaving = ask(0), staying = ask(1);
    std::optional<BroadcastRequest> broadcast;
    std::optional<TrackRequest> track;
    if (lookup) {
        broadcast = now(origin_handler.requested_broadcast());
        REQUIRE(broadcast);
    } else {
        track = now(track_handler.requested_track());
        REQUIRE(track);
    }
    const auto pending = [&] {
        return lookup ? scene.there.stats().pending : live.producer().stats().pending;
    };
    auto abandoned = wait(lookup ? broadcast->abandoned() : track->abandoned());
    leaving.send->reset(1);
    scene.run();
    CHECK(leaving.answer->over());
    CHECK_FALSE(abandoned.done());
    CHECK_FALSE(staying.answer->over());
    staying.send->reset(1);
    scene.run();
    CHECK(staying.answer->over());
    CHECK(abandoned.done());
    broadcast.reset();
    track.reset();
    scene.run();
    CHECK(pending() == 0);
    CHECK(scene.time.sleepers() == 0);
    CHECK(scene.there.stats().unsent_bytes == 0);
    CHECK(scene.open());
}

TEST_CASE("a session serves: a subscriber that leaves while its groups wait for streams leaves nothing behind",
          "[lite][session][serving]") {
    const auto version = GENERATE(draft_05, draft_06);
    auto link = speaking(version);
    // SETUP takes the first one for as long as nobody reads.
    link.max_streams = 2;
    BoundsScene scene(version, BoundsScene::kept_for(std::chrono::minutes(1)), link);
    auto &peer = scene.begin();
    peer.send_uni(opening_in(version, lite::UniStreamType::Setup, lite::Setup()));
    auto asking = scene.subscribe(0, {});
    scene.write_groups(5);
    scene.run();
    CHECK(scene.video.stats().subscribers == 1);
    SECTION("by the end of its side") { asking.send->finish(); }
    SECTION("by a reset") { asking.send->reset(1); }
    scene.run();
    CHECK(asking.answer->over());
    CHECK(scene.video.stats().subscribers == 0);
    CHECK(scene.there.stats().unsent_bytes == 0);
    // Others get the streams.
    scene.got.emplace(scene.context, scene.link.client(), version);
    const auto next = scene.subscribe(1, {});
    CHECK(scene.got->numbers(1) == std::vector<std::uint64_t>{4});
}

}
