// SPDX-License-Identifier: MIT
// Groups that several viewers fetch through one session with their publisher: each has a share of the places.
#include <comoq/lite/session.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lite/relay_scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_fetch_shares_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A publisher of tracks whose groups never come, and of one with a group that is there.
struct Scene : RelayScene {
    static constexpr int tracks = 64;

    Scene() : relay(origin_with_id(1)), source(origin_with_id(2)), publishing(context, config_of(source), config_of(relay)) {
        broadcast.emplace(source.producer().create_broadcast("a"));
        for (int i = 0; i < tracks; ++i) {
            silent.push_back(broadcast->producer().create_track("silent" + std::to_string(i)));
            handlers.push_back(silent.back().dynamic());
        }
        video.emplace(broadcast->producer().create_track("video"));
        video->write_frame(payload("there"));
        run();
    }
    using Fetching = Waiting<GroupConsumer>;
    std::unique_ptr<Fetching> fetch(Viewer &viewer, const std::string &track, std::uint64_t group, std::uint8_t priority) {
        auto fetching =
            std::make_unique<Fetching>(wait(viewer.connection.client.broadcast("a").track(track).fetch_group(group, Fetch{priority})));
        run();
        return fetching;
    }
    /// As many fetches as there are tracks, which are never answered.
    void wish_in_vain(Viewer &viewer, std::uint8_t priority) {
        for (int i = 0; i < tracks; ++i) in_vain.push_back(fetch(viewer, "silent" + std::to_string(i), 7 + in_vain.size(), priority));
    }

    Origin relay, source;
    Connection publishing;
    std::optional<BroadcastPublish> broadcast;
    std::vector<TrackProducer> silent;
    std::vector<TrackDynamic> handlers;
    std::optional<TrackProducer> video;
    std::vector<std::unique_ptr<Fetching>> in_vain;
};

}  // namespace

TEST_CASE("D8: viewers whose urgent fetches are never answered keep no other viewer's fetch waiting", "[lite][session][fetch_places]") {
    Scene scene;
    std::list<Viewer> greedy;
    for (int i = 0; i < 3; ++i) scene.wish_in_vain(greedy.emplace_back(scene, scene.relay), 255);
    Viewer viewer(scene, scene.relay);
    const auto fetching = scene.fetch(viewer, "video", 0, 0);
    REQUIRE(fetching->done());
    CHECK(fetching->code() == std::error_code());
}

TEST_CASE("section 8 subscribers: a fetch that a more urgent one joins gets a place", "[lite][session][fetch_places]") {
    Scene scene;
    Viewer viewer(scene, scene.relay);
    scene.wish_in_vain(viewer, 5);
    const auto low = scene.fetch(viewer, "video", 0, 0);
    CHECK_FALSE(low->done());
    const auto high = scene.fetch(viewer, "video", 0, 255);
    REQUIRE(high->done());
    CHECK(high->code() == std::error_code());
    CHECK(low->done());
}

}  // namespace session_fetch_shares_tests
