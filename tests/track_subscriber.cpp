#include <comoq/track_subscriber.hpp>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/broadcast.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace track_subscriber_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");

    TrackSubscriber subscribe(Subscription wishes = {}) { return now(track.consume().subscribe(wishes)); }

    /// Makes finished groups of one frame, which contains the group's number.
    void create(const Numbers &sequences) {
        for (const auto sequence : sequences) {
            auto group = track.create_group(sequence);
            group.write_frame(payload(std::to_string(sequence)));
            group.finish();
        }
    }
};

std::string text(TrackSubscriber &subscriber) { return std::string(now(subscriber.read_first_frame())->payload.view()); }

}  // namespace

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

TEST_CASE("section 6 subscriber: read_first_frame gives the first frame of each next group", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto first = wait(subscriber.read_first_frame());
    auto group = scene.track.append_group();
    CHECK_FALSE(first.done());
    group.write_frame(payload("a0"));
    group.write_frame(payload("a1"));
    CHECK(first.value()->payload.view() == "a0");
    CHECK_FALSE(subscriber.read_first_frame().ready());
    scene.track.write_frame(payload("b"));
    CHECK(text(subscriber) == "b");
    CHECK_FALSE(subscriber.next_group().ready());
    scene.track.finish();
    CHECK_FALSE(now(subscriber.read_first_frame()).has_value());
}

TEST_CASE("section 6 subscriber: read_first_frame passes over stalled, empty and failed groups for a newer one",
          "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto stalled = scene.track.append_group();
    scene.track.append_group().finish();
    scene.track.append_group().abort(Error::Timeout);
    {
        auto dropped = scene.track.append_group();
    }
    auto half = scene.track.append_group();
    auto frame = half.create_frame(2);
    frame.write(payload("h"));
    auto waiting = wait(subscriber.read_first_frame());
    CHECK_FALSE(waiting.done());
    scene.track.write_frame(payload("newer"));
    CHECK(waiting.value()->payload.view() == "newer");
    // A group that was skipped comes too late.
    stalled.write_frame(payload("late"));
    CHECK_FALSE(subscriber.read_first_frame().ready());
    CHECK_FALSE(subscriber.next_group().ready());
}

TEST_CASE("section 6 subscriber: readers of frames find their next group in a few steps, however many without a frame are before it",
          "[subscriber]") {
    using Step = Operation<std::optional<Frame>> (TrackSubscriber::*)();
    for (const Step step : {Step(&TrackSubscriber::read_first_frame), Step(&TrackSubscriber::read_frame)}) {
        std::vector<double> costs;
        for (const int before : {20, 20'000}) {
            Scene scene;
            auto subscriber = scene.subscribe();
            // Each kind of them. A reader of all frames waits for one that may get some.
            const bool waits = step == Step(&TrackSubscriber::read_first_frame);
            std::vector<GroupProducer> stalled;
            for (int i = 0; i < before; ++i) {
                auto group = scene.track.append_group();
                if (i % 2 == 0)
                    group.finish();
                else if (i % 4 == 1 || !waits)
                    group.abort(Error::Timeout);
                else
                    stalled.push_back(std::move(group));
            }
            const int rounds = 300;
            const auto start = std::clock();
            for (int i = 0; i < rounds; ++i) {
                auto waiting = wait((subscriber.*step)());
                // It looks again, and finds nothing.
                scene.track.append_group().finish();
                CHECK_FALSE(waiting.done());
            }
            costs.push_back(static_cast<double>(std::clock() - start));
            auto waiting = wait((subscriber.*step)());
            scene.track.write_frame(payload("x"));
            CHECK(waiting.value()->payload.view() == "x");
        }
        INFO(costs[0] << ", and " << costs[1]);
        // A look at each of them would cost hundreds of times as much.
        CHECK(costs[1] < 10 * costs[0]);
    }
}

TEST_CASE("section 6 subscriber: a reader of all frames that waits behind an empty group takes an earlier one that comes late",
          "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.track.create_group(6).finish();
    auto open = scene.track.create_group(7);
    auto waiting = wait(subscriber.read_frame());
    CHECK_FALSE(waiting.done());
    auto late = scene.track.create_group(5);
    late.write_frame(payload("late"));
    late.finish();
    REQUIRE(waiting.done());
    CHECK(waiting.value()->payload.view() == "late");
}

TEST_CASE("section 6 subscriber: read_first_frame takes the first frame of a group that has lost those before", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto group = scene.track.append_group();
    group.write_frame(payload("small"));
    // There is no room for both.
    auto frame = group.create_frame(detail::MediaBounds::max_group_bytes);
    frame.write(payload(detail::MediaBounds::max_group_bytes));
    auto waiting = wait(subscriber.read_first_frame());
    CHECK_FALSE(waiting.done());
    frame.finish();
    REQUIRE(waiting.done());
    CHECK(waiting.value()->payload.size() == detail::MediaBounds::max_group_bytes);
}

TEST_CASE("section 6 subscriber: read_first_frame takes the stalled group when that gets a frame first", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto stalled = scene.track.append_group();
    auto newer = scene.track.append_group();
    auto waiting = wait(subscriber.read_first_frame());
    stalled.write_frame(payload("a"));
    CHECK(waiting.value()->payload.view() == "a");
    auto second = wait(subscriber.read_first_frame());
    auto frame = newer.create_frame(1);
    frame.write(payload("b"));
    CHECK_FALSE(second.done());
    frame.finish();
    CHECK(second.value()->payload.view() == "b");
}

TEST_CASE("section 6 subscriber: read_first_frame takes a complete frame of a dropped group", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    {
        scene.track.append_group().write_frame(payload("complete"));
    }
    CHECK(text(subscriber) == "complete");
}

TEST_CASE("section 6 subscriber: after the track's end read_first_frame waits for a stalled group, and ends with it",
          "[subscriber]") {
    for (const int ending : {0, 1, 2, 3}) {
        std::optional<Scene> scene(std::in_place);
        auto subscriber = scene->subscribe();
        std::optional<GroupProducer> stalled(scene->track.append_group());
        scene->track.finish();
        scene.reset();
        auto waiting = wait(subscriber.read_first_frame());
        CHECK_FALSE(waiting.done());
        if (ending == 0) {
            stalled->write_frame(payload("a"));
        } else if (ending == 1) {
            stalled->finish();
        } else if (ending == 2) {
            stalled->abort(Error::Timeout);
        } else {
            stalled.reset();
        }
        CHECK(waiting.value().has_value() == (ending == 0));
    }
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

TEST_CASE("section 2 subscriber: read_first_frame makes no allocation per delivered frame once warm", "[subscriber]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    constexpr std::uint64_t count = 200;
    for (std::uint64_t i = 0; i < 2 * count; ++i) {
        scene.create({i});
    }
    std::size_t made = 0;
    std::size_t bytes = 0;
    const auto reading = [&]() -> asio::awaitable<void> {
        AllocationCount allocations;
        for (std::uint64_t i = 0; i < 2 * count; ++i) {
            if (i == count) {
                allocations = AllocationCount();
            }
            const auto frame = co_await subscriber.read_first_frame();
            bytes += frame->payload.size();
        }
        made = allocations.made();
    };
    asio::io_context context;
    asio::co_spawn(context, reading(), asio::detached);
    context.run();
    CHECK(bytes == 10 + 90 * 2 + 300 * 3);
    CHECK(made == 0);
}

}
