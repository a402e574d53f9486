// Requests for tracks by name: the handler that is asked, and the answer that counts.
#include <comoq/broadcast.hpp>

#include <cstddef>
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

namespace broadcast_requests_tests {

using namespace comoq;
using namespace comoq::test;
using namespace broadcast_tests;

namespace {

constexpr std::size_t most_pending = 65'536;

}  // namespace

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

}
