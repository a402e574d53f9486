#include <comoq/track.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace track_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t highest = (std::uint64_t{1} << 62) - 1;

struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    TrackConsumer consumer = track.consume();

    TrackSubscriber subscribe(Subscription wishes = {}) { return now(consumer.subscribe(wishes)); }
};

static_assert(std::is_copy_constructible_v<TrackProducer> && std::is_nothrow_move_constructible_v<TrackProducer>);
static_assert(!std::is_copy_constructible_v<TrackSubscriber> && !std::is_copy_constructible_v<TrackRequest>);

}  // namespace

TEST_CASE("section 6 track: assigning over the last producer ends its track", "[track]") {
    Scene first, second;
    auto subscriber = first.subscribe();
    const TrackProducer kept = first.track;
    first.track = second.track;
    CHECK(first.track.name() == "video");
    CHECK_FALSE(settle(subscriber.closed()));  // a copy is left
    CHECK(first.track.append_group().sequence() == 0);
    CHECK(second.track.latest() == 0);
    auto third = kept;
    third = std::move(second.track);
    CHECK_FALSE(settle(subscriber.closed()));
    CHECK(third.latest() == 0);

    Scene only;
    auto reader = only.subscribe();
    only.track = third;
    CHECK(now(reader.closed()) == Error::Dropped);
}

TEST_CASE("section 6 track: append_group takes the next number", "[track]") {
    Scene scene;
    CHECK(scene.track.latest() == std::nullopt);
    CHECK(scene.track.append_group().sequence() == 0);
    CHECK(scene.track.latest() == 0);
    CHECK(scene.track.append_group().sequence() == 1);
    CHECK(scene.track.create_group(7).sequence() == 7);
    CHECK(scene.track.latest() == 7);
    CHECK(scene.track.append_group().sequence() == 8);
    CHECK(scene.track.create_group(3).sequence() == 3);
    CHECK(scene.track.latest() == 8);
    CHECK(scene.track.append_group().sequence() == 9);
}

TEST_CASE("section 6 track: create_group takes any unused number, a used one is Duplicate", "[track]") {
    Scene scene;
    const auto kept = scene.track.create_group(5);
    CHECK(error_of([&] { return scene.track.create_group(5); }) == Error::Duplicate);
    CHECK(scene.track.create_group(0).sequence() == 0);
    CHECK(error_of([&] { return scene.track.create_group(0); }) == Error::Duplicate);
    CHECK(scene.track.append_group().sequence() == 6);
    CHECK(error_of([&] { return scene.track.create_group(6); }) == Error::Duplicate);
    for (const std::uint64_t free : {4u, 1u, 3u, 2u}) {
        CHECK(scene.track.create_group(free).sequence() == free);
    }
    for (std::uint64_t used = 0; used < 7; ++used) {
        CHECK(error_of([&] { return scene.track.create_group(used); }) == Error::Duplicate);
    }
}

TEST_CASE("section 6 track: sequences go to 2^62-1, beyond it is BoundsExceeded", "[track]") {
    Scene scene;
    CHECK(error_of([&] { return scene.track.create_group(highest + 1); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { return scene.track.create_group(~std::uint64_t{0}); }) == Error::BoundsExceeded);
    CHECK(scene.track.latest() == std::nullopt);
    CHECK(scene.track.create_group(highest - 1).sequence() == highest - 1);
    CHECK(scene.track.append_group().sequence() == highest);
    CHECK(error_of([&] { return scene.track.append_group(); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { scene.track.write_frame(payload("x")); }) == Error::BoundsExceeded);
    CHECK(scene.track.latest() == highest);
    auto subscriber = scene.subscribe(Wish{.start = highest - 1});
    CHECK(nexts(subscriber) == Numbers{highest - 1, highest});
    scene.track.finish();
    CHECK(now(subscriber.finished()) == highest + 1);
    CHECK_FALSE(now(subscriber.next_group()).has_value());
    CHECK(received(subscriber) == Numbers{highest - 1, highest});
}

TEST_CASE("section 6 track: finish_at may name the number after the highest and no other above it", "[track]") {
    Scene scene;
    CHECK(error_of([&] { scene.track.finish_at(highest + 2); }) == Error::BoundsExceeded);
    scene.track.finish_at(highest + 1);
    CHECK(scene.track.create_group(highest).sequence() == highest);
}

TEST_CASE("section 6 track: write_frame makes a finished group of one", "[track]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    CHECK(scene.track.write_frame(payload("a"), Timestamp(5, Timescale(1000))) == 0);
    CHECK(scene.track.write_frame(payload("b")) == 1);
    auto group = *now(subscriber.next_group());
    CHECK(group.sequence() == 0);
    const auto frame = *now(group.read_frame());
    CHECK(frame.payload.view() == "a");
    CHECK(frame.timestamp.value() == 5);
    CHECK_FALSE(now(group.read_frame()).has_value());
    CHECK(now(group.finished()) == 1);
}

TEST_CASE("section 6 track: a frame that write_frame refuses takes no number and leaves no group", "[track]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    const std::vector<std::byte> large((32u << 20) + 1);
    CHECK(error_of([&] { scene.track.write_frame(Bytes(nullptr, large)); }) == Error::FrameTooLarge);
    CHECK(error_of([&] {
              const Timestamp far(Timestamp::max_value, Timescale(1));
              scene.track.write_frame(payload("x"), far);
          }) == Error::TimestampMismatch);
    CHECK(scene.track.latest() == std::nullopt);
    CHECK(scene.track.stats().groups == 0);
    CHECK_FALSE(subscriber.next_group().ready());
    CHECK(scene.track.write_frame(payload("on")) == 0);
}

TEST_CASE("section 6 track: finish() fixes the final sequence after latest, lower groups may still come", "[track]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0});
    auto finished = wait(subscriber.finished());
    static_cast<void>(scene.track.create_group(2));
    CHECK_FALSE(finished.done());
    scene.track.finish();
    CHECK(finished.value() == 3);
    CHECK(error_of([&] { return scene.track.append_group(); }) == Error::Closed);
    CHECK(error_of([&] { return scene.track.create_group(3); }) == Error::Closed);
    CHECK(error_of([&] { scene.track.write_frame(payload("x")); }) == Error::Closed);
    CHECK(error_of([&] { scene.track.finish(); }) == Error::Closed);
    CHECK(error_of([&] { scene.track.finish_at(9); }) == Error::Closed);
    CHECK(error_of([&] { return scene.track.create_group(2); }) == Error::Duplicate);
    CHECK(scene.track.create_group(0).sequence() == 0);
    CHECK(nexts(subscriber) == Numbers{0, 2});
    CHECK(received(subscriber) == Numbers{2, 0});
    // One of them is still to come, for recv_group; next_group is past it.
    CHECK_FALSE(now(subscriber.next_group()).has_value());
    auto last = wait(subscriber.recv_group());
    CHECK_FALSE(last.done());
    static_cast<void>(scene.track.create_group(1));
    CHECK(last.value()->sequence() == 1);
    CHECK_FALSE(now(subscriber.recv_group()).has_value());
}

TEST_CASE("section 6 track: finish() of a track without groups ends it at zero", "[track]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto next = wait(subscriber.next_group());
    auto any = wait(subscriber.recv_group());
    auto frame = wait(subscriber.read_frame());
    scene.track.finish();
    CHECK(now(subscriber.finished()) == 0);
    CHECK_FALSE(next.value().has_value());
    CHECK_FALSE(any.value().has_value());
    CHECK_FALSE(frame.value().has_value());
}

TEST_CASE("section 6 track: dropping the producer after finish() is clean", "[track]") {
    std::optional<Scene> scene(std::in_place);
    auto subscriber = scene->subscribe();
    scene->track.write_frame(payload("a"));
    scene->track.finish();
    scene.reset();
    CHECK(now(subscriber.closed()) == std::error_code());
    CHECK(now(subscriber.read_frame())->payload.view() == "a");
    CHECK_FALSE(now(subscriber.next_group()).has_value());
    CHECK_FALSE(now(subscriber.read_frame()).has_value());
    CHECK(received(subscriber) == Numbers{0});
    CHECK_FALSE(now(subscriber.recv_group()).has_value());
    CHECK(now(subscriber.finished()) == 1);
}

TEST_CASE("section 6 track: dropping the producer after finish() ends waits for a lower group", "[track]") {
    std::optional<Scene> scene(std::in_place);
    auto subscriber = scene->subscribe(Wish{.start = 0});
    scene->track.finish_at(4);
    static_cast<void>(scene->track.create_group(2));
    CHECK(nexts(subscriber) == Numbers{2});
    auto next = wait(subscriber.next_group());
    auto any = wait(subscriber.recv_group());
    CHECK(any.value()->sequence() == 2);
    auto another = wait(subscriber.recv_group());
    CHECK_FALSE(next.done());
    CHECK_FALSE(another.done());
    scene.reset();
    CHECK_FALSE(next.value().has_value());
    CHECK_FALSE(another.value().has_value());
}

TEST_CASE("section 6 track: finish_at's sequence is the first that will never come", "[track]") {
    Scene scene;
    static_cast<void>(scene.track.create_group(4));
    CHECK(error_of([&] { scene.track.finish_at(4); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { scene.track.finish_at(0); }) == Error::ProtocolViolation);
    scene.track.finish_at(7);
    CHECK(error_of([&] { scene.track.finish_at(8); }) == Error::Closed);
    CHECK(error_of([&] { scene.track.finish_at(2); }) == Error::Closed);
    CHECK(error_of([&] { scene.track.finish(); }) == Error::Closed);
    CHECK(error_of([&] { return scene.track.create_group(7); }) == Error::Closed);
    CHECK(scene.track.append_group().sequence() == 5);
    CHECK(scene.track.append_group().sequence() == 6);
    CHECK(error_of([&] { return scene.track.append_group(); }) == Error::Closed);
    auto subscriber = scene.subscribe();
    CHECK(now(subscriber.finished()) == 7);
    CHECK(nexts(subscriber) == Numbers{6});
    CHECK_FALSE(now(subscriber.next_group()).has_value());
}

TEST_CASE("section 6 track: finish_at(latest + 1) is finish()", "[track]") {
    Scene scene;
    static_cast<void>(scene.track.append_group());
    scene.track.finish_at(1);
    auto subscriber = scene.subscribe();
    CHECK(now(subscriber.finished()) == 1);
}

TEST_CASE("section 6 track: the last copy of a producer counts as its end, Dropped without finish", "[track]") {
    std::optional<Scene> scene(std::in_place);
    auto subscriber = scene->subscribe();
    auto consumer = scene->consumer;
    std::optional<TrackProducer> copy(scene->track);
    auto next = wait(subscriber.next_group());
    auto any = wait(subscriber.recv_group());
    auto frame = wait(subscriber.read_frame());
    auto closed = wait(subscriber.closed());
    auto finished = wait(subscriber.finished());
    scene.reset();
    CHECK_FALSE(next.done());
    CHECK_FALSE(closed.done());
    copy.reset();
    CHECK(next.code() == Error::Dropped);
    CHECK(any.code() == Error::Dropped);
    CHECK(frame.code() == Error::Dropped);
    CHECK(finished.code() == Error::Dropped);
    CHECK(closed.value() == Error::Dropped);
}

TEST_CASE("section 6 track: a dropped track's groups are read to the end before Dropped", "[track]") {
    std::optional<Scene> scene(std::in_place);
    auto subscriber = scene->subscribe();
    scene->track.write_frame(payload("a"));
    scene->track.write_frame(payload("b"));
    scene.reset();
    CHECK(now(subscriber.read_frame())->payload.view() == "a");
    CHECK(nexts(subscriber) == Numbers{1});
    CHECK(code_now(subscriber.next_group()) == Error::Dropped);
    CHECK(code_now(subscriber.read_frame()) == Error::Dropped);
    CHECK(received(subscriber) == Numbers{0, 1});
    CHECK(code_now(subscriber.recv_group()) == Error::Dropped);
}

TEST_CASE("section 6 track: abort ends every wait with its code and releases the groups", "[track]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto idle = scene.subscribe();
    auto waiting = wait(idle.closed());
    scene.track.write_frame(payload("a"));
    auto changed = wait(scene.track.unused());
    scene.track.abort(app_error(7));
    CHECK(waiting.value() == app_error(7));
    CHECK(changed.code() == app_error(7));
    CHECK(code_now(subscriber.next_group()) == app_error(7));
    CHECK(code_now(subscriber.recv_group()) == app_error(7));
    CHECK(code_now(subscriber.read_frame()) == app_error(7));
    CHECK(code_now(subscriber.finished()) == app_error(7));
    CHECK(subscriber.get_group(0) == std::nullopt);
    CHECK(scene.track.stats().groups == 0);
    CHECK(scene.track.stats().bytes == 0);
    // It has ended: another code changes nothing.
    scene.track.abort(Error::Timeout);
    CHECK(now(subscriber.closed()) == app_error(7));
}

TEST_CASE("section 6 track: a writer gets the code that ended the track, or Closed after its own finish", "[track]") {
    Scene scene;
    scene.track.abort({});
    CHECK(error_of([&] { return scene.track.append_group(); }) == Error::Cancelled);
    CHECK(error_of([&] { return scene.track.create_group(3); }) == Error::Cancelled);
    CHECK(error_of([&] { scene.track.write_frame(payload("x")); }) == Error::Cancelled);
    CHECK(error_of([&] { scene.track.finish(); }) == Error::Cancelled);
    CHECK(error_of([&] { scene.track.finish_at(5); }) == Error::Cancelled);
    CHECK(code_now(scene.track.subscription_changed()) == Error::Cancelled);
}

TEST_CASE("section 6 track: abort after finish gives its code", "[track]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.track.write_frame(payload("a"));
    scene.track.finish();
    scene.track.abort(Error::Timeout);
    CHECK(code_now(subscriber.next_group()) == Error::Timeout);
    CHECK(now(subscriber.closed()) == Error::Timeout);
    CHECK(now(subscriber.finished()) == 1);
}

TEST_CASE("section 6 track: TrackInfo is fixed once accepted", "[track]") {
    TrackInfo info;
    info.priority = 7;
    info.ordered = true;
    info.max_latency = 250ms;
    info.timescale = Timescale(48'000);
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("audio", info);
    CHECK(track.name() == "audio");
    CHECK(track.info().priority == 7);
    const auto seen = now(broadcast.consume().track("audio").info());
    CHECK(seen.priority == 7);
    CHECK(seen.ordered);
    CHECK(seen.max_latency == 250ms);
    CHECK(seen.timescale == Timescale(48'000));
}

TEST_CASE("section 6 track: stats count groups, bytes and subscribers", "[track]") {
    Scene scene;
    CHECK(scene.track.stats().groups == 0);
    scene.track.write_frame(payload("abc"));
    auto group = scene.track.append_group();
    group.write_frame(payload("de"));
    {
        auto subscriber = scene.subscribe();
        CHECK(scene.track.stats().subscribers == 1);
    }
    CHECK(scene.track.stats().groups == 2);
    CHECK(scene.track.stats().bytes == 5);
    CHECK(scene.track.stats().subscribers == 0);
}

TEST_CASE("section 2 track: a coroutine without an executor is resumed when write_frame is done", "[track]") {
    // The smallest possible coroutine: it runs until it is done, and the code that resumes it is its executor.
    struct Plain {
        struct promise_type {
            Plain get_return_object() { return {}; }
            std::suspend_never initial_suspend() noexcept { return {}; }
            std::suspend_never final_suspend() noexcept { return {}; }
            void return_void() {}
            void unhandled_exception() { std::terminate(); }
        };
    };
    Scene scene;
    auto subscriber = scene.subscribe();
    bool resumed = false;
    bool whole = false;
    const auto read = [&]() -> Plain {
        auto group = co_await subscriber.next_group();
        resumed = true;
        whole = group->finished().ready() && now(group->read_frame())->payload.view() == "a";
    };
    read();
    CHECK_FALSE(resumed);
    scene.track.write_frame(payload("a"));
    CHECK(resumed);
    CHECK(whole);
}

}
