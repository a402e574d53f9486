// Groups on demand: section 6 on fetching, and the rules of section 5 for requests of a group by its number.
#include <comoq/track_dynamic.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "track_dynamic_scene.hpp"

namespace track_dynamic_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

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

TEST_CASE("section 6 fetch: a fetch beyond the final sequence is told when that is declared", "[fetch]") {
    Scene scene;
    auto within = wait(scene.fetch(4)), queued = wait(scene.fetch(5)), taken = wait(scene.fetch(6));
    static_cast<void>(take(*scene.handler));
    scene.track->finish_at(5);
    CHECK(queued.code() == Error::NotFound);
    CHECK(taken.code() == Error::NotFound);
    CHECK(scene.refusal(6) == Error::NotFound);
}

}
