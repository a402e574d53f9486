// SPDX-License-Identifier: MIT
// What MoQ Transport has beside payloads: properties, and gaps in the object ids.
#include <comoq/object_extras.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/frame_log.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/heap.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace object_extras_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using comoq::detail::MediaBounds;
using comoq::detail::MediaCost;

static_assert(sizeof(comoq::detail::StoredFrame) == 40);
static_assert(sizeof(ObjectExtras) == sizeof(void *));

constexpr std::uint64_t highest = (std::uint64_t{1} << 62) - 1;

ObjectExtras with(std::string_view properties, std::uint64_t skipped = 0) { return ObjectExtras(payload(properties), skipped); }

struct Scene {
    explicit Scene(std::size_t max_cached_bytes = OriginConfig().max_cached_bytes) : origin(time.origin(max_cached_bytes)) {
        TrackInfo info;
        info.max_latency = 24h;
        track = broadcast.create_track("video", info);
    }
    std::size_t held() const { return origin.stats().cached_bytes; }

    ManualClock time;
    Origin origin;
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    TrackProducer track;
};

/// Text, properties and object id of each frame that is there.
Words objects(GroupConsumer &reader) {
    Words all;
    while (const auto frame = reader.try_read_frame()) {
        all.push_back(std::string(frame->payload.view()) + " " + std::string(frame->extras.properties().view()) + " " +
                      std::to_string(reader.object_id().value()));
    }
    return all;
}

}  // namespace

TEST_CASE("object extras: nothing is one word and no allocation, and parts compare by content", "[object_extras]") {
    const auto live = live_allocations();
    const ObjectExtras nothing, also_nothing{ObjectExtras::Parts()}, empty{Bytes()};
    CHECK(live_allocations() == live);
    CHECK(nothing.empty());
    CHECK(nothing == also_nothing);
    CHECK(nothing == empty);
    CHECK(nothing.properties().empty());
    CHECK(nothing.skipped() == 0);
    CHECK(nothing.parts().status == ObjectStatus::Normal);
    const auto one = with("ab", 3);
    const auto copy = one;
    CHECK(copy == one);
    CHECK(copy.properties().data() == one.properties().data());
    CHECK(one == with("ab", 3));
    CHECK_FALSE(one == with("ab", 2));
    CHECK_FALSE(one == nothing);
    CHECK(with("ab", 3).properties().view() == "ab");
    CHECK(with("ab", 3).parts().skipped == 3);
    ObjectExtras::Parts parts;
    parts.status = ObjectStatus::EndOfTrack;
    parts.priority = std::uint8_t{200};
    parts.ends_group = true;
    const ObjectExtras marked(parts);
    CHECK_FALSE(marked.empty());
    CHECK(marked.parts() == parts);
}

TEST_CASE("object extras: a frame's extras reach every reader, in every form, and plain frames have none", "[object_extras]") {
    const Scene scene;
    auto group = TrackProducer(scene.track).append_group();
    group.write_frame(payload("a"), {}, with("one"));
    group.write_frame(payload("b"), Timestamp(7, Timescale(1)));
    auto open = group.create_frame(4, Timestamp(8, Timescale(1)), with("three", 2));
    auto reader = group.consume();
    CHECK(now(reader.read_frame())->extras == with("one"));
    const auto plain = now(reader.read_frame()).value();
    CHECK(plain.extras.empty());
    CHECK(plain.timestamp == Timestamp(7, Timescale(1)));
    // Before it is complete.
    auto opened = now(reader.next_frame()).value();
    CHECK(opened.extras() == with("three", 2));
    CHECK(reader.object_id() == 4);
    open.write(payload("cc"));
    open.write(payload("dd"));
    open.finish();
    auto in_one_piece = group.create_frame(1, {}, with("four"));
    in_one_piece.write(payload("e"));
    in_one_piece.finish();
    group.finish();
    CHECK(now(opened.read_all()).view() == "ccdd");
    auto again = group.consume();
    auto all = now(again.read_frames(100)).value();
    REQUIRE(all.size() == 4);
    CHECK(all[0].extras == with("one"));
    CHECK(all[1].extras.empty());
    CHECK(all[2].extras == with("three", 2));
    CHECK(all[2].payload.view() == "ccdd");
    CHECK(all[2].timestamp == Timestamp(8, Timescale(1)));
    CHECK(all[3].extras == with("four"));
    CHECK(all[3].payload.view() == "e");
    CHECK(again.object_id() == 5);
    auto by_index = group.consume();
    CHECK(now(by_index.get_frame(2))->extras == with("three", 2));
    CHECK_FALSE(by_index.object_id().has_value());
    auto whole = now(by_index.next_frame()).value();
    CHECK(whole.extras() == with("one"));
    CHECK(now(whole.read_chunk())->view() == "a");
    CHECK_FALSE(now(whole.read_chunk()).has_value());
    auto subscriber = now(scene.track.consume().subscribe(Wish{.start = 0}));
    CHECK(now(subscriber.read_first_frame())->extras == with("one"));
    auto every = now(scene.track.consume().subscribe(Wish{.start = 0}));
    CHECK(now(every.read_frame())->extras == with("one"));
    CHECK(now(every.read_frame())->extras.empty());
    CHECK(now(every.read_frame())->extras == with("three", 2));
    // Its payload alone.
    CHECK(every.stats().bytes == 6);
}

TEST_CASE("object extras: object ids count from the first, over gaps, in any reader's steps", "[object_extras]") {
    const Scene scene;
    auto group = TrackProducer(scene.track).create_group(3, GroupInfo{.first_object = 10});
    auto early = group.consume();
    CHECK_FALSE(early.object_id().has_value());
    group.write_frame(payload("a"));
    group.write_frame(payload("b"), {}, with("", 5));
    group.write_frame(payload("c"));
    group.write_frame(payload("d"), {}, with("p", 1));
    CHECK(objects(early) == Words{"a  10", "b  16", "c  17", "d p 19"});
    const auto copy = early;
    CHECK(copy.object_id() == 19);
    auto late = group.consume();
    CHECK(late.skip_to(detail::Passkey(), 2));
    CHECK_FALSE(late.object_id().has_value());
    CHECK(late.info_of_rest(detail::Passkey()).first_object == 17);
    CHECK(objects(late) == Words{"c  17", "d p 19"});
    // The first frame can leave out ids, too.
    auto other = TrackProducer(scene.track).create_group(4);
    other.write_frame(payload("x"), {}, with("", 3));
    auto reader = other.consume();
    CHECK(objects(reader) == Words{"x  3"});
    other.abort(Error::Timeout);
    // That of the frame that it has.
    CHECK(reader.object_id() == 3);
    CHECK(GroupConsumer().object_id() == std::nullopt);
    CHECK(GroupConsumer().info() == GroupInfo());
}

TEST_CASE("object extras: ids stay right when a group drops its oldest frames", "[object_extras]") {
    const Scene scene;
    auto group = TrackProducer(scene.track).append_group();
    std::vector<std::uint64_t> ids;
    std::uint64_t id = 0;
    for (std::size_t i = 0; i < 2 * MediaBounds::max_group_frames; ++i) {
        const std::uint64_t skipped = i % 3 == 0 ? i % 5 : 0;
        ids.push_back(id + skipped);
        id += skipped + 1;
        if (skipped != 0)
            group.write_frame(Bytes(), {}, with("", skipped));
        else
            group.write_frame(Bytes());
    }
    auto reader = group.consume();
    CHECK(reader.info_of_rest(detail::Passkey()).first_object == ids[MediaBounds::max_group_frames - 1] + 1);
    bool same = true;
    for (std::size_t i = MediaBounds::max_group_frames; i < ids.size(); ++i) {
        const auto next = reader.try_read_frame();
        same = same && next && reader.object_id() == ids[i];
    }
    CHECK(same);
    CHECK(scene.track.largest() == Location{0, ids.back()});
}

TEST_CASE("object extras: too many properties, and ids that are too high, are refused and change nothing", "[object_extras]") {
    const Scene scene;
    auto group = TrackProducer(scene.track).create_group(0, GroupInfo{.first_object = highest - 2});
    const auto before = scene.held();
    const ObjectExtras long_ones(payload(MediaBounds::max_properties + 1));
    CHECK(error_of([&] { return group.write_frame(payload("a"), {}, long_ones); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { return group.create_frame(1, {}, long_ones); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { return group.write_frame(payload("a"), {}, with("", 3)); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { return group.create_frame(1, {}, with("", ~std::uint64_t{0})); }) == Error::BoundsExceeded);
    std::error_code code;
    group.write_frame(payload("a"), {}, long_ones, code);
    CHECK(code == Error::BoundsExceeded);
    static_cast<void>(group.create_frame(1, {}, long_ones, code));
    CHECK(code == Error::BoundsExceeded);
    CHECK(scene.held() == before);
    group.write_frame(payload("b"), {}, ObjectExtras(payload(MediaBounds::max_properties), 2));
    auto reader = group.consume();
    CHECK(now(reader.read_frame())->payload.view() == "b");
    CHECK(reader.object_id() == highest);
}

TEST_CASE("object extras: properties are charged, bound a group as payload does, and go with it", "[object_extras][memory]") {
    Scene scene;
    {
        auto group = scene.track.append_group();
        group.write_frame(payload("ab"), {}, with("cde"));
        CHECK(scene.held() == MediaCost::group + MediaCost::frame + MediaCost::extras + 5);
        CHECK(scene.track.stats().bytes == 5);
        group.write_frame(payload("ab"), {}, with("", 1));
        CHECK(scene.held() == MediaCost::group + MediaCost::group_objects + 2 * (MediaCost::frame + MediaCost::extras) + 7);
        auto frame = group.create_frame(2, {}, with("fg"));
        const auto open = scene.held();
        frame.abort(Error::Timeout);
        CHECK(open > scene.held());
        CHECK(scene.held() == MediaCost::group + MediaCost::group_objects);
    }
    scene.track.append_group().finish();
    auto group = scene.track.append_group();
    const auto before = scene.held();
    {
        auto frame = group.create_frame(2, {}, with("properties"));
        // Its group fails, and keeps what is complete.
        group = GroupProducer();
        CHECK(scene.held() == before);
    }
    group = scene.track.append_group();
    constexpr std::size_t one = 60'000;
    for (int i = 0; i < 1000; ++i) group.write_frame(Bytes(), {}, ObjectExtras(payload(one)));
    CHECK(scene.held() < MediaBounds::max_group_bytes + 1000 * (MediaCost::frame + MediaCost::extras) + 10'000);
    auto reader = group.consume();
    CHECK(now(reader.get_frame(999))->extras.properties().size() == one);
    scene.track.abort(Error::Cancelled);
    CHECK(scene.held() == 0);
}

TEST_CASE("object extras: they are charged at what they take on the heap", "[object_extras][costs]") {
    if (heap_in_use() == 0) return;
    Scene scene;
    const auto measure = [&](std::uint64_t skipped) {
        auto group = scene.track.append_group();
        group.write_frame(payload("x"), {}, with("y", skipped));
        const auto charged = scene.held();
        const auto before = heap_in_use();
        constexpr int many = 20'000;
        for (int i = 0; i < many; ++i) group.write_frame(payload("x"), {}, with("y", skipped));
        const auto taken = static_cast<double>(heap_in_use() - before) / many;
        const auto counted = static_cast<double>(scene.held() - charged) / many;
        INFO("taken " << taken << ", charged " << counted);
        CHECK(taken <= counted);
        CHECK(taken * 2 > counted);
    };
    measure(0);
    measure(1);
}

TEST_CASE("object extras: with each allocation failing in turn, a write changes nothing and can be repeated", "[object_extras][memory]") {
    if (!allocations_can_fail()) return;
    for (const bool in_chunks : {false, true}) {
        for (std::size_t point = 0;; ++point) {
            INFO("in chunks: " << in_chunks << ", allocation " << point);
            Scene scene;
            auto group = scene.track.append_group();
            group.write_frame(payload("first"));
            const Bytes text = payload("text");
            const auto extras = with("props", 4);
            bool failed = false;
            std::error_code code;
            {
                FailingAllocation failing(point);
                if (in_chunks)
                    static_cast<void>(group.create_frame(4, {}, extras, code));
                else
                    group.write_frame(text, {}, extras, code);
                failed = failing.stop();
            }
            if (!failed) break;
            CHECK(code == std::errc::not_enough_memory);
            if (group.consume().info() != GroupInfo()) FAIL("it changed");
            auto reader = group.consume();
            group.write_frame(text, {}, extras);
            CHECK(objects(reader) == Words{"first  0", "text props 5"});
            scene.track.abort(Error::Cancelled);
            CHECK(scene.held() == 0);
        }
    }
}

TEST_CASE("object extras: a reader knows the id of the frame that it has, also when its group has dropped that", "[object_extras]") {
    const Scene scene;
    auto group = TrackProducer(scene.track).append_group();
    for (int i = 0; i < 20; ++i) group.write_frame(Bytes(), {}, i == 3 ? with("", 100) : ObjectExtras());
    auto single = group.consume(), batch = group.consume(), open = group.consume();
    for (int i = 0; i < 10; ++i) CHECK(now(single.read_frame()).has_value());
    CHECK(now(batch.read_frames(10))->size() == 10);
    for (int i = 0; i < 10; ++i) CHECK(now(open.next_frame()).has_value());
    for (std::size_t i = 0; i < 2 * MediaBounds::max_group_frames; ++i)
        group.write_frame(Bytes(), {}, i == 50 ? with("", 100) : ObjectExtras());
    const auto copy = single;
    CHECK(single.object_id() == 109);
    CHECK(batch.object_id() == 109);
    CHECK(open.object_id() == 109);
    CHECK(copy.object_id() == 109);
    CHECK(wait(single.read_frame()).code() == Error::Lagged);
    CHECK(single.object_id() == 109);
}

TEST_CASE("object extras: no frame gets an id above the highest, with extras or without", "[object_extras]") {
    const Scene scene;
    const auto check_full = [](GroupProducer &group) {
        auto reader = group.consume();
        CHECK(error_of([&] { group.write_frame(payload("b")); }) == Error::BoundsExceeded);
        CHECK(error_of([&] { group.write_frame(payload("b"), {}, with("p")); }) == Error::BoundsExceeded);
        CHECK(error_of([&] { return group.create_frame(1); }) == Error::BoundsExceeded);
        CHECK(error_of([&] { return group.create_frame(1, {}, with("p")); }) == Error::BoundsExceeded);
        CHECK(now(reader.read_frames(100)).has_value());
        CHECK(reader.object_id() == highest);
        CHECK_FALSE(reader.read_frame().ready());
        // The id after it can end the group.
        group.finish(EndMarker{ObjectStatus::EndOfGroup, highest + 1});
    };
    auto by_first = TrackProducer(scene.track).create_group(0, GroupInfo{.first_object = highest});
    by_first.write_frame(payload("a"));
    check_full(by_first);
    auto by_gap = TrackProducer(scene.track).create_group(1);
    by_gap.write_frame(payload("a"), {}, with("", highest));
    check_full(by_gap);
    auto by_open = TrackProducer(scene.track).create_group(2, GroupInfo{.first_object = highest});
    auto open = by_open.create_frame(1);
    open.write(payload("a"));
    open.finish();
    check_full(by_open);
    CHECK(scene.track.largest() == Location{2, highest});
}

TEST_CASE("object extras: a frame that came in one chunk takes what one takes that was written whole", "[object_extras][costs]") {
    Scene scene;
    const auto cost_of = [&](auto write) {
        auto group = scene.track.append_group();
        group.write_frame(payload("x"), {}, with("y", 1));
        const auto held = scene.held();
        const auto heap = heap_in_use();
        constexpr std::size_t many = 10'000;
        for (std::size_t i = 0; i < many; ++i) write(group);
        return std::pair((scene.held() - held) / many, (heap_in_use() - heap) / many);
    };
    const auto whole = cost_of([](GroupProducer &group) { group.write_frame(payload("x"), {}, with("y", 1)); });
    const auto chunked = cost_of([](GroupProducer &group) {
        auto frame = group.create_frame(1, {}, with("y", 1));
        frame.write(payload("x"));
        frame.finish();
    });
    const auto empty = cost_of([](GroupProducer &group) { group.create_frame(0, {}, with("y", 1)).finish(); });
    CHECK(chunked.first == whole.first);
    CHECK(empty.first < whole.first);
    CHECK(chunked.second <= whole.second + 32);
    auto group = scene.track.append_group();
    group.create_frame(0, {}, with("empty", 2)).finish();
    auto reader = group.consume();
    CHECK(objects(reader) == Words{" empty 2"});
}

}
