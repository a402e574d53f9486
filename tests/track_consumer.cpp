#include <comoq/track_consumer.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace track_consumer_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("section 6 track by name: making a consumer asks nobody and never fails", "[track_consumer]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto consumer = broadcast.consume();
    const auto track = consumer.track("video");
    CHECK(track.name() == "video");
    CHECK(consumer.track("").name().empty());
    CHECK_FALSE(track.get_group(0).has_value());
    CHECK(broadcast.stats().pending == 0);
    CHECK_FALSE(take_track(handler).has_value());
    broadcast.abort(Error::Timeout);
    CHECK(consumer.track("more").name() == "more");
    CHECK(BroadcastConsumer().track("x").name().empty());
}

TEST_CASE("section 6 track by name: a live track is shared, and ready at once", "[track_consumer]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto track = broadcast.create_track("video", TrackInfo{9, false, std::chrono::seconds(1), Timescale(90'000)});
    auto consumer = broadcast.consume().track("video");
    CHECK(consumer.info().ready());
    CHECK(consumer.subscribe().ready());
    CHECK(now(consumer.info()).priority == 9);
    auto subscriber = now(consumer.subscribe());
    track.write_frame(payload("a"));
    CHECK(now(subscriber.read_frame())->payload.view() == "a");
    CHECK(now(consumer.get_group(0)->read_frame())->payload.view() == "a");
    CHECK_FALSE(consumer.get_group(1).has_value());
    CHECK(broadcast.stats().pending == 0);
    CHECK_FALSE(take_track(handler).has_value());
}

TEST_CASE("section 6 track by name: a pending track is joined, by info and subscribe alike", "[track_consumer]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto info = wait(broadcast.consume().track("video").info());
    auto one = wait(broadcast.consume().track("video").subscribe());
    CHECK(broadcast.stats().pending == 1);
    auto request = take_track(handler);
    auto two = wait(broadcast.consume().track("video").subscribe());
    CHECK_FALSE(take_track(handler).has_value());
    CHECK(broadcast.stats().pending == 1);
    auto track = request->accept(TrackInfo{3, false, std::chrono::seconds(1), Timescale(1000)});
    CHECK(broadcast.stats().pending == 0);
    CHECK(info.value().priority == 3);
    track.write_frame(payload("a"));
    CHECK(now(one.value().read_frame())->payload.view() == "a");
    CHECK(now(two.value().read_frame())->payload.view() == "a");
}

TEST_CASE("section 6 track by name: without a live track a live handler is asked, before the call returns", "[track_consumer]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto step = handler.requested_track();
    CHECK_FALSE(step.ready());
    auto pending = broadcast.consume().track("video").subscribe();
    CHECK_FALSE(pending.ready());
    CHECK(step.ready());
    CHECK(now(std::move(step))->name() == "video");
}

TEST_CASE("section 6 track by name: without a track and a handler it is NotFound, ready at once", "[track_consumer]") {
    BroadcastProducer broadcast;
    auto consumer = broadcast.consume().track("video");
    CHECK(consumer.info().ready());
    CHECK(code_now(consumer.info()) == Error::NotFound);
    CHECK(code_now(consumer.subscribe()) == Error::NotFound);
    {
        auto gone = broadcast.dynamic();
    }
    CHECK(code_now(consumer.subscribe()) == Error::NotFound);
    CHECK(broadcast.stats().pending == 0);
}

TEST_CASE("section 6 track by name: in a closed broadcast it fails with the code that closed the broadcast", "[track_consumer]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto consumer = broadcast.consume().track("video");
    broadcast.abort(app_error(4));
    CHECK(code_now(consumer.subscribe()) == app_error(4));
    CHECK(code_now(consumer.info()) == app_error(4));
}

TEST_CASE("section 6 track by name: a track that has ended is not found", "[track_consumer]") {
    BroadcastProducer broadcast;
    auto consumer = broadcast.consume().track("video");
    for (const bool aborted : {false, true}) {
        std::optional<TrackProducer> track(broadcast.create_track("video"));
        track->write_frame(payload("a"));
        auto subscriber = now(consumer.subscribe());
        CHECK(broadcast.stats().tracks == 1);
        if (aborted) {
            track->abort(Error::Timeout);
        } else {
            track.reset();
        }
        CHECK(broadcast.stats().tracks == 0);
        CHECK(code_now(consumer.subscribe()) == Error::NotFound);
        CHECK_FALSE(consumer.get_group(0).has_value());
        CHECK(now(subscriber.closed()) == (aborted ? Error::Timeout : Error::Dropped));
    }
    // The name leads to the track that has it now.
    auto next = broadcast.create_track("video");
    CHECK(consumer.subscribe().ready());
    CHECK_FALSE(code_now(consumer.subscribe()));
}

TEST_CASE("section 6 track by name: a subscriber misses no group that is made after its call", "[track_consumer]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto pending = broadcast.consume().track("video").subscribe();
    auto track = take_track(handler)->accept();
    track.write_frame(payload("a"));
    track.write_frame(payload("b"));
    auto subscriber = now(std::move(pending));
    CHECK(nexts(subscriber) == Numbers{0, 1});

    auto ready = broadcast.consume().track("video").subscribe();
    track.write_frame(payload("c"));
    auto late = now(std::move(ready));
    CHECK(nexts(late) == Numbers{1, 2});
}

TEST_CASE("section 6 track by name: a subscriber misses no group of an inserted track, where it counts at once",
          "[track_consumer]") {
    BroadcastProducer broadcast;
    BroadcastProducer elsewhere;
    auto handler = broadcast.dynamic();
    auto source = elsewhere.create_track("video");
    auto pending = broadcast.consume().track("video").subscribe(Wish{.priority = 5});
    source.write_frame(payload("a"));
    broadcast.insert_track(source.consume());
    CHECK(source.used().ready());
    CHECK(source.subscription().has_value());
    source.write_frame(payload("b"));
    source.write_frame(payload("c"));
    auto subscriber = now(std::move(pending));
    CHECK(source.subscription()->priority == 5);
    CHECK(nexts(subscriber) == Numbers{0, 1, 2});
    subscriber = TrackSubscriber();
    CHECK(source.unused().ready());
}

TEST_CASE("section 6 track: a consumer of the track itself needs no broadcast", "[track_consumer]") {
    std::optional<BroadcastProducer> broadcast(std::in_place);
    auto track = broadcast->create_track("video");
    broadcast.reset();
    auto consumer = track.consume();
    CHECK(consumer.name() == "video");
    CHECK_FALSE(code_now(consumer.info()));
    auto subscriber = now(consumer.subscribe());
    track.write_frame(payload("a"));
    CHECK(now(subscriber.read_frame())->payload.view() == "a");
    const auto copy = consumer;
    CHECK(copy.get_group(0).has_value());
}

TEST_CASE("section 6 track: operations of an empty consumer fail with Cancelled", "[track_consumer]") {
    const TrackConsumer none;
    CHECK(none.name().empty());
    CHECK(code_now(none.info()) == Error::Closed);
    CHECK(code_now(none.subscribe()) == Error::Closed);
    CHECK_FALSE(none.get_group(0).has_value());
}

}
