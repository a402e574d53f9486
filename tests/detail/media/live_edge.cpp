// Where a subscriber without a start begins while it is not known which group is the newest one.
#include <comoq/detail/media/live_edge.hpp>
#include <comoq/track.hpp>

#include <cstdint>
#include <optional>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace live_edge_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A track that has groups 0 to 2, and whose source is not followed.
struct Track {
    Track() {
        for (int i = 0; i < 3; ++i) track.write_frame(payload("x"));
        lose();
    }
    void lose() { track.state(comoq::detail::Passkey())->lose_edge(); }
    void find(std::uint64_t newest) { track.state(comoq::detail::Passkey())->find_edge(newest); }
    TrackSubscriber subscriber(std::optional<std::uint64_t> start = {}) {
        Subscription wishes;
        wishes.start = start;
        return now(broadcast.consume().track("video").subscribe(wishes));
    }
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
};

}  // namespace

TEST_CASE("live edge: a subscriber without a start waits, and begins with the group that the source has said", "[track]") {
    Track track;
    auto live = track.subscriber(), arrivals = track.subscriber();
    auto all = track.subscriber(1);
    CHECK(nexts(live).empty());
    CHECK(received(arrivals).empty());
    CHECK(nexts(all) == Numbers{1, 2});
    track.find(4);
    for (const std::uint64_t sequence : {3u, 4u, 5u}) track.track.create_group(sequence).finish();
    CHECK(nexts(live) == Numbers{4, 5});
    CHECK(received(arrivals) == Numbers{4, 5});
    // One that has come since begins with the newest.
    auto late = track.subscriber();
    CHECK(nexts(late) == Numbers{5});
}

TEST_CASE("live edge: if the source has nothing newer, the subscriber begins with the group that is here", "[track]") {
    Track track;
    auto live = track.subscriber();
    auto waiting = wait(live.next_group());
    CHECK_FALSE(waiting.done());
    SECTION("as it says") { track.find(2); }
    SECTION("or does not say") { track.find(0); }
    SECTION("or none can come") { track.track.finish(); }
    SECTION("or the track ends") { track.track = {}; }
    CHECK(waiting.value()->sequence() == 2);
}

TEST_CASE("live edge: a track that is finished whole is not lost, one with groups to come is", "[track]") {
    const auto to_come = GENERATE(0u, 1u);
    Track track;
    track.find(0);
    track.track.finish_at(3 + to_come);
    track.lose();
    auto live = track.subscriber();
    auto waiting = wait(live.next_group());
    CHECK(waiting.done() == (to_come == 0));
    if (to_come != 0) track.track.create_group(3).finish();
    CHECK(waiting.value()->sequence() == 2 + to_come);
}

TEST_CASE("live edge: a newer group tells where the track is, an older one does not", "[track]") {
    BroadcastProducer broadcast;
    auto video = broadcast.create_track("video");
    video.create_group(5).finish();
    video.state(comoq::detail::Passkey())->lose_edge();
    auto live = now(broadcast.consume().track("video").subscribe());
    video.create_group(4).finish();
    CHECK(nexts(live).empty());
    video.create_group(7).finish();
    CHECK(nexts(live) == Numbers{7});
    video.create_group(8).finish();
    CHECK(nexts(live) == Numbers{8});
}

TEST_CASE("live edge: a subscriber that gives its start up waits, too, and one that gets a start does not", "[track]") {
    Track track;
    auto one = track.subscriber(1), other = track.subscriber();
    one.update(Subscription());
    CHECK(nexts(one).empty());
    Subscription wishes;
    wishes.start = 0;
    other.update(wishes);
    CHECK(now(other.next_group())->sequence() == 0);
    track.find(2);
    CHECK(nexts(one) == Numbers{2});
    CHECK(nexts(other) == Numbers{1, 2});
}

TEST_CASE("live edge: what was given is not given again when the track is found", "[track]") {
    Track track;
    track.find(2);
    auto live = track.subscriber();
    CHECK(nexts(live) == Numbers{2});
    track.lose();
    Subscription wishes;
    wishes.start = 3;
    live.update(wishes);
    live.update(Subscription());
    track.find(2);
    CHECK(nexts(live).empty());
    track.track.write_frame(payload("x"));
    CHECK(nexts(live) == Numbers{3});
}

TEST_CASE("live edge: a track without a group is not lost, and a subscriber that waits ends with its track", "[track]") {
    BroadcastProducer broadcast;
    auto video = std::make_optional(broadcast.create_track("video"));
    video->state(comoq::detail::Passkey())->lose_edge();
    auto live = now(broadcast.consume().track("video").subscribe());
    auto known = live.edge_known(comoq::detail::Passkey());
    CHECK(known.ready());
    video->write_frame(payload("x"));
    CHECK(nexts(live) == Numbers{0});
    video->state(comoq::detail::Passkey())->lose_edge();
    auto late = now(broadcast.consume().track("video").subscribe());
    auto waiting = wait(late.edge_known(comoq::detail::Passkey()));
    CHECK_FALSE(waiting.done());
    video->abort(Error::Timeout);
    CHECK(waiting.done());
    CHECK(code_now(late.next_group()) == Error::Timeout);
}

}  // namespace live_edge_tests
