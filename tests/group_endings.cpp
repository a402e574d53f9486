// How groups end, and what their readers and writers are told.
#include <comoq/group.hpp>

#include <cstddef>
#include <optional>
#include <utility>

#include <comoq/broadcast.hpp>

#include "group_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace group_endings_tests {

using namespace comoq;
using namespace comoq::test;
using namespace group_tests;

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

}
