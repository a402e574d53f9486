// Frames that break off, or whose size or timestamp does not fit.
#include <comoq/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "frame_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace frame_faults_tests {

using namespace comoq;
using namespace comoq::test;
using namespace frame_tests;

TEST_CASE("section 6 frame: a write beyond the declared size throws WrongSize and changes nothing", "[frame]") {
    Scene scene;
    auto writer = scene.group.create_frame(4);
    auto frame = *now(scene.reader.next_frame());
    CHECK(error_of([&] { writer.write(payload("abcde")); }) == Error::WrongSize);
    CHECK_FALSE(frame.read_chunk().ready());
    writer.write(payload("abc"));
    CHECK(error_of([&] { writer.write(payload("de")); }) == Error::WrongSize);
    CHECK(chunks(frame) == Words{"abc"});
    writer.write(payload("d"));
    CHECK(error_of([&] { writer.write(payload("e")); }) == Error::WrongSize);
    writer.finish();
    CHECK(now(frame.read_all()).view() == "d");
    scene.group.write_frame(payload("next"));
    CHECK(texts(scene.reader) == Words{"next"});
}

TEST_CASE("section 6 frame: finishing a short frame throws WrongSize and fails the group with it", "[frame]") {
    Scene scene;
    scene.group.write_frame(payload("complete"));
    auto writer = scene.group.create_frame(4);
    auto follower = scene.group.consume();
    CHECK(now(follower.read_frame())->payload.view() == "complete");
    auto frame = *now(follower.next_frame());
    writer.write(payload("abc"));
    auto whole = wait(frame.read_all());
    auto next = wait(follower.read_frame());
    CHECK(error_of([&] { writer.finish(); }) == Error::WrongSize);
    CHECK(whole.code() == Error::WrongSize);
    CHECK(next.code() == Error::WrongSize);
    CHECK(code_now(scene.reader.finished()) == Error::WrongSize);
    CHECK(code_now(scene.reader.read_frame()) == Error::WrongSize);
    CHECK(scene.track.stats().bytes == 0);
    CHECK(error_of([&] { scene.group.write_frame(payload("more")); }) == Error::WrongSize);
    CHECK(error_of([&] { writer.write(payload("d")); }) == Error::WrongSize);
    CHECK(error_of([&] { writer.finish(); }) == Error::WrongSize);
    // The group's failure is not its track's.
    CHECK(scene.track.write_frame(payload("on")) == 1);
}

TEST_CASE("section 6 frame: a dropped frame fails the group with Dropped", "[frame]") {
    Scene scene;
    scene.group.write_frame(payload("complete"));
    std::optional<FrameProducer> writer(scene.group.create_frame(4));
    writer->write(payload("abcd"));
    auto follower = scene.group.consume();
    CHECK(texts(follower) == Words{"complete"});
    auto frame = *now(follower.next_frame());
    auto whole = wait(frame.read_all());
    // All of its bytes have come, but it was not finished.
    writer.reset();
    CHECK(whole.code() == Error::Dropped);
    CHECK(code_now(follower.read_frame()) == Error::Dropped);
    CHECK(error_of([&] { scene.group.write_frame(payload("more")); }) == Error::Dropped);
    CHECK(error_of([&] { scene.group.finish(); }) == Error::Dropped);
    // It is gone with everything that its group held, as by an abort.
    CHECK(code_now(scene.reader.read_frame()) == Error::Dropped);
    CHECK(scene.track.stats().bytes == 0);
}

TEST_CASE("section 6 frame: abort fails the frame and the group with its code, or with Cancelled for a false code", "[frame]") {
    for (const std::error_code code : {app_error(3), std::error_code()}) {
        Scene scene;
        auto writer = scene.group.create_frame(4);
        auto frame = *now(scene.reader.next_frame());
        auto chunk = wait(frame.read_chunk());
        auto next = wait(scene.reader.next_frame());
        writer.abort(code);
        const std::error_code expected = code ? code : make_error_code(Error::Cancelled);
        CHECK(chunk.code() == expected);
        CHECK(next.code() == expected);
        CHECK(code_now(frame.read_all()) == expected);
        CHECK(error_of([&] { writer.write(payload("a")); }) == expected);
        CHECK(error_of([&] { scene.group.write_frame(payload("a")); }) == expected);
        // It has ended: another code changes nothing.
        writer.abort(Error::Timeout);
        CHECK(code_now(scene.reader.read_frame()) == expected);
    }
}

TEST_CASE("section 6 frame: a finished frame is not failed by abort, nor by being dropped", "[frame]") {
    Scene scene;
    {
        auto writer = scene.group.create_frame(2);
        writer.write(payload("ab"));
        writer.finish();
        writer.abort(Error::Timeout);
        CHECK(error_of([&] { writer.write(payload("c")); }) == Error::Closed);
        CHECK(error_of([&] { writer.finish(); }) == Error::Closed);
    }
    scene.group.finish();
    CHECK(texts(scene.reader) == Words{"ab"});
    CHECK(now(scene.reader.read_frame()).has_value() == false);
}

TEST_CASE("section 6 frame: a moved-from producer drops nothing, and assignment drops the previous frame", "[frame]") {
    Scene scene;
    auto writer = scene.group.create_frame(1);
    auto moved = std::move(writer);
    moved.write(payload("a"));
    moved.finish();

    auto other = scene.track.append_group();
    auto second = other.create_frame(1);
    auto reader = other.consume();
    second = std::move(moved);
    CHECK(code_now(reader.read_frame()) == Error::Dropped);
    CHECK(texts(scene.reader) == Words{"a"});
}

TEST_CASE("section 6 frame: a group has one open chunked frame at a time", "[frame]") {
    Scene scene;
    auto writer = scene.group.create_frame(1);
    CHECK(error_of([&] { return scene.group.create_frame(1); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { scene.group.write_frame(payload("x")); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { scene.group.finish(); }) == Error::ProtocolViolation);
    // The refusals have changed nothing.
    writer.write(payload("a"));
    writer.finish();
    scene.group.write_frame(payload("b"));
    scene.group.finish();
    CHECK(texts(scene.reader) == Words{"a", "b"});
}

TEST_CASE("section 6 frame: a size over max_frame_size is FrameTooLarge before anything is allocated", "[frame]") {
    constexpr std::uint64_t largest = 32u << 20;
    Scene scene;
    const AllocationCount warm;
    CHECK(error_of([&] { return scene.group.create_frame(largest + 1); }) == Error::FrameTooLarge);
    const auto thrown = warm.made();
    const auto live = live_bytes();
    const AllocationCount count;
    CHECK(error_of([&] { return scene.group.create_frame(std::uint64_t{1} << 40); }) == Error::FrameTooLarge);
    CHECK(error_of([&] { return scene.group.create_frame(~std::uint64_t{0}); }) == Error::FrameTooLarge);
    CHECK(count.made() <= 2 * thrown);  // Catch2's allocations for a check, and those of throwing
    CHECK(live_bytes() < live + 4096);

    // The group goes on, up to the very limit.
    auto writer = scene.group.create_frame(largest);
    CHECK(live_bytes() < live + 4096);
    auto reader = scene.group.consume();
    CHECK(now(reader.next_frame())->size() == largest);
    writer.abort(Error::Cancelled);
}

TEST_CASE("section 6 frame: a whole payload over max_frame_size is FrameTooLarge and is not written", "[frame]") {
    Scene scene;
    const std::vector<std::byte> large((32u << 20) + 1);
    // A view without an owner: only the pointer is handed over.
    const Bytes view(nullptr, large);
    CHECK(error_of([&] { scene.group.write_frame(view); }) == Error::FrameTooLarge);
    scene.group.write_frame(view.slice(1));
    scene.group.finish();
    CHECK(now(scene.reader.read_frame())->payload.data() == large.data() + 1);
    CHECK(now(scene.reader.read_frame()).has_value() == false);
}

TEST_CASE("section 6 frame: memory follows the received bytes, not the declared size", "[frame]") {
    Scene scene;
    const auto before = live_bytes();
    auto writer = scene.group.create_frame(32u << 20);
    CHECK(live_bytes() < before + 4096);
    for (int i = 0; i < 64; ++i) {
        writer.write(payload(std::size_t{1024}));
    }
    CHECK(live_bytes() < before + 3 * 64 * 1024);
    CHECK(live_bytes() >= before + 64 * 1024);
    writer.abort(Error::Cancelled);
    CHECK(live_bytes() < before + 4096);
}

TEST_CASE("section 6 frame: a timestamp that does not fit is TimestampMismatch and writes nothing", "[frame]") {
    TrackInfo info;
    info.timescale = Timescale(1'000'000);
    Scene scene(info);
    const Timestamp far(Timestamp::max_value, Timescale(1));
    CHECK(error_of([&] { scene.group.write_frame(payload("x"), far); }) == Error::TimestampMismatch);
    CHECK(error_of([&] { return scene.group.create_frame(1, far); }) == Error::TimestampMismatch);
    scene.group.write_frame(payload("on"));
    scene.group.finish();
    CHECK(texts(scene.reader) == Words{"on"});
}

}
