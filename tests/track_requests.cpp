// Requests for groups by number: the handler that is asked, and the answer that counts.
#include <comoq/track_dynamic.hpp>

#include <optional>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "track_dynamic_scene.hpp"

namespace track_requests_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace track_dynamic_tests;

TEST_CASE("section 5 rule 3 by sequence: the first answer settles a request", "[fetch]") {
    Scene scene;
    auto waiting = wait(scene.fetch(2));
    auto request = take(*scene.handler);
    SECTION("reject") {
        CHECK(request->reject(app_error(7)));
        CHECK_FALSE(request->reject(app_error(8)));
        CHECK(waiting.code() == app_error(7));
        CHECK(error_of([&] { return request->accept(); }) == app_error(7));
    }
    SECTION("reject with a false code") {
        CHECK(request->reject({}));
        CHECK(waiting.code() == Error::Cancelled);
    }
    SECTION("dropped") {
        request.reset();
        CHECK(waiting.code() == Error::NotFound);
    }
    SECTION("accept") {
        auto group = request->accept();
        CHECK(waiting.value().sequence() == 2);
        CHECK_FALSE(request->reject(app_error(8)));
        CHECK(error_of([&] { return request->accept(); }) == Error::Duplicate);
    }
    SECTION("the group is written after all") {
        auto abandoned = wait(request->abandoned());
        CHECK_FALSE(abandoned.done());
        scene.track->create_group(2).write_frame(payload("live"));
        CHECK(texts(waiting.value()) == Words{"live"});
        CHECK(abandoned.done());
        CHECK(error_of([&] { return request->accept(); }) == Error::Duplicate);
    }
    SECTION("append_group comes to that number") {
        for (int i = 0; i < 3; ++i) {
            static_cast<void>(scene.track->append_group());
        }
        CHECK(waiting.value().sequence() == 2);
    }
    SECTION("write_frame comes to that number") {
        for (int i = 0; i < 3; ++i) {
            scene.track->write_frame(payload("x"));
        }
        CHECK(texts(waiting.value()) == Words{"x"});
    }
    SECTION("the track is aborted") {
        scene.track->abort(app_error(9));
        CHECK(waiting.code() == app_error(9));
        CHECK(error_of([&] { return request->accept(); }) == app_error(9));
    }
    SECTION("the track's producers go") {
        scene.track.reset();
        CHECK(waiting.code() == Error::Dropped);
    }
    SECTION("the track ends well") {
        scene.track->finish_at(5);
        scene.track.reset();
        CHECK(waiting.code() == Error::Closed);
    }
}

TEST_CASE("section 5 rule 3 by sequence: assigning over a request drops it", "[fetch]") {
    Scene scene;
    auto handler = scene.track->dynamic();
    auto first = scene.fetch(1), second = scene.fetch(2);
    auto request = std::move(*now(handler.requested_group()));
    CHECK(request.sequence() == 1);
    request = std::move(*now(handler.requested_group()));
    CHECK(request.sequence() == 2);
    CHECK(code_now(std::move(first)) == Error::NotFound);
    CHECK_FALSE(second.ready());
    static_cast<void>(request.accept());
    CHECK(now(std::move(second)).sequence() == 2);
}

TEST_CASE("section 5 rule 3 by sequence: a queued request is withdrawn when its group is written", "[fetch]") {
    Scene scene;
    auto waiting = wait(scene.fetch(0));
    scene.track->write_frame(payload("live"));
    CHECK_FALSE(take(*scene.handler));
    CHECK(texts(waiting.value()) == Words{"live"});
}

TEST_CASE("section 5 rule 5 by sequence: dropping the last handler refuses queued requests, not taken ones", "[fetch]") {
    Scene scene;
    auto taken = wait(scene.fetch(1)), queued = wait(scene.fetch(2));
    auto request = take(*scene.handler).value();
    scene.handler.reset();
    CHECK(queued.code() == Error::NotFound);
    CHECK_FALSE(taken.done());
    auto group = request.accept();
    CHECK(taken.value().sequence() == 1);
}

TEST_CASE("section 5 rule 5 by sequence: a copy of a handler goes on, and each request has one taker", "[fetch]") {
    Scene scene;
    auto copy = *scene.handler;
    CHECK(scene.track->stats().handlers == 2);
    auto one = wait(scene.fetch(1)), two = wait(scene.fetch(2));
    CHECK(take(copy)->sequence() == 1);
    CHECK(take(*scene.handler)->sequence() == 2);
    CHECK_FALSE(take(copy));
    scene.handler.reset();
    CHECK_FALSE(scene.fetch(3).ready());
}

TEST_CASE("section 5 rule 6 by sequence: after a reject the next fetch reaches a handler again", "[fetch]") {
    Scene scene;
    for (int i = 0; i < 3; ++i) {
        auto waiting = wait(scene.fetch(1));
        CHECK(take(*scene.handler)->reject(Error::Unauthorized));
        CHECK(waiting.code() == Error::Unauthorized);
        CHECK_FALSE(take(*scene.handler));
    }
}

TEST_CASE("section 5 rule 8 by sequence: a requester that leaves does not affect the others, and the last ends the request",
          "[fetch]") {
    Scene scene;
    auto first = std::make_optional(scene.fetch(1));
    auto second = std::make_optional(scene.fetch(1));
    auto request = take(*scene.handler).value();
    auto abandoned = wait(request.abandoned());
    first.reset();
    CHECK_FALSE(abandoned.done());
    second.reset();
    CHECK(abandoned.done());
    CHECK(scene.track->stats().pending == 1);
    auto late = wait(scene.fetch(1));
    CHECK_FALSE(take(*scene.handler));
    auto group = request.accept();
    CHECK(late.value().sequence() == 1);
    // A queued request goes with its last requester.
    static_cast<void>(scene.fetch(9));
    CHECK(scene.track->stats().pending == 0);
    CHECK_FALSE(take(*scene.handler));
}

TEST_CASE("section 5 rule 9 by sequence: at most max_pending_requests requests are pending", "[fetch]") {
    OriginConfig config;
    config.max_pending_requests = 2;
    const Origin origin(config);
    auto broadcast = origin.producer().make_broadcast();
    auto track = broadcast.create_track("video");
    auto handler = track.dynamic();
    auto one = track.consume().fetch_group(1), two = track.consume().fetch_group(2), again = track.consume().fetch_group(2);
    CHECK_FALSE(again.ready());
    CHECK(code_now(track.consume().fetch_group(3)) == Error::LimitReached);
}

TEST_CASE("section 6 fetch: a handler serves until its track ends", "[fetch]") {
    Scene scene;
    auto next = wait(scene.handler->requested_group());
    CHECK_FALSE(next.done());
    scene.track->finish();
    CHECK_FALSE(next.done());
    scene.track.reset();
    CHECK_FALSE(next.value().has_value());
    CHECK(code_now(scene.fetch(0)) == Error::NotFound);
}

TEST_CASE("section 6 fetch: the groups of an ended track can still be fetched", "[fetch]") {
    Scene scene;
    const auto consumer = scene.track->consume();
    scene.track->write_frame(payload("x"));
    scene.track->finish_at(3);
    scene.track.reset();
    auto group = now(consumer.fetch_group(0));
    CHECK(texts(group) == Words{"x"});
    CHECK(code_now(consumer.fetch_group(1)) == Error::NotFound);
}

TEST_CASE("section 2 fetch: a step that is destroyed or cancelled, even a ready one, takes no request", "[fetch]") {
    Scene scene;
    auto cancelled = wait(scene.handler->requested_group());
    cancelled.cancel();
    auto waiting = wait(scene.fetch(3));
    CHECK(scene.handler->requested_group().ready());
    CHECK(take(*scene.handler)->sequence() == 3);
}

TEST_CASE("section 5 rule 5 by sequence: a taken request is answered by its taker, whichever track comes", "[fetch]") {
    Unserved scene;
    auto waiting = wait(scene.fetch(5));
    auto request = take_track(*scene.handler).value();
    auto groups = request.dynamic();
    auto asked = take(groups).value();
    BroadcastProducer elsewhere;
    auto live = elsewhere.create_track("video");
    scene.broadcast.insert_track(live.consume());
    CHECK_FALSE(waiting.done());
    auto group = asked.accept();
    group.write_frame(payload("x"));
    CHECK(texts(waiting.value()) == Words{"x"});
}

}
