// Corners of subscribers: wishes that change, starts and caps, and frames read group after group.
#include <comoq/track.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

#include <comoq/detail/media/source_wishes.hpp>

#include <asio/error.hpp>

#include "media_corners_scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace subscriber_corners_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace media_corners_tests;

TEST_CASE("section 8 subscribers: update moves the cursors to the new start, or to the live edge", "[corners]") {
    Scene scene;
    scene.create({0, 1, 2, 3, 4});
    auto subscriber = scene.subscribe(Wish{.start = 1'000});
    auto next = wait(subscriber.next_group()), any = wait(subscriber.recv_group());
    auto frame = wait(scene.subscribe(Wish{.start = 1'000}).read_frame());
    CHECK_FALSE(next.done());
    subscriber.update(Wish{.start = 2, .end = 2});
    CHECK(next.value()->sequence() == 2);
    CHECK(any.value()->sequence() == 2);
    CHECK(nexts(subscriber).empty());
    subscriber.update(Wish{.start = 2});
    CHECK(nexts(subscriber) == Numbers{3, 4});
    // To the live edge, and a group that was given there is not given again.
    subscriber.update(Wish{});
    CHECK(nexts(subscriber).empty());
    CHECK(received(subscriber) == Numbers{4});
    auto other = scene.subscribe(Wish{.start = 0});
    CHECK(now(other.next_group())->sequence() == 0);
    other.update(Wish{.priority = 3});
    CHECK(nexts(other) == Numbers{4});
    // A change of the priority alone moves nothing.
    auto third = scene.subscribe(Wish{.start = 1});
    CHECK(now(third.next_group())->sequence() == 1);
    third.update(Wish{.priority = 7, .start = 1});
    CHECK(nexts(third) == Numbers{2, 3, 4});
}

TEST_CASE("section 8 subscribers: the wishes for the source follow every change at once", "[corners]") {
    Scene scene;
    scene.create({0, 1, 2});
    const auto wanted = [&] { return detail::SourceWishes::of(*scene.track->state(detail::Passkey())); };
    auto far = std::make_optional(scene.subscribe(Wish{.start = 1'000}));
    CHECK(wanted()->start == 1'000);
    const comoq::detail::SourceWishes wishes(scene.track->state(comoq::detail::Passkey()));
    CHECK(now(wishes.next())->start == 1'000);
    auto next_change = wait(wishes.next());
    CHECK_FALSE(next_change.done());
    auto live = std::make_optional(scene.subscribe());
    CHECK(next_change.done());
    CHECK(wanted()->start == std::nullopt);
    CHECK(wanted()->end == std::nullopt);
    auto range = std::make_optional(scene.subscribe(Wish{.start = 0, .end = 1}));
    CHECK(wanted()->start == 0);
    CHECK(wanted()->end == std::nullopt);
    live.reset();
    CHECK(wanted()->start == 0);
    CHECK(wanted()->end == std::nullopt);
    far->update(Wish{.start = 2, .end = 2});
    CHECK(wanted()->end == 2);
    range->update(Wish{.start = 1, .end = 1});
    CHECK(wanted()->start == 1);
    far.reset();
    CHECK(wanted()->end == 1);
    range.reset();
    CHECK(wanted() == std::nullopt);
}

TEST_CASE("section 8 subscribers: 1,024 gaps are remembered, and groups that are given up beyond that are counted", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0});
    const auto make = [&](std::uint64_t sequence) {
        scene.track->create_group(sequence).finish();
        return now(subscriber.recv_group())->sequence() == sequence;
    };
    bool all = true;
    // Every other number: each leaves a gap before it.
    for (std::uint64_t i = 0; i <= 1'024; ++i) all = all && make(2 * i);
    CHECK(subscriber.stats().gaps_given_up == 0);
    for (const std::uint64_t sequence : {1u, 1'023u, 2'047u}) all = all && make(sequence);
    CHECK(all);
    for (std::uint64_t i = 0; i < 5; ++i) make(4'000 + 2 * i);
    CHECK(subscriber.stats().gaps_given_up == 2);
    // It comes too late for this subscriber, and not for another.
    static_cast<void>(scene.track->create_group(3));
    CHECK_FALSE(subscriber.recv_group().ready());
    auto other = scene.subscribe(Wish{.start = 3, .end = 3});
    CHECK(received(other) == Numbers{3});
}

TEST_CASE("section 8 subscribers: the priority of a request is that of its present requesters", "[corners]") {
    Scene scene;
    auto handler = scene.track->dynamic();
    const auto ask = [&](std::uint8_t priority) {
        Fetch how;
        how.priority = priority;
        return std::make_optional(scene.consumer.fetch_group(7, how));
    };
    auto low = ask(1), high = ask(9), same = ask(9), middle = ask(5);
    auto request = *take(handler);
    CHECK(request.priority() == 9);
    high.reset();
    CHECK(request.priority() == 9);
    same.reset();
    CHECK(request.priority() == 5);
    low.reset();
    CHECK(request.priority() == 5);
    middle.reset();
    CHECK(request.priority() == 0);
    auto later = ask(3);
    CHECK(request.priority() == 3);
}

TEST_CASE("section 6 subscriber: read_frame gives every frame in order, group after group", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto first = wait(subscriber.read_frame());
    auto group = scene.track->append_group();
    CHECK_FALSE(first.done());
    group.write_frame(payload("a0"));
    CHECK(first.value()->payload.view() == "a0");
    auto second = wait(subscriber.read_frame());
    // A newer group does not stop a reader from reading this one to its end.
    scene.track->write_frame(payload("b0"));
    CHECK_FALSE(second.done());
    auto chunked = group.create_frame(2);
    chunked.write(payload("a"));
    chunked.write(payload("1"));
    CHECK_FALSE(second.done());
    chunked.finish();
    CHECK(second.value()->payload.view() == "a1");
    auto third = wait(subscriber.read_frame());
    CHECK_FALSE(third.done());
    group.finish();
    CHECK(third.value()->payload.view() == "b0");
    CHECK_FALSE(subscriber.next_group().ready());
    scene.create({2, 3});
    CHECK(every(subscriber) == Words{"2", "3"});
    scene.track->finish();
    CHECK_FALSE(now(subscriber.read_frame()).has_value());
}

TEST_CASE("section 6 subscriber: read_frame goes on to the next group when one fails, lags or goes", "[corners]") {
    for (const int how : {0, 1, 2, 3}) {
        Scene scene;
        auto subscriber = scene.subscribe();
        std::optional group = scene.track->append_group();
        group->write_frame(payload("a"));
        group->write_frame(payload("b"));
        CHECK(now(subscriber.read_frame())->payload.view() == "a");
        scene.create({1});
        if (how == 0) group->abort(Error::Timeout);
        if (how == 1) group.reset();
        if (how == 2) scene.time.advance(1h);
        if (how == 3)
            for (int i = 0; i < 32'769; ++i) group->write_frame(Bytes());
        CHECK(every(subscriber) == (how == 1 ? Words{"b", "1"} : Words{"1"}));
    }
}

TEST_CASE("section 6 subscriber: read_frame waits for the lowest group that may still have a frame", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0});
    auto late = scene.track->create_group(5);
    auto waiting = wait(subscriber.read_frame());
    scene.create({7});
    CHECK_FALSE(waiting.done());
    SECTION("it gets one") {
        late.write_frame(payload("late"));
        CHECK(waiting.value()->payload.view() == "late");
    }
    SECTION("it ends without one") {
        late.finish();
        CHECK(waiting.value()->payload.view() == "7");
    }
    SECTION("it fails") {
        late.abort(Error::Timeout);
        CHECK(waiting.value()->payload.view() == "7");
    }
    SECTION("a lower one comes") {
        scene.create({3});
        CHECK(waiting.value()->payload.view() == "3");
    }
    SECTION("the subscriber goes elsewhere") {
        subscriber.start_at(6);
        CHECK(waiting.value()->payload.view() == "7");
    }
    SECTION("the track is aborted") {
        scene.track->abort(app_error(4));
        CHECK(waiting.code() == app_error(4));
    }
    SECTION("the step is cancelled, and the frame is there for the next one") {
        waiting.cancel();
        CHECK(waiting.code() == asio::error::operation_aborted);
        late.write_frame(payload("late"));
        CHECK(now(subscriber.read_frame())->payload.view() == "late");
    }
}

TEST_CASE("section 6 subscriber: a cap holds read_frame back, and start_at leaves the present group", "[corners]") {
    Scene scene;
    scene.create({0, 1, 2});
    auto subscriber = scene.subscribe(Wish{.start = 0, .end = 0});
    CHECK(every(subscriber) == Words{"0"});
    auto waiting = wait(subscriber.read_frame());
    scene.track->finish();
    scene.track.reset();
    CHECK_FALSE(waiting.done());
    subscriber.end_at(std::nullopt);
    CHECK(waiting.value()->payload.view() == "1");
    subscriber.start_at(0);
    CHECK(every(subscriber) == Words{"0", "1", "2"});
    CHECK_FALSE(now(subscriber.read_frame()).has_value());
}

}
