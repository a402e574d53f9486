// SPDX-License-Identifier: MIT
#include <comoq/location.hpp>

#include <cstdint>
#include <optional>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace location_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using Place = std::optional<Location>;

struct Scene {
    Place largest() const {
        const auto of_track = track->consume().largest();
        CHECK(broadcast.consume().track("video").largest() == of_track);
        CHECK(track->largest() == of_track);
        return of_track;
    }

    ManualClock time;
    Origin origin = time.origin(20'000);
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    std::optional<TrackProducer> track = broadcast.create_track("video");
};

}  // namespace

TEST_CASE("location: places are ordered by group first", "[location]") {
    CHECK(Location{1, 9} < Location{2, 0});
    CHECK(Location{2, 0} < Location{2, 1});
    CHECK(Location{2, 1} == Location{2, 1});
}

TEST_CASE("largest: it is the last complete frame of the highest group that has one", "[largest]") {
    Scene scene;
    CHECK(scene.largest() == Place());
    auto five = scene.track->create_group(5);
    CHECK(scene.largest() == Place());
    auto open = five.create_frame(2);
    CHECK(scene.largest() == Place());
    open.write(payload("ab"));
    open.finish();
    CHECK(scene.largest() == Place({5, 0}));
    five.write_frame(payload("c"), {}, ObjectExtras(Bytes(), 6));
    CHECK(scene.largest() == Place({5, 7}));
    auto seven = scene.track->create_group(7);
    CHECK(scene.largest() == Place({5, 7}));
    scene.track->create_group(6).write_frame(payload("d"));
    CHECK(scene.largest() == Place({6, 0}));
    five.write_frame(payload("e"));
    CHECK(scene.largest() == Place({6, 0}));
    seven.write_frame(payload("f"));
    CHECK(scene.largest() == Place({7, 0}));
    scene.track->create_group(8).finish();
    CHECK(scene.largest() == Place({7, 0}));
    const auto subscriber = now(scene.track->consume().subscribe());
    CHECK(subscriber.largest() == Place({7, 0}));
    CHECK(TrackSubscriber().largest() == Place());
    CHECK(TrackConsumer().largest() == Place());
    CHECK(scene.broadcast.consume().track("nothing").largest() == Place());
}

TEST_CASE("largest: it does not go back when groups fail, expire, or are evicted", "[largest]") {
    Scene scene;
    auto first = scene.track->append_group();
    first.write_frame(payload("a"));
    first.write_frame(payload("b"));
    first.abort(Error::Timeout);
    CHECK(scene.largest() == Place({0, 1}));
    scene.track->write_frame(payload("c"));
    static_cast<void>(scene.track->append_group());
    scene.time.advance(1h);
    CHECK_FALSE(scene.track->consume().get_group(1).has_value());
    CHECK(scene.largest() == Place({1, 0}));
    scene.track->write_frame(payload(15'000));
    scene.track->append_group().write_frame(payload(15'000));
    CHECK_FALSE(scene.track->consume().get_group(3).has_value());
    CHECK(scene.largest() == Place({4, 0}));
    const auto reader = scene.track->consume();
    scene.track->abort(Error::Cancelled);
    CHECK(reader.largest() == Place({4, 0}));
}

TEST_CASE("largest: datagrams count, fetched groups do not, and the source may know more", "[largest]") {
    Scene scene;
    CHECK(scene.track->append_datagram(payload("a")) == 0);
    CHECK(scene.largest() == Place({0, 0}));
    scene.track->insert_datagram(Datagram(0, {}, payload("b"), 3));
    CHECK(scene.largest() == Place({0, 3}));
    ObjectExtras::Parts end;
    end.status = ObjectStatus::EndOfGroup;
    // An object that says that it does not exist.
    scene.track->insert_datagram(Datagram(0, {}, {}, 4, ObjectExtras(end)));
    CHECK(scene.largest() == Place({0, 3}));
    auto handler = scene.track->dynamic();
    auto fetching = wait(scene.track->consume().fetch_group(9));
    now(handler.requested_group())->accept().write_frame(payload("c"));
    CHECK(fetching.value().sequence() == 9);
    CHECK(scene.largest() == Place({0, 3}));
    scene.track->note_largest({6, 2});
    CHECK(scene.largest() == Place({6, 2}));
    scene.track->note_largest({5, 9});
    CHECK(scene.largest() == Place({6, 2}));
    // It says nothing of numbers.
    CHECK(scene.track->latest() == 0);
    scene.track->create_group(6, GroupInfo{.first_object = 3, .is_partial = true}).write_frame(payload("d"));
    CHECK(scene.largest() == Place({6, 3}));
}

TEST_CASE("largest: it does not go back when a group drops all of its frames to make room for one", "[largest]") {
    for (const bool finishes : {true, false}) {
        BroadcastProducer broadcast;
        auto track = broadcast.create_track("video");
        auto group = track.append_group();
        for (int i = 0; i < 5; ++i) group.write_frame(payload("x"), {}, ObjectExtras(Bytes(), 1));
        constexpr std::size_t all = std::size_t{32} << 20;
        auto frame = group.create_frame(all);
        frame.write(payload(all));
        CHECK(track.largest() == Place({0, 9}));
        if (finishes)
            frame.finish();
        else
            frame.abort(Error::Timeout);
        CHECK(track.largest() == (finishes ? Place({0, 10}) : Place({0, 9})));
    }
}

}
