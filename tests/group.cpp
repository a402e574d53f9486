#include <comoq/group.hpp>

#include <cstddef>
#include <cstdint>
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

namespace group_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A track with one group that is being written, and a reader of it.
struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    GroupProducer group = track.append_group();
    GroupConsumer reader = group.consume();

    void write(const Words &all) {
        for (const auto &text : all) {
            group.write_frame(payload(text));
        }
    }
};

std::vector<std::string> taken(GroupConsumer &reader, std::size_t max) {
    std::vector<std::string> all;
    const auto frames = now(reader.read_frames(max));
    for (const auto &frame : frames.value()) {
        all.emplace_back(frame.payload.view());
    }
    return all;
}

bool at_clean_end(GroupConsumer &reader) { return !now(reader.read_frame()).has_value(); }

constexpr std::size_t most_frames = 32'768;

}  // namespace

TEST_CASE("section 6 group: every reader gets all frames in order, each with its own cursor", "[group]") {
    Scene scene;
    scene.write({"a", "b"});
    auto other = scene.group.consume();
    CHECK(texts(scene.reader) == Words{"a", "b"});
    scene.write({"c"});
    CHECK(texts(scene.reader) == Words{"c"});
    CHECK(texts(other) == Words{"a", "b", "c"});
    auto first = wait(scene.reader.read_frame());
    auto second = wait(other.read_frame());
    CHECK_FALSE(first.done());
    CHECK_FALSE(second.done());
    scene.write({"d"});
    CHECK(first.value()->payload.view() == "d");
    CHECK(second.value()->payload.view() == "d");
    auto ending = wait(scene.reader.read_frame());
    scene.group.finish();
    CHECK_FALSE(ending.value().has_value());
    CHECK(at_clean_end(other));
    CHECK(at_clean_end(other));
}

TEST_CASE("section 6 group: read_frames gives all frames that are there, at least one and at most max", "[group]") {
    Scene scene;
    auto waiting = wait(scene.reader.read_frames(10));
    CHECK_FALSE(waiting.done());
    scene.write({"a"});
    CHECK(waiting.value()->size() == 1);
    scene.write({"b", "c", "d"});
    CHECK(taken(scene.reader, 2) == Words{"b", "c"});
    CHECK(taken(scene.reader, 2) == Words{"d"});
    CHECK_FALSE(scene.reader.read_frames(1).ready());
    scene.write({"e", "f"});
    scene.group.finish();
    CHECK(taken(scene.reader, static_cast<std::size_t>(-1)) == Words{"e", "f"});
    CHECK_FALSE(now(scene.reader.read_frames(1)).has_value());
}

TEST_CASE("section 6 group: read_frames gives whole and chunked frames in their order", "[group]") {
    Scene scene;
    const auto write_in_chunks = [&](const char *first, const char *second) {
        auto frame = scene.group.create_frame(2, Timestamp(5, Timescale(1000)));
        frame.write(payload(first));
        frame.write(payload(second));
        frame.finish();
    };
    scene.write({"a"});
    write_in_chunks("b", "c");
    scene.write({"d"});
    write_in_chunks("e", "f");
    const auto frames = now(scene.reader.read_frames(3));
    REQUIRE(frames->size() == 3);
    CHECK((*frames)[0].payload.view() == "a");
    CHECK((*frames)[1].payload.view() == "bc");
    CHECK((*frames)[1].timestamp == Timestamp(5, Timescale(1000)));
    CHECK((*frames)[2].payload.view() == "d");
    CHECK(taken(scene.reader, 3) == Words{"ef"});
}

TEST_CASE("section 6 group: read_frames also gives the frames that come until it is resumed", "[group]") {
    Scene scene;
    auto operation = scene.reader.read_frames(10);
    scene.write({"a", "b"});
    CHECK(operation.ready());
    scene.write({"c"});
    CHECK(now(std::move(operation))->size() == 3);
}

TEST_CASE("section 6 group: read_frames(0) is BoundsExceeded and ready at once", "[group]") {
    Scene scene;
    auto operation = scene.reader.read_frames(0);
    CHECK(operation.ready());
    CHECK(code_now(std::move(operation)) == Error::BoundsExceeded);
    scene.write({"a"});
    CHECK(code_now(scene.reader.read_frames(0)) == Error::BoundsExceeded);
    CHECK(texts(scene.reader) == Words{"a"});
}

TEST_CASE("section 6 group: read_frame waits for an open frame to be finished, next_frame does not", "[group]") {
    Scene scene;
    auto frame = wait(scene.reader.read_frame());
    auto many = wait(scene.group.consume().read_frames(5));
    auto writer = scene.group.create_frame(1);
    writer.write(payload("a"));
    CHECK_FALSE(frame.done());
    CHECK_FALSE(many.done());
    CHECK(scene.group.consume().next_frame().ready());
    writer.finish();
    CHECK(frame.value()->payload.view() == "a");
    CHECK(many.value()->size() == 1);
}

TEST_CASE("section 6 group: next_frame and read_frame share one cursor", "[group]") {
    Scene scene;
    scene.write({"a"});
    CHECK(now(now(scene.reader.next_frame())->read_all()).view() == "a");
    auto writer = scene.group.create_frame(1);
    auto open = *now(scene.reader.next_frame());
    auto next = wait(scene.reader.next_frame());
    auto frame = wait(scene.reader.read_frame());
    writer.write(payload("b"));
    writer.finish();
    // The open frame has been given already: neither step may give it again.
    CHECK_FALSE(next.done());
    CHECK_FALSE(frame.done());
    scene.write({"c"});
    CHECK(now(next.value()->read_all()).view() == "c");
    CHECK_FALSE(frame.done());
    scene.write({"d"});
    CHECK(frame.value()->payload.view() == "d");
    scene.group.finish();
    CHECK_FALSE(now(scene.reader.next_frame()).has_value());
}

TEST_CASE("section 6 group: get_frame waits for its index and moves no cursor", "[group]") {
    Scene scene;
    auto second = wait(scene.reader.get_frame(1));
    auto fifth = wait(scene.reader.get_frame(4));
    scene.write({"a"});
    CHECK_FALSE(second.done());
    scene.write({"b"});
    CHECK(second.value()->payload.view() == "b");
    CHECK(now(scene.reader.get_frame(0))->payload.view() == "a");
    CHECK(now(scene.reader.get_frame(0))->payload.view() == "a");
    CHECK(texts(scene.reader) == Words{"a", "b"});
    CHECK_FALSE(fifth.done());
    scene.group.finish();
    CHECK_FALSE(fifth.value().has_value());
    CHECK(now(scene.reader.get_frame(1))->payload.view() == "b");
    CHECK_FALSE(now(scene.reader.get_frame(2)).has_value());
}

TEST_CASE("section 6 group: get_frame fails with the group's code for a frame that never came", "[group]") {
    std::optional<Scene> scene(std::in_place);
    scene->write({"a"});
    auto reader = scene->reader;
    auto waiting = wait(reader.get_frame(3));
    scene.reset();
    CHECK(waiting.code() == Error::Dropped);
    CHECK(now(reader.get_frame(0))->payload.view() == "a");
    CHECK(code_now(reader.get_frame(1)) == Error::Dropped);
}

TEST_CASE("section 6 group: finished() gives the number of frames once it is finished", "[group]") {
    Scene scene;
    auto finished = wait(scene.reader.finished());
    scene.write({"a", "b", "c"});
    CHECK_FALSE(finished.done());
    scene.group.finish();
    CHECK(finished.value() == 3);
    CHECK(texts(scene.reader) == Words{"a", "b", "c"});
    CHECK(now(scene.reader.finished()) == 3);
}

TEST_CASE("section 6 group: a copied GroupConsumer keeps its place and goes on by itself", "[group]") {
    Scene scene;
    scene.write({"a", "b", "c"});
    CHECK(now(scene.reader.read_frame())->payload.view() == "a");
    auto copy = scene.reader;
    CHECK(copy.sequence() == scene.reader.sequence());
    CHECK(texts(copy) == Words{"b", "c"});
    CHECK(texts(scene.reader) == Words{"b", "c"});
    auto assigned = scene.group.consume();
    assigned = copy;
    scene.write({"d"});
    CHECK(texts(assigned) == Words{"d"});
    CHECK(texts(copy) == Words{"d"});
    const auto moved = std::move(copy);
    auto &self = assigned;
    assigned = self;
    CHECK(assigned.sequence() == moved.sequence());
}

TEST_CASE("section 6 group: steps of an empty consumer fail with Cancelled", "[group]") {
    GroupConsumer none;
    const GroupConsumer copy = none;
    CHECK(copy.sequence() == 0);
    CHECK(code_now(none.read_frame()) == Error::Closed);
    CHECK(code_now(none.read_frames(3)) == Error::Closed);
    CHECK(code_now(none.next_frame()) == Error::Closed);
    CHECK(code_now(none.get_frame(0)) == Error::Closed);
    CHECK(code_now(none.finished()) == Error::Closed);
}

TEST_CASE("section 6 group: the last copy of a producer counts as its end", "[group]") {
    Scene scene;
    std::optional<GroupProducer> first(scene.track.append_group());
    std::optional<GroupProducer> second(*first);
    auto reader = first->consume();
    first->write_frame(payload("a"));
    first.reset();
    second->write_frame(payload("b"));
    CHECK(texts(reader) == Words{"a", "b"});
    auto waiting = wait(reader.read_frame());
    auto moved = std::move(second);
    second.reset();
    CHECK_FALSE(waiting.done());
    moved.reset();
    CHECK(waiting.code() == Error::Dropped);
}

TEST_CASE("section 6 group: assigning over the last producer ends its group", "[group]") {
    Scene scene;
    auto other = scene.track.append_group();
    auto reader = other.consume();
    other = scene.group;
    CHECK(code_now(reader.read_frame()) == Error::Dropped);
    auto &self = other;
    other = self;
    other.write_frame(payload("a"));
    CHECK(texts(scene.reader) == Words{"a"});
}

TEST_CASE("section 6 group: a group that is dropped without finish keeps its complete frames, then readers get Dropped",
          "[group]") {
    std::optional<Scene> scene(std::in_place);
    scene->write({"a", "b"});
    auto reader = scene->reader;
    auto late = scene->track.consume();
    auto group = *late.get_group(0);
    scene.reset();
    CHECK(texts(reader) == Words{"a", "b"});
    CHECK(code_now(reader.read_frame()) == Error::Dropped);
    CHECK(code_now(reader.read_frames(4)) == Error::Dropped);
    CHECK(code_now(reader.next_frame()) == Error::Dropped);
    CHECK(code_now(reader.finished()) == Error::Dropped);
    CHECK(texts(group) == Words{"a", "b"});
    CHECK(code_now(group.read_frame()) == Error::Dropped);
}

TEST_CASE("section 6 group: abort releases the frames at once and gives its code to readers that had not read them", "[group]") {
    Scene scene;
    scene.write({"a", "b"});
    auto other = scene.group.consume();
    auto done = scene.group.consume();
    CHECK(now(other.read_frame())->payload.view() == "a");
    CHECK(texts(done) == Words{"a", "b"});
    auto parked = wait(done.read_frame());
    const auto held = live_bytes();
    const auto large = static_cast<std::size_t>(1) << 20;
    scene.group.write_frame(payload(large));
    CHECK(live_bytes() >= held + large);
    parked.value().reset();
    scene.group.abort(Error::Timeout);
    CHECK(live_bytes() < held + large);
    for (auto *reader : {&scene.reader, &other, &done}) {
        CHECK(code_now(reader->read_frame()) == Error::Timeout);
        CHECK(code_now(reader->read_frames(1)) == Error::Timeout);
        CHECK(code_now(reader->next_frame()) == Error::Timeout);
        CHECK(code_now(reader->get_frame(0)) == Error::Timeout);
        CHECK(code_now(reader->finished()) == Error::Timeout);
    }
    auto late = scene.group.consume();
    CHECK(code_now(late.read_frame()) == Error::Timeout);
}

TEST_CASE("section 6 group: abort wakes every waiter in the group", "[group]") {
    Scene scene;
    auto frame = wait(scene.reader.read_frame());
    auto many = wait(scene.reader.read_frames(2));
    auto open = wait(scene.reader.next_frame());
    auto third = wait(scene.reader.get_frame(2));
    auto finished = wait(scene.reader.finished());
    scene.group.abort(app_error(8));
    CHECK(frame.code() == app_error(8));
    CHECK(many.code() == app_error(8));
    CHECK(open.code() == app_error(8));
    CHECK(third.code() == app_error(8));
    CHECK(finished.code() == app_error(8));
}

TEST_CASE("section 2 group: abort with a false code settles with Cancelled", "[group]") {
    Scene scene;
    scene.group.abort({});
    CHECK(code_now(scene.reader.read_frame()) == Error::Cancelled);
}

TEST_CASE("section 6 group: a writer gets the code that ended the group, or Closed after its own finish", "[group]") {
    Scene scene;
    scene.group.finish();
    CHECK(error_of([&] { scene.group.write_frame(payload("x")); }) == Error::Closed);
    CHECK(error_of([&] { return scene.group.create_frame(1); }) == Error::Closed);
    CHECK(error_of([&] { scene.group.finish(); }) == Error::Closed);

    auto aborted = scene.track.append_group();
    aborted.abort(app_error(4));
    aborted.abort(app_error(5));
    CHECK(error_of([&] { aborted.write_frame(payload("x")); }) == app_error(4));
    CHECK(error_of([&] { return aborted.create_frame(1); }) == app_error(4));
    CHECK(error_of([&] { aborted.finish(); }) == app_error(4));

    auto with_track = scene.track.append_group();
    scene.track.abort(app_error(6));
    CHECK(error_of([&] { with_track.write_frame(payload("x")); }) == app_error(6));
    CHECK(error_of([&] { scene.group.write_frame(payload("x")); }) == Error::Closed);
}

TEST_CASE("section 6 group: a reader that had read all of a finished group keeps its clean end", "[group]") {
    Scene scene;
    scene.write({"a", "b"});
    auto behind = scene.group.consume();
    CHECK(now(behind.read_frame())->payload.view() == "a");
    CHECK(texts(scene.reader) == Words{"a", "b"});
    scene.group.finish();
    scene.group.abort(Error::Evicted);
    CHECK(at_clean_end(scene.reader));
    CHECK_FALSE(now(scene.reader.next_frame()).has_value());
    CHECK_FALSE(now(scene.reader.read_frames(3)).has_value());
    CHECK(code_now(behind.read_frame()) == Error::Evicted);
    CHECK(code_now(behind.get_frame(0)) == Error::Evicted);
}

TEST_CASE("section 6 group: an aborted track ends its groups in the same way", "[group]") {
    Scene scene;
    scene.write({"a"});
    auto behind = scene.group.consume();
    CHECK(texts(scene.reader) == Words{"a"});
    scene.group.finish();
    auto open = scene.track.append_group();
    auto reader = open.consume();
    auto waiting = wait(reader.read_frame());
    auto frame = open.create_frame(3);
    auto half = *now(reader.next_frame());
    auto chunk = wait(half.read_chunk());
    scene.track.abort(app_error(1));
    CHECK(at_clean_end(scene.reader));
    CHECK(code_now(behind.read_frame()) == app_error(1));
    CHECK(waiting.code() == app_error(1));
    CHECK(chunk.code() == app_error(1));
    CHECK(error_of([&] { frame.write(payload("a")); }) == app_error(1));
}

TEST_CASE("section 6 group: an aborted track also releases the frames of a group that was dropped", "[group]") {
    Scene scene;
    std::optional<GroupProducer> dropped(scene.track.append_group());
    constexpr std::size_t large = std::size_t{1} << 20;
    dropped->write_frame(payload(large));
    auto reader = dropped->consume();
    dropped.reset();
    const auto held = live_bytes();
    scene.track.abort(app_error(1));
    CHECK(live_bytes() + large / 2 < held);
    CHECK(code_now(reader.read_frame()));
}

TEST_CASE("section 6 group: the end of a group, of any kind, does not end its track", "[group]") {
    Scene scene;
    auto subscriber = now(scene.track.consume().subscribe());
    scene.group.abort(Error::Timeout);
    {
        auto dropped = scene.track.append_group();
    }
    CHECK(scene.track.write_frame(payload("on")) == 2);
    CHECK(nexts(subscriber) == Numbers{0, 1, 2});
    CHECK_FALSE(subscriber.next_group().ready());
    CHECK_FALSE(subscriber.closed().ready());
}

TEST_CASE("section 6 group: it goes on when its track's producer and its broadcast are gone", "[group]") {
    std::optional<GroupProducer> group;
    GroupConsumer reader;
    {
        BroadcastProducer broadcast;
        auto track = broadcast.create_track("video");
        group = track.append_group();
        reader = group->consume();
    }
    auto waiting = wait(reader.read_frame());
    group->write_frame(payload("on"));
    CHECK(waiting.value()->payload.view() == "on");
    group->finish();
    CHECK(at_clean_end(reader));
}

TEST_CASE("section 6 group: beyond 32,768 frames it drops its oldest, and readers that had not read them get Lagged", "[group]") {
    Scene scene;
    auto keeping_up = scene.group.consume();
    auto behind = scene.group.consume();
    for (std::size_t i = 0; i < most_frames; ++i) {
        scene.group.write_frame(payload(std::to_string(i)));
    }
    // All of them are still held.
    CHECK(now(behind.read_frame())->payload.view() == "0");
    CHECK(now(scene.group.consume().get_frame(0))->payload.view() == "0");
    auto copy = scene.reader;
    CHECK(now(keeping_up.read_frames(most_frames))->size() == most_frames);

    scene.group.write_frame(payload("over"));
    CHECK(code_now(scene.reader.read_frame()) == Error::Lagged);
    CHECK(code_now(scene.reader.read_frames(5)) == Error::Lagged);
    CHECK(code_now(scene.reader.next_frame()) == Error::Lagged);
    CHECK(code_now(copy.read_frame()) == Error::Lagged);
    CHECK(code_now(behind.get_frame(0)) == Error::Lagged);
    CHECK(now(behind.read_frame())->payload.view() == "1");
    CHECK(now(keeping_up.read_frame())->payload.view() == "over");

    // A new reader begins at the first frame still held, and the indices go on counting from the group's first.
    auto late = scene.group.consume();
    CHECK(now(late.read_frame())->payload.view() == "1");
    CHECK(now(late.get_frame(most_frames))->payload.view() == "over");
    scene.write({"more", "still more"});
    CHECK(code_now(behind.read_frame()) == Error::Lagged);
    scene.group.finish();
    CHECK(now(late.finished()) == most_frames + 3);
    CHECK(texts(keeping_up) == Words{"more", "still more"});
    CHECK(at_clean_end(keeping_up));
    // It does not get its code from the end: the frames that it missed are still missed.
    CHECK(code_now(scene.reader.read_frame()) == Error::Lagged);
}

TEST_CASE("section 6 group: beyond 32 MiB it drops as many of its oldest frames as it must", "[group]") {
    constexpr std::size_t mebibyte = std::size_t{1} << 20;
    Scene scene;
    const Bytes one = payload(mebibyte);
    for (int i = 0; i < 32; ++i) {
        scene.group.write_frame(one, Timestamp(static_cast<std::uint64_t>(i), Timescale(1000)));
    }
    CHECK(scene.track.stats().bytes == 32 * mebibyte);
    auto reader = scene.group.consume();
    CHECK(now(reader.read_frame())->timestamp.value() == 0);

    scene.group.write_frame(Bytes());  // one byte more
    CHECK(scene.track.stats().bytes == 32 * mebibyte);
    CHECK(now(scene.group.consume().read_frame())->timestamp.value() == 0);

    scene.group.write_frame(payload("x"));
    CHECK(scene.track.stats().bytes == 31 * mebibyte + 1);
    CHECK(code_now(scene.reader.read_frame()) == Error::Lagged);
    CHECK(now(reader.read_frame())->timestamp.value() == 1);

    // A chunked frame counts as any other, once it is complete.
    auto writer = scene.group.create_frame(10 * mebibyte);
    for (int i = 0; i < 10; ++i) {
        writer.write(one);
    }
    writer.finish();
    CHECK(scene.track.stats().bytes == 32 * mebibyte - mebibyte + 1);
    CHECK(now(scene.group.consume().read_frame())->timestamp.value() == 11);
    CHECK(code_now(reader.read_frame()) == Error::Lagged);

    // One frame may fill it alone.
    const std::vector<std::byte> largest(32 * mebibyte);
    scene.group.write_frame(Bytes(nullptr, largest));
    CHECK(scene.track.stats().bytes == 32 * mebibyte);
    CHECK(now(scene.group.consume().read_frame())->payload.size() == 32 * mebibyte);
}

TEST_CASE("section 6 group: dropped frames are freed, and bytes that were given out stay valid", "[group]") {
    constexpr std::size_t size = std::size_t{1} << 20;
    Scene scene;
    const auto before = live_bytes();
    scene.group.write_frame(payload("kept by its reader"));
    const Bytes kept = now(scene.reader.read_frame())->payload;
    for (int i = 0; i < 200; ++i) {
        scene.group.write_frame(payload(size));
    }
    CHECK(live_bytes() < before + 34 * size);
    CHECK(kept.view() == "kept by its reader");
}

TEST_CASE("section 6 group: lagging concerns only this reader and only this group", "[group]") {
    Scene scene;
    auto subscriber = now(scene.track.consume().subscribe());
    auto slow = *now(subscriber.next_group());
    for (std::size_t i = 0; i <= most_frames; ++i) {
        scene.group.write_frame(payload("x"));
    }
    CHECK(code_now(slow.read_frame()) == Error::Lagged);
    scene.group.write_frame(payload("writable"));
    scene.track.write_frame(payload("next"));
    auto next = *now(subscriber.next_group());
    CHECK(texts(next) == Words{"next"});
    CHECK(now(now(subscriber.recv_group())->read_frame())->payload.view() == "x");
}

TEST_CASE("section 2 group: a step that is destroyed or cancelled, even a ready one, consumes nothing", "[group]") {
    Scene scene;
    {
        auto waiting = wait(scene.reader.read_frame());
        waiting.cancel();
        CHECK(waiting.code() == asio::error::operation_aborted);
    }
    scene.write({"a", "b"});
    {
        auto frame = scene.reader.read_frame();
        auto many = scene.reader.read_frames(2);
        auto open = scene.reader.next_frame();
        CHECK(frame.ready());
        CHECK(many.ready());
        CHECK(open.ready());
    }
    CHECK(texts(scene.reader) == Words{"a", "b"});
}

TEST_CASE("section 2 group: several steps of one reader take one frame each", "[group]") {
    Scene scene;
    auto first = wait(scene.reader.read_frame());
    auto second = wait(scene.reader.read_frame());
    scene.write({"a"});
    CHECK(first.value()->payload.view() == "a");
    CHECK_FALSE(second.done());
    scene.write({"b"});
    CHECK(second.value()->payload.view() == "b");
}

TEST_CASE("section 2 group: steps outlive the handle they were made from", "[group]") {
    Scene scene;
    std::optional<GroupConsumer> reader = scene.group.consume();
    auto frame = wait(reader->read_frame());
    auto many = reader->read_frames(5);
    reader.reset();
    scene.write({"a", "b"});
    CHECK(frame.value()->payload.view() == "a");
    CHECK(now(std::move(many))->size() == 1);
}

TEST_CASE("section 2 group: a delivered frame allocates nothing once warm", "[group]") {
    Scene scene;
    constexpr std::size_t count = 500;
    for (std::size_t i = 0; i < 2 * count; ++i) {
        scene.group.write_frame(payload("x"));
    }
    auto other = scene.group.consume();
    std::size_t read = 0;
    std::size_t made = 0;
    const auto reading = [&]() -> asio::awaitable<void> {
        for (std::size_t i = 0; i < count; ++i) {
            const auto frame = co_await scene.reader.read_frame();
            read += frame->payload.size();
        }
        const AllocationCount allocations;
        for (std::size_t i = 0; i < count; ++i) {
            const auto frame = co_await scene.reader.read_frame();
            read += frame->payload.size();
        }
        made = allocations.made();
    };
    asio::io_context context;
    asio::co_spawn(context, reading(), asio::detached);
    context.run();
    CHECK(read == 2 * count);
    CHECK(made == 0);
}

TEST_CASE("section 2 group: a frame that a reader waits for allocates nothing on either side once warm", "[group]") {
    Scene scene;
    // The list of frames grows when it holds 512 and 1,024 of them: that is memory of the group, and not a cost of each
    // frame.
    constexpr std::size_t warm = 600;
    constexpr std::size_t count = 1000;
    std::size_t waited = 0;
    std::size_t read = 0;
    std::size_t made = 0;
    const auto reading = [&]() -> asio::awaitable<void> {
        for (;;) {
            auto step = scene.reader.read_frame();
            waited += step.ready() ? 0u : 1u;
            const auto frame = co_await std::move(step);
            if (!frame) {
                break;
            }
            read += frame->payload.size();
        }
    };
    const Bytes text = payload("x");
    const auto writing = [&]() -> asio::awaitable<void> {
        AllocationCount allocations;
        for (std::size_t i = 0; i < count; ++i) {
            if (i == warm) {
                allocations = AllocationCount();
            }
            scene.group.write_frame(text);
            co_await asio::post(asio::use_awaitable);
            co_await asio::post(asio::use_awaitable);
        }
        made = allocations.made();
        scene.group.finish();
    };
    asio::io_context context;
    asio::co_spawn(context, reading(), asio::detached);
    asio::co_spawn(context, writing(), asio::detached);
    context.run();
    CHECK(read == count);
    CHECK(waited >= count);
    CHECK(made == 0);
}

TEST_CASE("group: a frame that its reader has released is found again, under way or complete, until it is gone", "[group]") {
    Origin origin;
    auto track = origin.producer().make_broadcast().create_track("video");
    auto group = track.append_group();
    auto reader = group.consume();
    CHECK_FALSE(reader.frame_there(detail::Passkey()).ready());
    const bool is_cut = GENERATE(true, false);
    auto writer = group.create_frame(is_cut ? 4 : 2);
    CHECK(reader.frame_there(detail::Passkey()).ready());
    auto frame = now(reader.next_frame()).value();
    if (is_cut) {
        writer.write(payload("ab"));
        CHECK(now(frame.read_chunk())->view() == "ab");
    }
    auto place = frame.leave(detail::Passkey());
    CHECK(frame.is_empty());
    CHECK(place == (is_cut ? 2 : 0));
    frame = reader.frame_again(detail::Passkey(), place);
    writer.write(payload("cd"));
    SECTION("under way") { CHECK(now(frame.read_chunk())->view() == "cd"); }
    SECTION("complete") {
        place = frame.leave(detail::Passkey());
        writer.finish();
        group.finish();
        frame = reader.frame_again(detail::Passkey(), place);
        CHECK(now(frame.read_chunk())->view() == "cd");
        CHECK_FALSE(now(frame.read_chunk()).has_value());
        CHECK_FALSE(now(reader.next_frame()).has_value());
    }
    SECTION("gone") {
        place = frame.leave(detail::Passkey());
        group.abort(make_error_code(Error::Old));
        CHECK(reader.frame_again(detail::Passkey(), place).is_empty());
        CHECK(wait(reader.next_frame()).code() == Error::Old);
    }
}

}
