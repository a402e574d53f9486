// SPDX-License-Identifier: MIT
#include <comoq/detail/session/merged_lanes.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <comoq/broadcast.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace merged_lanes_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::MergedLanes;

namespace {

struct Scene {
    Scene() {
        two.write_frame(payload("b"));
        zero.write_frame(payload("a"));
        zero.write_frame(payload("c"), {}, ObjectExtras(Bytes(), 2));
        two.write_frame(payload("d"), {}, ObjectExtras(Bytes(), 4));
    }
    MergedLanes lanes() const { return MergedLanes(track.consume().get_lanes(0)); }
    std::string read(MergedLanes &from) {
        const auto object = run_to_end(context, from.next());
        if (!object) return "end";
        return std::to_string(object->lane.subgroup) + "." + std::to_string(object->id) + " " + std::string(object->frame.payload.view());
    }

    asio::io_context context;
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    GroupProducer zero = track.append_group();
    GroupProducer two = zero.create_lane(GroupInfo{.subgroup = 2, .first_object = 1});
};

}  // namespace

TEST_CASE("merged lanes: objects come in the order of their ids, and the end when all lanes have ended", "[lanes]") {
    Scene scene;
    scene.zero.finish();
    scene.two.finish();
    auto lanes = scene.lanes();
    for (const auto *expected : {"0.0 a", "2.1 b", "0.3 c", "2.6 d", "end", "end"}) CHECK(scene.read(lanes) == expected);
    CHECK(lanes.is_ready());
    MergedLanes none({});
    CHECK(scene.read(none) == "end");
}

TEST_CASE("merged lanes: an object waits for lanes that may have a lower one, and a lane that fails fails it", "[lanes]") {
    Scene scene;
    auto lanes = scene.lanes();
    CHECK(scene.read(lanes) == "0.0 a");
    CHECK(scene.read(lanes) == "2.1 b");
    CHECK(lanes.is_ready());
    CHECK(scene.read(lanes) == "0.3 c");
    CHECK_FALSE(lanes.is_ready());
    std::optional<MergedLanes::Object> next;
    asio::co_spawn(scene.context, lanes.next(), [&](std::exception_ptr, std::optional<MergedLanes::Object> object) { next = std::move(object); });
    settle_down(scene.context);
    CHECK_FALSE(next.has_value());
    scene.zero.write_frame(payload("x"));
    settle_down(scene.context);
    REQUIRE(next.has_value());
    CHECK(next->id == 4);
    scene.zero.finish();
    CHECK(scene.read(lanes) == "2.6 d");
    scene.two.abort(Error::Timeout);
    CHECK(error_of([&] { return scene.read(lanes); }) == Error::Timeout);
}

}  // namespace merged_lanes_tests
