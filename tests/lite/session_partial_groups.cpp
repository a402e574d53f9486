// SPDX-License-Identifier: MIT
// What moq-lite cannot say of a track of MoQ Transport.
#include <comoq/lite/session.hpp>

#include <string>

#include "lite/scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_partial_groups_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

constexpr GroupInfo from_the_middle{.first_object = 5, .is_partial = true};

}  // namespace

TEST_CASE("a session: FETCH of a group that begins in the middle is refused with Lagged", "[lite][session]") {
    LiteScene scene;
    auto video = scene.publish("room");
    auto group = video.create_group(3, from_the_middle);
    group.write_frame(payload("late"));
    group.finish();
    video.write_frame(payload("whole"));
    scene.connect();
    const auto track = scene.announced("room").track("video");
    CHECK(scene.code(track.fetch_group(3)) == Error::Lagged);
    CHECK(scene.words(scene.get(track.fetch_group(4))) == Words{"whole"});
}

TEST_CASE("a session: a subscriber is told that it does not get a group that begins in the middle", "[lite][session]") {
    LiteScene scene;
    auto video = scene.publish("room");
    video.write_frame(payload("0"));
    auto group = video.create_group(1, from_the_middle);
    group.write_frame(payload("1"));
    group.finish();
    video.write_frame(payload("2"));
    scene.connect();
    auto subscriber = scene.subscribe("room", "video", Wish{.start = 0});
    scene.run();
    // Without waiting for it.
    CHECK(nexts(subscriber) == Numbers{0, 2});
}

TEST_CASE("a session: a track ends at once whose groups all begin in the middle", "[lite][session]") {
    LiteScene scene;
    auto video = scene.publish("room");
    auto group = video.create_group(0, from_the_middle);
    group.write_frame(payload("late"));
    group.finish();
    video.finish();
    scene.connect();
    auto subscriber = scene.subscribe("room", "video", Wish{.start = 0});
    auto next = wait(subscriber.next_group());
    scene.run();
    REQUIRE(next.done());
    CHECK_FALSE(next.code());
    CHECK_FALSE(next.value().has_value());
}

TEST_CASE("a session: what moq-lite cannot say of frames and datagrams is dropped, and the rest comes", "[lite][session]") {
    LiteScene scene;
    TrackInfo info;
    info.properties = payload("of the track");
    auto video = scene.publish("room", "video", info);
    scene.connect();
    auto subscriber = scene.subscribe("room");
    CHECK(scene.get(scene.announced("room").track("video").info()).properties.empty());
    auto group = video.append_group();
    group.write_frame(payload("a"), {}, ObjectExtras(payload("p"), 3));
    group.write_frame(payload("b"));
    group.finish(EndMarker{ObjectStatus::EndOfGroup, 20});
    video.insert_datagram(Datagram(7, {}, payload("not the first"), 1));
    ObjectExtras::Parts end;
    end.status = ObjectStatus::EndOfGroup;
    video.insert_datagram(Datagram(8, {}, {}, 0, ObjectExtras(end)));
    video.insert_datagram(Datagram(9, {}, payload("d"), 0, ObjectExtras(payload("q"))));
    scene.run();
    auto got = scene.get(subscriber.recv_group()).value();
    const auto frames = scene.get(got.read_frames(9)).value();
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].payload.view() == "a");
    CHECK(frames[0].extras.empty());
    CHECK(got.object_id() == 1);
    CHECK_FALSE(got.end_marker().has_value());
    const auto datagram = scene.get(subscriber.recv_datagram()).value();
    CHECK(datagram.sequence == 9);
    CHECK(datagram.extras.empty());
    CHECK_FALSE(subscriber.recv_datagram().ready());
}

}
