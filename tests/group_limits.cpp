// Groups at their bounds, and what a step takes, costs and leaves.
#include <comoq/group.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/broadcast.hpp>

#include "group_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace group_limits_tests {

using namespace comoq;
using namespace comoq::test;
using namespace group_tests;

namespace {

constexpr std::size_t most_frames = 32'768;

}  // namespace

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

}
