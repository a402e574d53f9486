#include <comoq/broadcast.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "broadcast_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace broadcast_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("section 6 broadcast: it closes with Dropped when its last producer and handler are gone", "[broadcast]") {
    std::optional<BroadcastProducer> producer(std::in_place);
    auto consumer = producer->consume();
    std::optional<BroadcastProducer> copy(*producer);
    std::optional<BroadcastDynamic> handler(producer->dynamic());
    auto closed = wait(consumer.closed());
    producer.reset();
    CHECK_FALSE(consumer.is_closed());
    copy.reset();
    CHECK_FALSE(consumer.is_closed());
    CHECK_FALSE(closed.done());
    handler.reset();
    CHECK(consumer.is_closed());
    CHECK(closed.value() == Error::Dropped);
}

TEST_CASE("section 6 broadcast: a producer alone keeps it open, as does a handler", "[broadcast]") {
    BroadcastProducer producer;
    auto consumer = producer.consume();
    {
        auto handler = producer.dynamic();
    }
    CHECK_FALSE(consumer.is_closed());
    auto handler = producer.dynamic();
    producer = BroadcastProducer();
    CHECK_FALSE(consumer.is_closed());
    auto pending = consumer.track("video").subscribe();
    CHECK(take_track(handler)->accept().name() == "video");
}

TEST_CASE("section 6 broadcast: finish ends it without an error, and abort with its code", "[broadcast]") {
    BroadcastProducer finished;
    auto well = wait(finished.consume().closed());
    finished.finish();
    CHECK(well.value() == std::error_code());
    finished.abort(Error::Timeout);
    CHECK(now(finished.consume().closed()) == std::error_code());

    BroadcastProducer aborted;
    aborted.abort(app_error(2));
    aborted.finish();
    CHECK(now(aborted.consume().closed()) == app_error(2));

    BroadcastProducer cancelled;
    cancelled.abort({});
    CHECK(now(cancelled.consume().closed()) == Error::Cancelled);
}

TEST_CASE("section 6 broadcast: closing settles pending track requests with the closing code, or Closed after finish",
          "[broadcast]") {
    for (const int ending : {0, 1, 2}) {
        std::optional<Scene> scene(std::in_place);
        auto consumer = scene->consumer;
        auto taken = wait(scene->subscribe("taken"));
        auto request = take_track(scene->handler);
        auto waiting = wait(scene->subscribe("queued"));
        auto abandoned = wait(request->abandoned());
        std::error_code expected = Error::Closed;
        if (ending == 0) {
            scene->broadcast.finish();
        } else if (ending == 1) {
            scene->broadcast.abort(app_error(9));
            expected = app_error(9);
        } else {
            // Without a handler the queued requests are refused first; the request that was taken ends with the
            // broadcast.
            scene.reset();
            expected = Error::Dropped;
        }
        CHECK(taken.code() == expected);
        CHECK(waiting.code() == (ending == 2 ? make_error_code(Error::NotFound) : expected));
        CHECK(abandoned.done());
        CHECK(error_of([&] { return request->accept(); }) == expected);
        CHECK_FALSE(request->reject(Error::Timeout));
        if (ending != 2) {
            CHECK(scene->broadcast.stats().pending == 0);
            CHECK_FALSE(now(scene->handler.requested_track()).has_value());
            CHECK(error_of([&] { return scene->broadcast.create_track("new"); }) == expected);
            CHECK(error_of([&] { return scene->broadcast.unique_track("new"); }) == expected);
        }
    }
}

TEST_CASE("section 6 broadcast: closing it wakes a waiting handler, whose stream ends", "[broadcast]") {
    Scene scene;
    auto step = wait(scene.handler.requested_track());
    scene.broadcast.finish();
    CHECK_FALSE(step.value().has_value());
}

TEST_CASE("section 6 broadcast: tracks already obtained go on when it has closed", "[broadcast]") {
    Scene scene;
    auto track = scene.broadcast.create_track("video");
    auto subscriber = now(scene.subscribe("video"));
    scene.broadcast.abort(Error::Timeout);
    track.write_frame(payload("on"));
    CHECK(now(subscriber.read_frame())->payload.view() == "on");
    CHECK_FALSE(subscriber.closed().ready());
}

TEST_CASE("section 6 broadcast: a second live track of one name is refused with Duplicate", "[broadcast]") {
    BroadcastProducer broadcast;
    BroadcastProducer elsewhere;
    std::optional<TrackProducer> track(broadcast.create_track("video"));
    const auto other = elsewhere.create_track("video");
    CHECK(error_of([&] { return broadcast.create_track("video"); }) == Error::Duplicate);
    CHECK(error_of([&] { broadcast.insert_track(other.consume()); }) == Error::Duplicate);
    CHECK(broadcast.create_track("Video").name() == "Video");
    track.reset();
    CHECK(broadcast.create_track("video").name() == "video");
}

TEST_CASE("section 6 broadcast: insert_track shares a live track of another broadcast until it ends", "[broadcast]") {
    BroadcastProducer broadcast;
    BroadcastProducer elsewhere;
    std::optional<TrackProducer> track(elsewhere.create_track("video"));
    broadcast.insert_track(elsewhere.consume().track("video"));
    CHECK(broadcast.stats().tracks == 1);
    auto subscriber = now(broadcast.consume().track("video").subscribe());
    track->write_frame(payload("a"));
    CHECK(now(subscriber.read_frame())->payload.view() == "a");
    const auto consumer = track->consume();
    track.reset();
    CHECK(broadcast.stats().tracks == 0);
    CHECK(elsewhere.stats().tracks == 0);
    CHECK(error_of([&] { broadcast.insert_track(elsewhere.consume().track("video")); }) == Error::NotFound);
    CHECK(error_of([&] { broadcast.insert_track(consumer); }));
    CHECK(error_of([&] { broadcast.insert_track({}); }) == Error::NotFound);
    CHECK(broadcast.stats().tracks == 0);
}

TEST_CASE("section 6 broadcast: remove_track frees the name, and the track goes on", "[broadcast]") {
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    auto subscriber = now(broadcast.consume().track("video").subscribe());
    broadcast.remove_track("video");
    broadcast.remove_track("video");
    broadcast.remove_track("nothing");
    CHECK(broadcast.stats().tracks == 0);
    CHECK(code_now(broadcast.consume().track("video").subscribe()) == Error::NotFound);
    track.write_frame(payload("on"));
    CHECK(now(subscriber.read_frame())->payload.view() == "on");
    auto next = broadcast.create_track("video");
    // The end of the first one is not the end of the second.
    track.abort(Error::Timeout);
    CHECK(broadcast.stats().tracks == 1);
    CHECK_FALSE(code_now(broadcast.consume().track("video").subscribe()));
}

TEST_CASE("section 6 broadcast: unique_track gives unused names", "[broadcast]") {
    Scene scene;
    auto first = scene.broadcast.unique_track(".mp4");
    auto second = scene.broadcast.unique_track(".mp4");
    CHECK(first.name() != second.name());
    CHECK(first.name().ends_with(".mp4"));
    CHECK(second.name().ends_with(".mp4"));
    CHECK(scene.broadcast.stats().tracks == 2);
    CHECK_FALSE(code_now(scene.subscribe(first.name())));
}

TEST_CASE("section 6 broadcast: consumers can be copied, empty and compared, and give the info", "[broadcast]") {
    BroadcastProducer one(BroadcastInfo({1, 2}));
    const BroadcastProducer two;
    CHECK(one.consume() == one.consume());
    CHECK_FALSE(one.consume() == two.consume());
    CHECK(one.consume().info().hops == std::vector<std::uint64_t>{1, 2});
    const BroadcastConsumer none;
    CHECK(none.is_closed());
    CHECK(none == BroadcastConsumer());
    CHECK(none.info().hops.empty());
    CHECK(code_now(none.closed()) == Error::Closed);
    CHECK(code_now(none.track("x").subscribe()) == Error::Closed);
}

TEST_CASE("section 5 by name: ended tracks leave nothing behind", "[broadcast]") {
    Scene scene;
    std::size_t before = 0;
    for (int i = 0; i < 1000; ++i) {
        // Once warm: asio and the thread keep a few blocks for the next time.
        if (i == 10) {
            before = live_allocations();
        }
        auto pending = wait(scene.subscribe("a name that does not fit into a string object " + std::to_string(i)));
        auto track = take_track(scene.handler)->accept();
        track.write_frame(payload("x"));
        CHECK(now(pending.value().read_frame())->payload.view() == "x");
    }
    CHECK(scene.broadcast.stats().tracks == 0);
    CHECK(live_allocations() <= before + 8);
}

TEST_CASE("section 2 by name: looking up a live track by a string_view does not allocate", "[broadcast]") {
    BroadcastProducer broadcast;
    const std::string name(200, 'n');
    auto track = broadcast.create_track(name);
    const auto consumer = broadcast.consume().track(name);
    track.write_frame(payload("x"));
    CHECK(consumer.get_group(0).has_value());
    const AllocationCount count;
    const auto missing = consumer.get_group(1);
    const auto made = count.made();
    CHECK_FALSE(missing.has_value());
    CHECK(made == 0);
}

}
