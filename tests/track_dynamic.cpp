// Groups on demand: section 6 on fetching, and the rules of section 5 for requests of a group by its number.
#include <comoq/track_dynamic.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace track_dynamic_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// The request that a handler takes now, if there is one.
std::optional<GroupRequest> take(TrackDynamic &handler) {
    auto next = handler.requested_group();
    return next.ready() ? now(std::move(next)) : std::nullopt;
}

struct Scene {
    auto fetch(std::uint64_t sequence, std::uint8_t priority = 0) const {
        Fetch how;
        how.priority = priority;
        return consumer.fetch_group(sequence, how);
    }
    std::error_code refusal(std::uint64_t sequence) const {
        auto fetched = fetch(sequence);
        return fetched.ready() ? code_now(std::move(fetched)) : std::error_code();
    }

    ManualClock time;
    Origin origin = time.origin();
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    std::optional<TrackProducer> track = broadcast.create_track("video");
    TrackConsumer consumer = broadcast.consume().track("video");
    std::optional<TrackDynamic> handler = track->dynamic();
};

}  // namespace

TEST_CASE("section 6 fetch: a cached group is ready at once, and no handler is asked", "[fetch]") {
    Scene scene;
    scene.track->write_frame(payload("cached"));
    auto fetched = scene.fetch(0);
    CHECK(fetched.ready());
    auto group = now(std::move(fetched));
    CHECK(texts(group) == Words{"cached"});
    CHECK_FALSE(take(*scene.handler));
}

TEST_CASE("section 6 fetch: past the final sequence it is NotFound", "[fetch]") {
    Scene scene;
    scene.track->write_frame(payload("x"));
    scene.track->finish_at(5);
    CHECK(scene.refusal(5) == Error::NotFound);
    CHECK(scene.refusal(1000) == Error::NotFound);
    CHECK_FALSE(scene.fetch(4).ready());
}

TEST_CASE("section 6 fetch: with no live handler it is NotFound", "[fetch]") {
    Scene scene;
    auto copy = std::make_optional(*scene.handler);
    scene.handler.reset();
    CHECK_FALSE(scene.fetch(3).ready());
    copy.reset();
    CHECK(scene.refusal(3) == Error::NotFound);
    CHECK(scene.track->stats().handlers == 0);
}

TEST_CASE("section 6 fetch: numbers go to 2^62-1", "[fetch]") {
    Scene scene;
    CHECK(scene.refusal(std::uint64_t{1} << 62) == Error::BoundsExceeded);
    CHECK_FALSE(scene.fetch((std::uint64_t{1} << 62) - 1).ready());
}

TEST_CASE("section 6 fetch: one request serves everyone who asked for that number", "[fetch]") {
    Scene scene;
    auto first = wait(scene.fetch(7, 3)), second = wait(scene.fetch(7, 9)), other = wait(scene.fetch(8));
    CHECK(scene.track->stats().pending == 2);
    auto request = take(*scene.handler).value();
    CHECK(request.sequence() == 7);
    CHECK(request.priority() == 9);
    // The request was handed out and is still in the table.
    auto third = wait(scene.fetch(7, 200));
    CHECK(request.priority() == 200);
    CHECK(take(*scene.handler)->sequence() == 8);
    CHECK_FALSE(take(*scene.handler));
    auto group = request.accept();
    group.write_frame(payload("a"));
    for (auto *waiting : {&first, &second, &third}) {
        CHECK(texts(waiting->value()) == Words{"a"});
    }
    CHECK(other.code() == Error::NotFound);
    CHECK(scene.track->stats().pending == 0);
}

TEST_CASE("section 6 fetch: a fetched group is for lookups and other fetches, not for subscribers", "[fetch]") {
    Scene scene;
    auto subscriber = now(scene.consumer.subscribe());
    scene.track->write_frame(payload("live"));
    auto waiting = wait(scene.fetch(5));
    auto group = take(*scene.handler)->accept();
    group.write_frame(payload("fetched"));
    CHECK(scene.consumer.get_group(5).has_value());
    CHECK(subscriber.get_group(5).has_value());
    CHECK(scene.fetch(5).ready());
    CHECK(scene.track->latest() == 0);
    CHECK(nexts(subscriber) == Numbers{0});
    CHECK(received(subscriber) == Numbers{0});
    auto late = now(scene.consumer.subscribe());
    CHECK(nexts(late) == Numbers{0});
    // The number is still free for the live group.
    auto live = scene.track->create_group(5);
    live.write_frame(payload("live, too"));
    CHECK(nexts(subscriber) == Numbers{5});
    auto reader = scene.consumer.get_group(5).value();
    CHECK(texts(reader) == Words{"live, too"});
    CHECK(texts(waiting.value()) == Words{"fetched"});
}

TEST_CASE("section 6 fetch: a fetched group ages like any other, and can be fetched again", "[fetch]") {
    Scene scene;
    auto waiting = wait(scene.fetch(5));
    {
        auto group = take(*scene.handler)->accept();
        group.write_frame(payload("fetched"));
        group.finish();
    }
    auto unread = waiting.value();
    scene.time.advance(4s);
    CHECK(scene.fetch(5).ready());
    scene.time.advance(4s);
    CHECK(scene.consumer.get_group(5).has_value());
    scene.time.advance(2s);
    CHECK_FALSE(scene.consumer.get_group(5).has_value());
    CHECK(code_now(unread.read_frame()) == Error::Old);
    auto again = wait(scene.fetch(5));
    CHECK(take(*scene.handler)->sequence() == 5);
}

TEST_CASE("section 6 fetch: a live group that has expired can be fetched", "[fetch]") {
    Scene scene;
    scene.track->write_frame(payload("old"));
    scene.track->write_frame(payload("new"));
    scene.time.advance(6s);
    auto waiting = wait(scene.fetch(0));
    CHECK_FALSE(waiting.done());
    auto group = take(*scene.handler)->accept();
    group.write_frame(payload("from upstream"));
    CHECK(texts(waiting.value()) == Words{"from upstream"});
}

TEST_CASE("section 6 fetch: a group that failed is fetched again if there is a handler", "[fetch]") {
    Scene scene;
    {
        auto group = scene.track->append_group();
        group.write_frame(payload("half of it"));
    }
    auto waiting = wait(scene.fetch(0));
    {
        auto group = take(*scene.handler)->accept();
        group.write_frame(payload("all"));
        group.finish();
    }
    CHECK(texts(waiting.value()) == Words{"all"});
    auto looked_up = scene.consumer.get_group(0).value();
    CHECK(texts(looked_up) == Words{"all"});
    // Without a handler, a fetch gets the rest of the group.
    {
        auto group = scene.track->append_group();
        group.write_frame(payload("half of that"));
    }
    scene.track->append_group().abort(Error::Timeout);
    scene.handler.reset();
    auto rest = now(scene.fetch(1));
    CHECK(texts(rest) == Words{"half of that"});
    CHECK(scene.refusal(2) == Error::NotFound);
}

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

// A track that is only requested

namespace {

struct Unserved {
    auto fetch(std::uint64_t sequence) const { return broadcast.consume().track("video").fetch_group(sequence); }

    BroadcastProducer broadcast;
    std::optional<BroadcastDynamic> handler = broadcast.dynamic();
};

}  // namespace

TEST_CASE("section 6 fetch: a fetch can be served for a track that nobody subscribed to", "[fetch]") {
    Unserved scene;
    auto waiting = wait(scene.fetch(5));
    auto request = take_track(*scene.handler).value();
    CHECK(request.name() == "video");
    CHECK_FALSE(request.subscription().has_value());
    auto groups = request.dynamic();
    auto asked = take(groups).value();
    CHECK(asked.sequence() == 5);
    TrackInfo info;
    info.timescale = Timescale(90'000);
    auto group = asked.accept(info);
    group.write_frame(payload("x"), Timestamp(1000, Timescale(1000)));
    CHECK(now(waiting.value().read_frame())->timestamp.value() == 90'000);
    // The info is fixed now, and further ones are ignored.
    auto second = wait(scene.fetch(6));
    info.timescale = Timescale(1);
    auto other = take(groups)->accept(info);
    other.write_frame(payload("x"), Timestamp(1000, Timescale(1000)));
    CHECK(now(second.value().read_frame())->timestamp.value() == 90'000);
    auto track = request.accept(info);
    CHECK(track.info().timescale == Timescale(90'000));
    CHECK(scene.fetch(5).ready());
}

TEST_CASE("section 6 fetch: a fetch also requests the track, and leaves that request when it ends", "[fetch]") {
    Unserved scene;
    auto fetched = std::make_optional(scene.fetch(5));
    auto request = take_track(*scene.handler).value();
    auto abandoned = wait(request.abandoned());
    CHECK_FALSE(abandoned.done());
    fetched.reset();
    CHECK(abandoned.done());
}

TEST_CASE("section 6 fetch: a track that goes live without a handler for groups refuses the waiting fetches", "[fetch]") {
    Unserved scene;
    auto waiting = wait(scene.fetch(5));
    auto request = take_track(*scene.handler).value();
    SECTION("without") {
        auto track = request.accept();
        CHECK(waiting.code() == Error::NotFound);
    }
    SECTION("with one") {
        auto groups = request.dynamic();
        auto track = request.accept();
        CHECK_FALSE(waiting.done());
        auto group = take(groups)->accept();
        CHECK(waiting.value().sequence() == 5);
    }
    SECTION("with one that went before") {
        static_cast<void>(request.dynamic());
        CHECK_FALSE(waiting.done());
        auto track = request.accept();
        CHECK(waiting.code() == Error::NotFound);
    }
    SECTION("the track is made by its name") {
        auto track = scene.broadcast.create_track("video");
        CHECK(waiting.code() == Error::NotFound);
    }
}

TEST_CASE("section 6 fetch: when the track is refused, so is the group, with the same code", "[fetch]") {
    Unserved scene;
    auto waiting = wait(scene.fetch(5));
    std::error_code expected;
    SECTION("rejected") {
        expected = app_error(3);
        take_track(*scene.handler)->reject(app_error(3));
    }
    SECTION("dropped") {
        expected = Error::NotFound;
        take_track(*scene.handler);
    }
    SECTION("no handler left") {
        expected = Error::NotFound;
        scene.handler.reset();
    }
    SECTION("the broadcast aborted") {
        expected = app_error(4);
        scene.broadcast.abort(app_error(4));
    }
    SECTION("the broadcast finished") {
        expected = Error::Closed;
        scene.broadcast.finish();
    }
    CHECK(waiting.code() == expected);
    CHECK(scene.broadcast.stats().pending == 0);
}

TEST_CASE("section 6 fetch: a group that is being served outlives the request for its track", "[fetch]") {
    Unserved scene;
    auto being_written = wait(scene.fetch(5)), taken = wait(scene.fetch(6));
    auto request = take_track(*scene.handler);
    auto groups = request->dynamic();
    auto group = take(groups)->accept();
    auto asked = take(groups).value();
    request.reset();
    CHECK_FALSE(now(groups.requested_group()).has_value());
    group.write_frame(payload("x"));
    CHECK(texts(being_written.value()) == Words{"x"});
    CHECK_FALSE(taken.done());
    auto other = asked.accept();
    CHECK(taken.value().sequence() == 6);
}

TEST_CASE("section 6 fetch: a track that is inserted under the name is asked instead", "[fetch]") {
    Unserved scene;
    BroadcastProducer elsewhere;
    auto live = elsewhere.create_track("video");
    live.write_frame(payload("held"));
    auto held = wait(scene.fetch(0)), asked = wait(scene.fetch(1));
    auto refused = scene.fetch(2);
    auto left = std::make_optional(wait(scene.fetch(3)));
    SECTION("which has a handler") {
        auto groups = live.dynamic();
        scene.broadcast.insert_track(live.consume());
        CHECK(texts(held.value()) == Words{"held"});
        CHECK_FALSE(asked.done());
        CHECK_FALSE(refused.ready());
        std::vector<GroupRequest> requests;
        while (auto another = take(groups)) {
            requests.push_back(std::move(*another));
        }
        REQUIRE(requests.size() == 3);
        for (auto &request : requests) {
            if (request.sequence() == 1) {
                auto group = request.accept();
                CHECK(asked.value().sequence() == 1);
            }
        }
        CHECK_FALSE(left->done());
        left->cancel();
        CHECK(live.stats().pending == 2);
        requests.clear();
        CHECK(code_now(std::move(refused)) == Error::NotFound);
    }
    SECTION("which has none") {
        scene.broadcast.insert_track(live.consume());
        CHECK(texts(held.value()) == Words{"held"});
        CHECK(asked.code() == Error::NotFound);
        CHECK(refused.ready());
        CHECK(code_now(std::move(refused)) == Error::NotFound);
        CHECK(live.stats().pending == 0);
    }
    CHECK(scene.broadcast.stats().pending == 0);
}

TEST_CASE("section 6 fetch: a fetch does not count as a subscriber", "[fetch]") {
    Scene scene;
    auto waiting = wait(scene.fetch(3));
    CHECK(scene.track->stats().subscribers == 0);
    CHECK_FALSE(scene.track->used().ready());
    CHECK_FALSE(scene.track->subscription().has_value());
}

TEST_CASE("section 6 fetch: an empty handle fails with Closed, and a name that nobody serves with NotFound", "[fetch]") {
    CHECK(code_now(TrackConsumer().fetch_group(0)) == Error::Closed);
    const BroadcastProducer broadcast;
    CHECK(code_now(broadcast.consume().track("video").fetch_group(0)) == Error::NotFound);
}

TEST_CASE("section 2 fetch: a step that is destroyed or cancelled, even a ready one, takes no request", "[fetch]") {
    Scene scene;
    auto cancelled = wait(scene.handler->requested_group());
    cancelled.cancel();
    auto waiting = wait(scene.fetch(3));
    CHECK(scene.handler->requested_group().ready());
    CHECK(take(*scene.handler)->sequence() == 3);
}

TEST_CASE("section 6 fetch: a fetch beyond the final sequence is told when that is declared", "[fetch]") {
    Scene scene;
    auto within = wait(scene.fetch(4)), queued = wait(scene.fetch(5)), taken = wait(scene.fetch(6));
    static_cast<void>(take(*scene.handler));
    scene.track->finish_at(5);
    CHECK(queued.code() == Error::NotFound);
    CHECK(taken.code() == Error::NotFound);
    CHECK(scene.refusal(6) == Error::NotFound);
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
