#include <comoq/track_subscriber.hpp>

#include <cstdint>
#include <optional>
#include <utility>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"
#include "track_subscriber_scene.hpp"

namespace track_subscriber_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("section 6 subscriber: recv_group gives every group once, in the order of arrival", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto waiting = wait(subscriber.recv_group());
    scene.create({5});
    CHECK(waiting.value()->sequence() == 5);
    scene.create({2, 9, 0, 7});
    CHECK(received(subscriber) == Numbers{2, 9, 0, 7});
    CHECK_FALSE(subscriber.recv_group().ready());
    scene.create({1});
    CHECK(received(subscriber) == Numbers{1});
}

TEST_CASE("section 6 subscriber: next_group gives the lowest group above the last one, and skips later arrivals below it",
          "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto waiting = wait(subscriber.next_group());
    scene.create({5, 3, 9});
    // The group is chosen when the step is resumed.
    CHECK(waiting.value()->sequence() == 3);
    CHECK(nexts(subscriber) == Numbers{5, 9});
    auto next = wait(subscriber.next_group());
    scene.create({4, 8, 0});
    CHECK_FALSE(next.done());
    scene.create({11, 10});
    CHECK(next.value()->sequence() == 10);
    CHECK(nexts(subscriber) == Numbers{11});
}

TEST_CASE("section 6 subscriber: next_group waits for no number that may never come", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.create({100});
    CHECK(nexts(subscriber) == Numbers{100});
}

TEST_CASE("section 6 subscriber: the two cursors are independent", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.create({2, 0, 1});
    CHECK(now(subscriber.recv_group())->sequence() == 2);
    CHECK(now(subscriber.next_group())->sequence() == 0);
    CHECK(now(subscriber.recv_group())->sequence() == 0);
    CHECK(now(subscriber.next_group())->sequence() == 1);
    CHECK(now(subscriber.next_group())->sequence() == 2);
    CHECK(now(subscriber.recv_group())->sequence() == 1);
    CHECK_FALSE(subscriber.recv_group().ready());
    CHECK_FALSE(subscriber.next_group().ready());
}

TEST_CASE("section 6 subscriber: subscribers do not take from one another", "[subscriber]") {
    Scene scene;
    auto one = scene.subscribe();
    auto two = scene.subscribe();
    scene.create({0, 1});
    CHECK(nexts(one) == Numbers{0, 1});
    CHECK(nexts(two) == Numbers{0, 1});
    CHECK(received(one) == Numbers{0, 1});
    CHECK(received(two) == Numbers{0, 1});
}

TEST_CASE("section 6 subscriber: without a start it begins at the highest group, and gets that group's frames", "[subscriber]") {
    Scene scene;
    scene.create({0, 4});
    auto open = scene.track.append_group();
    open.write_frame(payload("a"));
    scene.create({2});
    open.write_frame(payload("b"));
    auto late = scene.subscribe();
    auto group = *now(late.next_group());
    CHECK(group.sequence() == 5);
    CHECK(texts(group) == Words{"a", "b"});
    CHECK(received(late) == Numbers{5});
    open.write_frame(payload("c"));
    CHECK(texts(group) == Words{"c"});
    // Below its start nothing is given; above it everything.
    scene.create({3, 6});
    CHECK(received(late) == Numbers{6});
    CHECK(nexts(late) == Numbers{6});
}

TEST_CASE("section 6 subscriber: start seeds both cursors", "[subscriber]") {
    Scene scene;
    scene.create({3, 1, 0, 2});
    auto subscriber = scene.subscribe(Wish{.start = 1});
    CHECK(received(subscriber) == Numbers{3, 1, 2});
    CHECK(nexts(subscriber) == Numbers{1, 2, 3});
    auto ahead = scene.subscribe(Wish{.start = 10});
    auto next = wait(ahead.next_group());
    auto any = wait(ahead.recv_group());
    scene.create({9});
    CHECK_FALSE(next.done());
    CHECK_FALSE(any.done());
    scene.create({12});
    CHECK(next.value()->sequence() == 12);
    CHECK(any.value()->sequence() == 12);
    scene.create({10});
    CHECK(received(ahead) == Numbers{10});
}

TEST_CASE("section 6 subscriber: end is an inclusive cap on both cursors and on read_first_frame", "[subscriber]") {
    Scene scene;
    scene.create({0, 4, 2, 3});
    auto subscriber = scene.subscribe(Wish{.start = 0, .end = 2});
    CHECK(received(subscriber) == Numbers{0, 2});
    CHECK(nexts(subscriber) == Numbers{0, 2});
    auto reader = scene.subscribe(Wish{.start = 0, .end = 2});
    CHECK(text(reader) == "0");
    CHECK(text(reader) == "2");
    CHECK_FALSE(reader.read_frame().ready());
}

TEST_CASE("section 6 subscriber: a cap is not an end, and raising it wakes a waiting step", "[subscriber]") {
    std::optional<Scene> scene(std::in_place);
    scene->create({0, 1, 2, 3, 4});
    auto subscriber = scene->subscribe(Wish{.start = 0, .end = 0});
    CHECK(received(subscriber) == Numbers{0});
    CHECK(nexts(subscriber) == Numbers{0});
    auto next = wait(subscriber.next_group());
    auto any = wait(subscriber.recv_group());
    auto other = scene->subscribe(Wish{.start = 0, .end = 0});
    CHECK(text(other) == "0");
    auto frame = wait(other.read_first_frame());
    scene->track.finish();
    scene.reset();
    CHECK_FALSE(next.done());
    CHECK_FALSE(any.done());
    CHECK_FALSE(frame.done());
    subscriber.end_at(1);
    other.end_at(1);
    CHECK(next.value()->sequence() == 1);
    CHECK(any.value()->sequence() == 1);
    CHECK(frame.value()->payload.view() == "1");
    CHECK_FALSE(subscriber.next_group().ready());
    subscriber.end_at(std::nullopt);
    CHECK(nexts(subscriber) == Numbers{2, 3, 4});
    CHECK(received(subscriber) == Numbers{2, 3, 4});
    CHECK_FALSE(now(subscriber.next_group()).has_value());
    CHECK_FALSE(now(subscriber.recv_group()).has_value());
}

TEST_CASE("section 6 subscriber: a track that ended with nothing above the cap is at its end", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0, .end = 5});
    scene.create({0, 1});
    CHECK(nexts(subscriber) == Numbers{0, 1});
    CHECK(received(subscriber) == Numbers{0, 1});
    scene.track.finish();
    CHECK_FALSE(now(subscriber.next_group()).has_value());
    CHECK_FALSE(now(subscriber.recv_group()).has_value());
    CHECK_FALSE(now(subscriber.read_first_frame()).has_value());
}

TEST_CASE("section 6 subscriber: lowering the cap holds back what is above it", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.create({0, 1, 2});
    subscriber.end_at(0);
    CHECK(received(subscriber) == Numbers{0});
    CHECK(nexts(subscriber) == Numbers{0});
    scene.create({3});
    subscriber.end_at(2);
    CHECK(received(subscriber) == Numbers{1, 2});
    subscriber.end_at(std::nullopt);
    CHECK(received(subscriber) == Numbers{3});
}

TEST_CASE("section 6 subscriber: start_at moves both cursors and wakes a waiting step", "[subscriber]") {
    Scene scene;
    scene.create({0, 1, 2, 3});
    auto subscriber = scene.subscribe();
    CHECK(nexts(subscriber) == Numbers{3});
    CHECK(received(subscriber) == Numbers{3});
    auto next = wait(subscriber.next_group());
    auto any = wait(subscriber.recv_group());
    subscriber.start_at(1);
    CHECK(next.value()->sequence() == 1);
    CHECK(any.value()->sequence() == 1);
    CHECK(nexts(subscriber) == Numbers{2, 3});
    // In the order of arrival each group is given once, whatever the start.
    CHECK(received(subscriber) == Numbers{2});
    subscriber.start_at(5);
    scene.create({4, 6, 5});
    CHECK(nexts(subscriber) == Numbers{5, 6});
    CHECK(received(subscriber) == Numbers{6, 5});
}

TEST_CASE("section 6 subscriber: update moves cursors and cap only where start and end differ", "[subscriber]") {
    Scene scene;
    scene.create({0, 1, 2, 3, 4, 5});
    auto subscriber = scene.subscribe(Wish{.start = 2, .end = 3});
    CHECK(nexts(subscriber) == Numbers{2, 3});
    subscriber.update(Wish{.priority = 9, .start = 2, .end = 3});
    CHECK_FALSE(subscriber.next_group().ready());
    auto next = wait(subscriber.next_group());
    subscriber.update(Wish{.start = 2, .end = 4});
    CHECK(next.value()->sequence() == 4);
    subscriber.update(Wish{.start = 1});
    CHECK(nexts(subscriber) == Numbers{1, 2, 3, 4, 5});
    CHECK(received(subscriber) == Numbers{1, 2, 3, 4, 5});
}

TEST_CASE("section 7 subscriber: one lagging or failed group does not end the subscription", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto group = scene.track.append_group();
    auto slow = *now(subscriber.next_group());
    for (int i = 0; i <= 32'768; ++i) {
        group.write_frame(Bytes());
    }
    CHECK(code_now(slow.read_frame()) == Error::Lagged);
    scene.track.append_group().abort(Error::WrongSize);
    auto failed = *now(subscriber.next_group());
    CHECK(code_now(failed.read_frame()) == Error::WrongSize);
    scene.create({2});
    CHECK(text(subscriber) == "2");
    CHECK(received(subscriber) == Numbers{0, 1, 2});
    CHECK_FALSE(subscriber.closed().ready());
}

TEST_CASE("section 6 subscriber: get_group gives a reader at the group's beginning, whatever the cursors",
          "[subscriber]") {
    Scene scene;
    scene.create({0, 1, 2});
    auto subscriber = scene.subscribe(Wish{.start = 2, .end = 2});
    auto group = *subscriber.get_group(1);
    CHECK(texts(group) == Words{"1"});
    auto again = *subscriber.get_group(1);
    CHECK(texts(again) == Words{"1"});
    CHECK_FALSE(subscriber.get_group(3).has_value());
    CHECK(nexts(subscriber) == Numbers{2});
    CHECK(received(subscriber) == Numbers{2});
}

TEST_CASE("section 6 subscriber: steps of an empty subscriber fail with Cancelled", "[subscriber]") {
    TrackSubscriber none;
    CHECK(code_now(none.recv_group()) == Error::Closed);
    CHECK(code_now(none.next_group()) == Error::Closed);
    CHECK(code_now(none.read_frame()) == Error::Closed);
    CHECK(code_now(none.finished()) == Error::Closed);
    CHECK(code_now(none.closed()) == Error::Closed);
    CHECK_FALSE(none.get_group(0).has_value());
    none.start_at(3);
    none.end_at(4);
    none.update({});
}

TEST_CASE("section 2 subscriber: a step that is destroyed or cancelled, even a ready one, consumes nothing",
          "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    {
        auto next = wait(subscriber.next_group());
        auto any = wait(subscriber.recv_group());
        auto frame = wait(subscriber.read_first_frame());
        next.cancel();
        CHECK(next.code() == asio::error::operation_aborted);
    }
    scene.create({0, 1});
    {
        auto next = subscriber.next_group();
        auto any = subscriber.recv_group();
        auto frame = subscriber.read_first_frame();
        CHECK(next.ready());
        CHECK(any.ready());
        CHECK(frame.ready());
    }
    CHECK(received(subscriber) == Numbers{0, 1});
    CHECK(text(subscriber) == "0");
    CHECK(nexts(subscriber) == Numbers{1});
}

TEST_CASE("section 2 subscriber: a step that finds its group taken by another goes on waiting", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto one = wait(subscriber.next_group());
    auto two = wait(subscriber.next_group());
    scene.create({0});
    CHECK(one.value()->sequence() == 0);
    CHECK_FALSE(two.done());
    scene.create({1});
    CHECK(two.value()->sequence() == 1);
}

TEST_CASE("section 6 subscriber: a reader that stops reading costs the others nothing", "[subscriber]") {
    Scene scene;
    auto stopped = scene.subscribe();
    auto reading = scene.subscribe();
    auto parked = stopped.next_group();
    for (std::uint64_t i = 0; i < 1000; ++i) {
        scene.create({i});
        CHECK(now(reading.next_group())->sequence() == i);
    }
    CHECK(now(std::move(parked))->sequence() == 0);
}

}
