#include <comoq/broadcast.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace broadcast_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    BroadcastProducer broadcast;
    BroadcastConsumer consumer = broadcast.consume();
    BroadcastDynamic handler = broadcast.dynamic();

    Pending<TrackSubscriber> subscribe(std::string_view name) const { return consumer.track(name).subscribe(); }
};

std::vector<std::string> queued(BroadcastDynamic &handler) {
    std::vector<std::string> names;
    while (auto request = take_track(handler)) {
        names.push_back(request->name());
    }
    return names;
}

constexpr std::size_t most_pending = 65'536;

}  // namespace

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

TEST_CASE("section 5 rule 2 by name: one request per name, queued or handed out", "[broadcast]") {
    Scene scene;
    auto one = wait(scene.subscribe("video"));
    auto two = wait(scene.subscribe("video"));
    auto other = wait(scene.subscribe("audio"));
    CHECK(scene.broadcast.stats().pending == 2);
    auto request = take_track(scene.handler);
    CHECK(request->name() == "video");
    // Section 7: it stays in the table when it is handed out.
    auto three = wait(scene.subscribe("video"));
    CHECK(scene.broadcast.stats().pending == 2);
    CHECK(queued(scene.handler) == Words{"audio"});
    auto track = request->accept();
    for (auto *waiting : {&one, &two, &three}) {
        CHECK(waiting->code() == std::error_code());
    }
    CHECK(track.stats().subscribers == 3);
    CHECK(other.code() == Error::NotFound);
}

TEST_CASE("section 5 rule 3 by name: a request that is dropped is NotFound", "[broadcast]") {
    Scene scene;
    auto waiting = wait(scene.subscribe("video"));
    {
        auto request = take_track(scene.handler);
    }
    CHECK(waiting.code() == Error::NotFound);
    CHECK(scene.broadcast.stats().pending == 0);

    auto next = wait(scene.subscribe("video"));
    auto request = take_track(scene.handler);
    auto another = wait(scene.subscribe("audio"));
    // A request that is assigned over is dropped as well.
    *request = *take_track(scene.handler);
    CHECK(next.code() == Error::NotFound);
    CHECK_FALSE(another.done());
}

TEST_CASE("section 5 rule 3 by name: when the last handler goes, queued requests are refused with NotFound", "[broadcast]") {
    BroadcastProducer broadcast;
    std::optional<BroadcastDynamic> handler(broadcast.dynamic());
    std::optional<BroadcastDynamic> copy(*handler);
    auto step = wait(copy->requested_track());
    auto taken = wait(broadcast.consume().track("taken").subscribe());
    auto request = std::move(*step.value());
    auto waiting = wait(broadcast.consume().track("queued").subscribe());
    CHECK(broadcast.stats().handlers == 2);
    handler.reset();
    CHECK_FALSE(waiting.done());
    copy.reset();
    CHECK(broadcast.stats().handlers == 0);
    CHECK(waiting.code() == Error::NotFound);
    // Section 5 rule 5: a request that was taken works after the handler is gone.
    CHECK_FALSE(taken.done());
    auto joined = wait(broadcast.consume().track("taken").info());
    CHECK_FALSE(joined.done());
    auto track = request.accept();
    CHECK(taken.code() == std::error_code());
    CHECK(joined.code() == std::error_code());
}

TEST_CASE("section 5 rule 3 by name: assigning over the last handler refuses as dropping it does", "[broadcast]") {
    Scene scene;
    Scene other;
    auto waiting = wait(scene.subscribe("video"));
    const auto consumer = scene.consumer;
    scene.broadcast = other.broadcast;
    scene.handler = other.handler;
    CHECK(waiting.code() == Error::NotFound);
    CHECK(consumer.is_closed());
}

TEST_CASE("section 5 rule 3 by name: a waiting step does not count as a handler, and ends with the last handler", "[broadcast]") {
    BroadcastProducer broadcast;
    std::optional<BroadcastDynamic> handler(broadcast.dynamic());
    auto step = wait(handler->requested_track());
    handler.reset();
    CHECK_FALSE(step.value().has_value());
    CHECK(code_now(broadcast.consume().track("video").subscribe()) == Error::NotFound);
}

TEST_CASE("section 6 broadcast: creating a requested track settles the request, and takes it out of the queue", "[broadcast]") {
    Scene scene;
    auto waiting = wait(scene.subscribe("video"));
    auto track = scene.broadcast.create_track("video");
    CHECK(waiting.code() == std::error_code());
    CHECK(scene.broadcast.stats().pending == 0);
    CHECK(queued(scene.handler).empty());
    track.write_frame(payload("a"));
    CHECK(now(waiting.value().read_frame())->payload.view() == "a");
}

TEST_CASE("section 6 broadcast: creating a track settles a taken request, whose accept then throws Duplicate", "[broadcast]") {
    Scene scene;
    auto waiting = wait(scene.subscribe("video"));
    auto request = take_track(scene.handler);
    auto abandoned = wait(request->abandoned());
    auto track = scene.broadcast.create_track("video");
    CHECK(waiting.code() == std::error_code());
    CHECK(abandoned.done());
    CHECK(error_of([&] { return request->accept(); }) == Error::Duplicate);
    CHECK_FALSE(request->reject(Error::Timeout));
    request.reset();
    CHECK_FALSE(code_now(scene.subscribe("video")));
}

TEST_CASE("section 6 broadcast: inserting a requested track settles the request", "[broadcast]") {
    Scene scene;
    BroadcastProducer elsewhere;
    auto source = elsewhere.create_track("video", TrackInfo{6, false, std::chrono::seconds(1), Timescale(1000)});
    auto info = wait(scene.consumer.track("video").info());
    auto waiting = wait(scene.subscribe("video"));
    auto request = take_track(scene.handler);
    scene.broadcast.insert_track(source.consume());
    CHECK(info.value().priority == 6);
    source.write_frame(payload("a"));
    CHECK(now(waiting.value().read_frame())->payload.view() == "a");
    CHECK(error_of([&] { return request->accept(); }) == Error::Duplicate);
    CHECK(scene.broadcast.stats().pending == 0);
}

TEST_CASE("section 6 broadcast: accept throws when the request was settled before, in whatever way", "[broadcast]") {
    Scene scene;
    auto waiting = wait(scene.subscribe("video"));
    auto request = take_track(scene.handler);
    {
        auto track = request->accept();
        CHECK(error_of([&] { return request->accept(); }) == Error::Duplicate);
    }
    auto refused = wait(scene.subscribe("video"));
    auto second = take_track(scene.handler);
    CHECK(second->reject(app_error(3)));
    CHECK_FALSE(second->reject(app_error(4)));
    CHECK(error_of([&] { return second->accept(); }) == app_error(3));
    CHECK(refused.code() == app_error(3));
}

TEST_CASE("section 5 rule 6 by name: every requester gets the code of a reject, and the next request reaches a handler",
          "[broadcast]") {
    Scene scene;
    for (const std::error_code code : {app_error(77), std::error_code(), std::make_error_code(std::errc::io_error)}) {
        auto one = wait(scene.subscribe("video"));
        auto request = take_track(scene.handler);
        auto two = wait(scene.consumer.track("video").info());
        CHECK(request->reject(code));
        const std::error_code expected = code ? code : make_error_code(Error::Cancelled);
        CHECK(one.code() == expected);
        CHECK(two.code() == expected);
        // Section 7: the broadcast does not ask the handler again by itself.
        CHECK(queued(scene.handler).empty());
        CHECK(scene.broadcast.stats().pending == 0);
    }
    auto again = wait(scene.subscribe("video"));
    CHECK(queued(scene.handler) == Words{"video"});
}

TEST_CASE("section 5 rule 5 by name: handlers take the oldest request first, and each request has one taker", "[broadcast]") {
    Scene scene;
    auto copy = scene.handler;
    auto a = wait(scene.subscribe("a"));
    auto b = wait(scene.subscribe("b"));
    auto c = wait(scene.subscribe("c"));
    auto first = take_track(scene.handler);
    auto second = take_track(copy);
    auto third = take_track(scene.handler);
    CHECK(first->name() == "a");
    CHECK(second->name() == "b");
    CHECK(third->name() == "c");
    CHECK_FALSE(take_track(copy).has_value());
    // Two waiters: one of them gets it, the other goes on waiting.
    auto one = wait(scene.handler.requested_track());
    auto two = wait(copy.requested_track());
    auto d = wait(scene.subscribe("d"));
    CHECK(one.done() != two.done());
}

TEST_CASE("section 5 rule 8 by name: a requester that leaves does not affect the others, the first included",
          "[broadcast]") {
    Scene scene;
    std::optional<Pending<TrackSubscriber>> first = scene.subscribe("video");
    auto second = wait(scene.subscribe("video"));
    first.reset();
    auto request = take_track(scene.handler);
    CHECK_FALSE(request->abandoned().ready());
    auto track = request->accept();
    CHECK(second.code() == std::error_code());
    CHECK(track.stats().subscribers == 1);
}

TEST_CASE("section 5 rule 8 by name: when the last requester leaves, a queued request is removed", "[broadcast]") {
    Scene scene;
    {
        auto first = scene.subscribe("video");
        auto second = wait(scene.consumer.track("video").info());
        second.cancel();
        CHECK(second.code() == asio::error::operation_aborted);
        CHECK(scene.broadcast.stats().pending == 1);
    }
    CHECK(scene.broadcast.stats().pending == 0);
    CHECK(queued(scene.handler).empty());
}

TEST_CASE("section 5 rule 8 by name: when the last requester leaves, a taken request completes abandoned()", "[broadcast]") {
    Scene scene;
    std::optional<Pending<TrackSubscriber>> first = scene.subscribe("video");
    std::optional<Pending<TrackInfo>> second = scene.consumer.track("video").info();
    auto request = take_track(scene.handler);
    auto abandoned = wait(request->abandoned());
    first.reset();
    CHECK(request->subscription() == std::nullopt);
    CHECK_FALSE(abandoned.done());
    second.reset();
    CHECK(abandoned.code() == std::error_code());
    // It is in the table while its request lives: a later requester joins it and gets its answer.
    CHECK(scene.broadcast.stats().pending == 1);
    auto third = wait(scene.subscribe("video"));
    CHECK_FALSE(request->abandoned().ready());
    CHECK(queued(scene.handler).empty());
    auto track = request->accept();
    CHECK(third.code() == std::error_code());
    CHECK_FALSE(code_now(scene.subscribe("video")));
}

TEST_CASE("section 5 rule 8 by name: an abandoned request that is dropped leaves nothing behind", "[broadcast]") {
    Scene scene;
    std::optional<Pending<TrackSubscriber>> first = scene.subscribe("video");
    auto request = take_track(scene.handler);
    first.reset();
    request.reset();
    CHECK(scene.broadcast.stats().pending == 0);
    auto next = wait(scene.subscribe("video"));
    CHECK(queued(scene.handler) == Words{"video"});
}

TEST_CASE("section 5 rule 8 by name: accepting an abandoned request still makes a live track", "[broadcast]") {
    Scene scene;
    std::optional<Pending<TrackSubscriber>> first = scene.subscribe("video");
    auto request = take_track(scene.handler);
    first.reset();
    auto track = request->accept();
    CHECK(track.unused().ready());
    CHECK(scene.subscribe("video").ready());
}

TEST_CASE("section 5 rule 9 by name: 65,536 requests may be pending, and more get LimitReached at once", "[broadcast]") {
    Scene scene;
    std::vector<Pending<TrackSubscriber>> pending;
    pending.reserve(most_pending);
    for (std::size_t i = 0; i < most_pending; ++i) {
        pending.push_back(scene.subscribe(std::to_string(i)));
    }
    CHECK(scene.broadcast.stats().pending == most_pending);
    auto refused = scene.subscribe("one more");
    REQUIRE(refused.ready());
    CHECK(code_now(std::move(refused)) == Error::LimitReached);
    CHECK(code_now(scene.consumer.track("one more").info()) == Error::LimitReached);
    // Requesters still join pending requests, and still share live tracks.
    CHECK_FALSE(scene.subscribe("7").ready());
    auto live = scene.broadcast.create_track("live");
    CHECK_FALSE(code_now(scene.subscribe("live")));
    pending.pop_back();
    CHECK_FALSE(scene.subscribe("one more").ready());
}

TEST_CASE("section 5 rule 9 by name: asking for tracks that nobody serves leaves nothing behind", "[broadcast]") {
    Scene scene;
    const BroadcastProducer unserved;
    const auto consumer = unserved.consume();
    std::size_t before = 0;
    for (int i = 0; i < 1000; ++i) {
        if (i == 10) {
            before = live_allocations();
        }
        const auto name = "a name that does not fit into a string object " + std::to_string(i);
        static_cast<void>(consumer.track(name).subscribe());
        static_cast<void>(consumer.track(name).info());
        static_cast<void>(scene.subscribe(name));
    }
    CHECK(live_allocations() <= before + 8);
    CHECK(unserved.stats().pending == 0);
    CHECK(scene.broadcast.stats().pending == 0);
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

TEST_CASE("section 2 by name: a step that is destroyed or cancelled, even a ready one, takes no request",
          "[broadcast]") {
    Scene scene;
    auto cancelled = wait(scene.handler.requested_track());
    cancelled.cancel();
    CHECK(cancelled.code() == asio::error::operation_aborted);
    auto waiting = wait(scene.subscribe("video"));
    {
        auto step = scene.handler.requested_track();
        CHECK(step.ready());
    }
    CHECK_FALSE(waiting.done());
    CHECK(queued(scene.handler) == Words{"video"});
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
