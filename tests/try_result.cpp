#include <comoq/comoq.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace try_result_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    TrackSubscriber subscriber = now(track.consume().subscribe());
};

template <class T> bool is_nothing_yet(const TryResult<T> &result) {
    return result.is_nothing_yet() && !result && !result.has_item() && !result.is_end() && !result.code();
}
template <class T> bool is_clean_end(const TryResult<T> &result) {
    return result.is_end() && !result && !result.is_nothing_yet() && !result.code();
}
template <class T> bool is_failure(const TryResult<T> &result, std::error_code code) {
    return result.is_end() && !result && result.code() == code;
}

}  // namespace

TEST_CASE("try: each step of a subscriber gives an item, nothing yet, or the end", "[try]") {
    Scene scene;
    auto &subscriber = scene.subscriber;
    CHECK(is_nothing_yet(subscriber.try_recv_group()));
    CHECK(is_nothing_yet(subscriber.try_next_group()));
    CHECK(is_nothing_yet(subscriber.try_read_frame()));
    CHECK(is_nothing_yet(subscriber.try_read_first_frame()));
    CHECK(is_nothing_yet(subscriber.try_recv_datagram()));

    for (const auto *text : {"a", "b", "c"}) scene.track.write_frame(payload(text));
    scene.track.append_datagram(payload("d"));
    auto received = subscriber.try_recv_group();
    REQUIRE(received);
    CHECK(received->sequence() == 0);
    CHECK(subscriber.try_next_group()->sequence() == 0);
    CHECK(subscriber.try_read_frame()->payload == payload("b"));
    CHECK((*subscriber.try_read_first_frame()).payload == payload("c"));
    CHECK(subscriber.try_recv_datagram()->payload == payload("d"));
    CHECK(is_nothing_yet(subscriber.try_read_frame()));

    scene.track.finish();
    CHECK(is_clean_end(subscriber.try_next_group()));
    CHECK(is_clean_end(subscriber.try_read_frame()));
    CHECK(is_clean_end(subscriber.try_read_first_frame()));
    CHECK(subscriber.try_recv_group()->sequence() == 1);
    CHECK(subscriber.try_recv_group()->sequence() == 2);
    CHECK(is_clean_end(subscriber.try_recv_group()));
}

TEST_CASE("try: the failure of a stream is an end with its code", "[try]") {
    Scene scene;
    auto group = scene.track.append_group();
    auto reader = group.consume();
    group.abort(app_error(1));
    scene.track.abort(app_error(2));
    CHECK(is_failure(reader.try_read_frame(), app_error(1)));
    CHECK(is_failure(scene.subscriber.try_next_group(), app_error(2)));
    CHECK(is_failure(scene.subscriber.try_recv_datagram(), app_error(2)));
}

TEST_CASE("try: each step of a group and of a frame gives an item, nothing yet, or the end", "[try]") {
    Scene scene;
    auto group = scene.track.append_group();
    auto reader = group.consume(), many = group.consume(), open = group.consume();
    CHECK(is_nothing_yet(reader.try_read_frame()));
    CHECK(is_nothing_yet(many.try_read_frames(5)));
    CHECK(is_nothing_yet(open.try_next_frame()));
    CHECK(is_failure(many.try_read_frames(0), make_error_code(Error::BoundsExceeded)));

    auto frame = group.create_frame(4);
    CHECK(is_nothing_yet(reader.try_read_frame()));
    auto reading = open.try_next_frame();
    REQUIRE(reading);
    CHECK(is_nothing_yet(reading->try_read_chunk()));
    frame.write("ab");
    CHECK(*reading->try_read_chunk() == payload("ab"));
    CHECK(is_nothing_yet(reading->try_read_chunk()));
    frame.write("cd");
    frame.finish();
    CHECK(*reading->try_read_chunk() == payload("cd"));
    CHECK(is_clean_end(reading->try_read_chunk()));

    group.write_frame(payload("e"));
    group.finish();
    CHECK(reader.try_read_frame()->payload == payload("abcd"));
    CHECK(reader.try_read_frame()->payload == payload("e"));
    CHECK(is_clean_end(reader.try_read_frame()));
    auto frames = many.try_read_frames(5);
    REQUIRE(frames);
    REQUIRE(frames->size() == 2);
    CHECK((*frames)[0].payload == payload("abcd"));
    CHECK(is_clean_end(many.try_read_frames(5)));
}

TEST_CASE("try: a watcher and handlers give what is there", "[try]") {
    std::optional<Origin> origin(std::in_place);
    auto watcher = origin->consumer().announced();
    auto handler = origin->producer().dynamic();
    CHECK(is_nothing_yet(watcher.try_next()));
    CHECK(is_nothing_yet(handler.try_requested_broadcast()));

    const auto wanted = origin->consumer().request_broadcast("cam");
    auto request = handler.try_requested_broadcast();
    REQUIRE(request);
    CHECK(request->path() == Path("cam"));
    auto guard = origin->producer().create_broadcast("room");
    auto change = watcher.try_next();
    REQUIRE(change);
    CHECK(change->path == Path("room"));
    CHECK(change->event == Announcement::Event::Active);

    auto tracks = guard.producer().dynamic();
    CHECK(is_nothing_yet(tracks.try_requested_track()));
    const auto subscription = change->broadcast.track("video").subscribe();
    auto track_request = tracks.try_requested_track();
    REQUIRE(track_request);
    auto track = track_request->accept();
    auto groups = track.dynamic();
    CHECK(is_nothing_yet(groups.try_requested_group()));
    const auto fetch = change->broadcast.track("video").fetch_group(7);
    CHECK(groups.try_requested_group()->sequence() == 7);

    origin.reset();
    CHECK(is_clean_end(watcher.try_next()));
    CHECK(is_clean_end(handler.try_requested_broadcast()));
    guard.producer().finish();
    CHECK(is_clean_end(tracks.try_requested_track()));
}

TEST_CASE("try: an empty handle gives an end with Closed", "[try]") {
    const auto closed = make_error_code(Error::Closed);
    CHECK(is_failure(TrackSubscriber().try_recv_group(), closed));
    CHECK(is_failure(TrackSubscriber().try_next_group(), closed));
    CHECK(is_failure(TrackSubscriber().try_read_frame(), closed));
    CHECK(is_failure(TrackSubscriber().try_read_first_frame(), closed));
    CHECK(is_failure(TrackSubscriber().try_recv_datagram(), closed));
    CHECK(is_failure(GroupConsumer().try_read_frame(), closed));
    CHECK(is_failure(GroupConsumer().try_read_frames(1), closed));
    CHECK(is_failure(GroupConsumer().try_next_frame(), closed));
    CHECK(is_failure(FrameConsumer().try_read_chunk(), closed));
    CHECK(is_failure(AnnounceConsumer().try_next(), closed));
    CHECK(is_failure(OriginDynamic().try_requested_broadcast(), closed));
    CHECK(is_failure(BroadcastDynamic().try_requested_track(), closed));
    CHECK(is_failure(TrackDynamic().try_requested_group(), closed));
}

TEST_CASE("try: a request that one handler takes leaves the next for another that waits", "[try]") {
    Origin origin;
    auto handler = origin.producer().dynamic();
    auto other = handler;
    auto waiting = wait(other.requested_broadcast());
    const auto first = origin.consumer().request_broadcast("a");
    const auto second = origin.consumer().request_broadcast("b");
    auto taken = handler.try_requested_broadcast();
    REQUIRE(taken);
    REQUIRE(waiting.done());
    CHECK(taken->path() != waiting.value()->path());
}

TEST_CASE("try: without memory nothing is taken, and the step may be tried again", "[try]") {
    if (!allocations_can_fail()) return;
    Scene scene;
    scene.track.write_frame(payload("a"));
    {
        NoMemory none;
        CHECK(is_failure(scene.subscriber.try_next_group(), std::make_error_code(std::errc::not_enough_memory)));
    }
    CHECK(scene.subscriber.try_next_group()->sequence() == 0);
}

TEST_CASE("try: reading a frame that is there allocates nothing", "[try]") {
    Scene scene;
    scene.track.write_frame(payload("a"));
    const AllocationCount count;
    const auto frame = scene.subscriber.try_read_frame();
    CHECK(count.made() == 0);
    CHECK(frame);
}

}  // namespace try_result_tests
