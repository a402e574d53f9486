#include <comoq/group.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "group_scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace group_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

std::vector<std::string> taken(GroupConsumer &reader, std::size_t max) {
    std::vector<std::string> all;
    const auto frames = now(reader.read_frames(max));
    for (const auto &frame : frames.value()) {
        all.emplace_back(frame.payload.view());
    }
    return all;
}

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
