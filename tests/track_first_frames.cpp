// read_first_frame: which group it takes next, and at what cost.
#include <comoq/track_subscriber.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"
#include "track_subscriber_scene.hpp"

namespace track_first_frames_tests {

using namespace comoq;
using namespace comoq::test;
using namespace track_subscriber_tests;

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
