#include <comoq/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "frame_scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace frame_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

static_assert(!std::is_copy_constructible_v<FrameProducer> && std::is_nothrow_move_constructible_v<FrameProducer>);

TEST_CASE("section 6 frame: next_frame gives a frame that can be read while it is still being written", "[frame]") {
    Scene scene;
    auto next = wait(scene.reader.next_frame());
    CHECK_FALSE(next.done());
    auto writer = scene.group.create_frame(6, Timestamp(40, Timescale(1000)));
    auto frame = *next.value();
    CHECK(frame.size() == 6);
    CHECK(frame.timestamp() == Timestamp(40, Timescale(1000)));

    auto another = scene.group.consume();
    auto followed = *now(another.next_frame());
    auto chunk = wait(frame.read_chunk());
    auto whole = wait(followed.read_all());
    CHECK_FALSE(chunk.done());
    writer.write(payload("ab"));
    CHECK(chunk.value()->view() == "ab");
    CHECK_FALSE(frame.read_chunk().ready());
    writer.write(payload("cdef"));
    CHECK(now(frame.read_chunk())->view() == "cdef");
    // All the bytes are there, but the writer has not finished the frame yet.
    CHECK_FALSE(frame.read_chunk().ready());
    CHECK_FALSE(whole.done());
    writer.finish();
    CHECK(now(frame.read_chunk()) == std::nullopt);
    CHECK(now(frame.read_chunk()) == std::nullopt);
    CHECK(whole.value().view() == "abcdef");
}

TEST_CASE("section 6 frame: many readers read one open frame at different places", "[frame]") {
    Scene scene;
    auto writer = scene.group.create_frame(4);
    std::vector<FrameConsumer> readers;
    for (int i = 0; i < 5; ++i) {
        auto reader = scene.group.consume();
        readers.push_back(*now(reader.next_frame()));
    }
    writer.write(payload("a"));
    CHECK(chunks(readers[0]) == Words{"a"});
    writer.write(payload("b"));
    CHECK(chunks(readers[1]) == Words{"a", "b"});
    auto waiting = wait(readers[1].read_chunk());
    writer.write(payload("c"));
    CHECK(waiting.value()->view() == "c");
    CHECK(chunks(readers[0]) == Words{"b", "c"});
    writer.write(payload("d"));
    writer.finish();
    CHECK(chunks(readers[0]) == Words{"d"});
    CHECK(chunks(readers[1]) == Words{"d"});
    CHECK(chunks(readers[2]) == Words{"a", "b", "c", "d"});
    CHECK(chunks(readers[3]) == Words{"a", "b", "c", "d"});
    CHECK(now(readers[0].read_chunk()) == std::nullopt);
    CHECK(now(readers[3].read_chunk()) == std::nullopt);
    // No reader has moved another.
    CHECK(now(readers[4].read_chunk())->view() == "a");
    CHECK(now(readers[4].read_all()).view() == "bcd");
    // A reader that comes when everything is over gets it as well, in one piece since it was joined.
    auto late = *now(scene.reader.next_frame());
    CHECK(chunks(late) == Words{"abcd"});
}

TEST_CASE("section 8 frame: read_all gives what has not been read yet", "[frame]") {
    for (const bool in_one_piece : {false, true}) {
        Scene scene;
        std::optional<FrameProducer> writer;
        if (in_one_piece) {
            scene.group.write_frame(payload("abcdef"));
        } else {
            writer = scene.group.create_frame(6);
            writer->write(payload("ab"));
        }
        auto frame = *now(scene.reader.next_frame());
        auto whole = *now(scene.group.consume().next_frame());
        const auto first = now(frame.read_chunk())->size();
        if (writer) {
            writer->write(payload("cd"));
            writer->write(payload("ef"));
            writer->finish();
        }
        CHECK(now(frame.read_all()).view() == std::string_view("abcdef").substr(first));
        CHECK(now(frame.read_all()).empty());
        CHECK(chunks(frame).empty());
        // Each reader has its own place.
        CHECK(now(whole.read_all()).view() == "abcdef");
        CHECK(now(whole.read_chunk()) == std::nullopt);
    }
}

TEST_CASE("section 6 frame: every reader gets the writer's own bytes, without a copy", "[frame]") {
    Scene scene;
    std::string buffer(100, 'x');
    const auto *const written_at = reinterpret_cast<const std::byte *>(buffer.data());
    scene.group.write_frame(Bytes(std::move(buffer)));

    auto writer = scene.group.create_frame(300);
    std::vector<std::byte> first(100, std::byte{1});
    std::vector<std::byte> second(200, std::byte{2});
    const std::byte *const first_at = first.data();
    const std::byte *const second_at = second.data();
    writer.write(Bytes(std::move(first)));
    writer.write(Bytes(std::move(second)));
    writer.finish();

    auto follower = scene.group.consume();
    static_cast<void>(now(follower.next_frame()));
    auto in_chunks = *now(follower.next_frame());
    CHECK(now(in_chunks.read_chunk())->data() == first_at);
    CHECK(now(in_chunks.read_chunk())->data() == second_at);

    auto one = scene.group.create_frame(50);
    const Bytes single = payload(std::size_t{50});
    one.write(single);
    one.finish();

    auto subscriber = now(scene.track.consume().subscribe());
    CHECK(now(subscriber.read_frame())->payload.data() == written_at);
    const std::byte *joined_at = nullptr;
    for (int i = 0; i < 3; ++i) {
        auto reader = scene.group.consume();
        CHECK(now(reader.get_frame(0))->payload.data() == written_at);
        auto many = scene.group.consume();
        CHECK(now(many.read_frames(9))->front().payload.data() == written_at);
        auto whole = *now(reader.next_frame());
        CHECK(now(whole.read_all()).data() == written_at);
        auto frame = *now(reader.next_frame());
        // Chunks are joined once, for all readers that want the frame in one piece, and it is held in one piece from
        // then on.
        const Bytes joined = now(frame.read_all());
        CHECK(joined.size() == 300);
        CHECK((joined_at == nullptr || joined.data() == joined_at));
        joined_at = joined.data();
        CHECK(now(reader.get_frame(1))->payload.data() == joined_at);
        CHECK(now(reader.read_frame())->payload.data() == single.data());
    }
}

TEST_CASE("section 6 frame: a write from a span copies once, and the writer's buffer may change", "[frame]") {
    Scene scene;
    std::string buffer = "abcd";
    auto writer = scene.group.create_frame(4);
    writer.write(bytes_of(buffer));
    buffer = "wxyz";
    writer.finish();
    auto other = scene.group.consume();
    const Bytes seen = now(scene.reader.read_frame())->payload;
    CHECK(seen.view() == "abcd");
    CHECK(now(other.read_frame())->payload.data() == seen.data());
}

TEST_CASE("section 6 frame: bytes that a reader was given stay valid when everything else is gone", "[frame]") {
    Bytes whole;
    std::optional<Bytes> chunk;
    {
        Scene scene;
        scene.group.write_frame(payload("complete"));
        auto writer = scene.group.create_frame(9);
        whole = now(scene.reader.read_frame())->payload;
        auto frame = *now(scene.reader.next_frame());
        writer.write(payload("begun"));
        chunk = now(frame.read_chunk());
        scene.track.abort(Error::Evicted);
    }
    CHECK(whole.view() == "complete");
    CHECK(chunk->view() == "begun");
}

TEST_CASE("section 6 frame: a frame can be read when its group's other handles are gone", "[frame]") {
    std::optional<FrameConsumer> frame;
    {
        Scene scene;
        auto writer = scene.group.create_frame(2);
        frame = now(scene.reader.next_frame());
        writer.write(payload("a"));
        writer.write(payload("b"));
        writer.finish();
        scene.group.finish();
    }
    CHECK(now(frame->read_chunk())->view() == "a");
    CHECK(now(frame->read_all()).view() == "b");
}

TEST_CASE("section 6 frame: a frame may be empty", "[frame]") {
    Scene scene;
    auto writer = scene.group.create_frame(0);
    auto frame = *now(scene.reader.next_frame());
    CHECK_FALSE(frame.read_chunk().ready());
    writer.write(Bytes());
    CHECK_FALSE(frame.read_chunk().ready());
    CHECK(error_of([&] { writer.write(payload("a")); }) == Error::WrongSize);
    writer.finish();
    CHECK(now(frame.read_chunk()) == std::nullopt);
    CHECK(now(frame.read_all()).empty());
    scene.group.write_frame(Bytes());
    CHECK(texts(scene.reader) == Words{""});
    auto again = scene.group.consume();
    CHECK(texts(again) == Words{"", ""});
}

TEST_CASE("section 6 frame: timestamps are converted to the track's timescale, truncating", "[frame]") {
    TrackInfo info;
    info.timescale = Timescale(90'000);
    Scene scene(info);
    const auto check = [&scene](Timestamp given, std::uint64_t expected) {
        scene.group.write_frame(payload("x"), given);
        const auto frame = *now(scene.reader.read_frame());
        CHECK(frame.timestamp.value() == expected);
        CHECK(frame.timestamp.scale() == Timescale(90'000));
        auto writer = scene.group.create_frame(0, given);
        auto chunked = *now(scene.reader.next_frame());
        CHECK(chunked.timestamp().value() == expected);
        CHECK(chunked.timestamp().scale() == Timescale(90'000));
        writer.finish();
    };
    check(Timestamp(), 0);
    check(Timestamp(1, Timescale(1)), 90'000);
    check(Timestamp(40, Timescale(1000)), 3600);
    check(Timestamp(1, Timescale(1'000'000)), 0);
    check(Timestamp(11, Timescale(1'000'000)), 0);
    check(Timestamp(12, Timescale(1'000'000)), 1);
    check(Timestamp(Timestamp::max_value, Timescale(90'000)), Timestamp::max_value);
}

TEST_CASE("section 2 frame: a chunk step that is destroyed or cancelled, even a ready one, consumes nothing",
          "[frame]") {
    Scene scene;
    auto writer = scene.group.create_frame(2);
    auto frame = *now(scene.reader.next_frame());
    {
        auto waiting = wait(frame.read_chunk());
        waiting.cancel();
        CHECK(waiting.code() == asio::error::operation_aborted);
    }
    writer.write(payload("a"));
    {
        auto ready = frame.read_chunk();
        CHECK(ready.ready());
    }
    CHECK(chunks(frame) == Words{"a"});
    writer.write(payload("b"));
    CHECK(chunks(frame) == Words{"b"});
    writer.finish();
}

TEST_CASE("section 2 frame: steps outlive the handles they were made from", "[frame]") {
    Scene scene;
    auto writer = scene.group.create_frame(3);
    std::optional<FrameConsumer> frame = now(scene.reader.next_frame());
    auto chunk = frame->read_chunk();
    auto whole = frame->read_all();
    frame.reset();
    writer.write(payload("a"));
    writer.write(payload("bc"));
    writer.finish();
    CHECK(now(std::move(chunk))->view() == "a");
    CHECK(now(std::move(whole)).view() == "bc");
}

}
