// SPDX-License-Identifier: MIT
// Groups that begin in the middle, and the object that ends one.
#include <comoq/group_info.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/track.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"

namespace group_info_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr std::uint64_t highest = (std::uint64_t{1} << 62) - 1;
constexpr GroupInfo from_the_middle{.first_object = 5, .is_partial = true};

struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    TrackConsumer reader = track.consume();
};

}  // namespace

TEST_CASE("group info: a group has what it was made with, for every reader", "[group_info]") {
    Scene scene;
    const GroupInfo info{.subgroup = 0, .priority = std::uint8_t{7}, .first_object = 5, .is_partial = true, .ends_group = false};
    auto group = scene.track.create_group(3, info);
    CHECK(group.sequence() == 3);
    group.write_frame(payload("a"));
    CHECK(group.consume().info() == info);
    CHECK(scene.reader.get_group(3)->info() == info);
    auto subscriber = now(scene.reader.subscribe());
    auto first = now(subscriber.next_group()).value();
    CHECK(first.info() == info);
    CHECK(now(first.read_frame())->payload.view() == "a");
    CHECK(first.object_id() == 5);
    CHECK(scene.track.append_group().consume().info() == GroupInfo());
    CHECK(error_of([&] { return scene.track.create_group(3, GroupInfo()); }) == Error::Duplicate);
    std::error_code code;
    static_cast<void>(scene.track.create_group(3, info, code));
    CHECK(code == Error::Duplicate);
    CHECK(error_of([&] { return scene.track.create_group(9, GroupInfo{.first_object = highest + 1}); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { return scene.track.create_group(9, GroupInfo{.subgroup = highest + 1}); }) == Error::BoundsExceeded);
    CHECK(scene.track.latest() == 4);
}

TEST_CASE("group info: a fetch of a group that begins in the middle asks for the whole of it", "[group_info]") {
    Scene scene;
    auto handler = scene.track.dynamic();
    auto part = scene.track.create_group(3, from_the_middle);
    part.write_frame(payload("late"));
    auto fetching = wait(scene.reader.fetch_group(3));
    auto again = wait(scene.reader.fetch_group(3));
    CHECK_FALSE(fetching.done());
    auto request = now(handler.requested_group()).value();
    CHECK(request.sequence() == 3);
    // A part does not answer it.
    CHECK(error_of([&] { return scene.track.create_group(3, from_the_middle); }) == Error::Duplicate);
    auto whole = request.accept();
    whole.write_frame(payload("early"));
    CHECK(now(fetching.value().read_frame())->payload.view() == "early");
    CHECK(again.done());
    // From now on it is what `get_group` and fetches find; subscribers have the part.
    CHECK(scene.reader.get_group(3)->info() == GroupInfo());
    CHECK(now(scene.reader.fetch_group(3)).info() == GroupInfo());
    auto subscriber = now(scene.reader.subscribe(Wish{.start = 3}));
    CHECK(now(subscriber.next_group())->info() == from_the_middle);
}

TEST_CASE("group info: a group from the middle that comes does not answer a fetch, and is better than nothing", "[group_info]") {
    Scene scene;
    std::optional handler = scene.track.dynamic();
    auto fetching = wait(scene.reader.fetch_group(3));
    auto part = scene.track.create_group(3, from_the_middle);
    part.write_frame(payload("late"));
    CHECK_FALSE(fetching.done());
    {
        auto request = now(handler->requested_group()).value();
        CHECK(request.reject(Error::Timeout));
    }
    CHECK(fetching.code() == Error::Timeout);
    handler.reset();
    auto rest = now(scene.reader.fetch_group(3));
    CHECK(rest.info() == from_the_middle);
    CHECK(now(rest.read_frame())->payload.view() == "late");
    // A fetch that fails is not better.
    handler = scene.track.dynamic();
    auto failing = wait(scene.reader.fetch_group(3));
    now(handler->requested_group())->accept().abort(Error::Old);
    CHECK(failing.done());
    CHECK(scene.reader.get_group(3)->info() == from_the_middle);
    handler.reset();
    // Not once its frames are gone.
    part.abort(Error::Timeout);
    CHECK(wait(scene.reader.fetch_group(3)).code() == Error::NotFound);
}

TEST_CASE("group info: a fetched group can begin in the middle, too, and is fetched again then", "[group_info]") {
    Scene scene;
    auto handler = scene.track.dynamic();
    auto fetching = wait(scene.reader.fetch_group(3));
    auto part = now(handler.requested_group())->accept({}, from_the_middle);
    part.write_frame(payload("late"));
    CHECK(fetching.value().info() == from_the_middle);
    auto again = wait(scene.reader.fetch_group(3));
    CHECK_FALSE(again.done());
    auto whole = now(handler.requested_group())->accept();
    whole.write_frame(payload("early"));
    CHECK(now(again.value().read_frame())->payload.view() == "early");
    CHECK(now(scene.reader.fetch_group(3)).info() == GroupInfo());
}

TEST_CASE("group info: latest, the live edge and late readers treat a group from the middle like any other", "[group_info]") {
    Scene scene;
    scene.track.write_frame(payload("0"));
    auto part = scene.track.create_group(4, from_the_middle);
    CHECK(scene.track.latest() == 4);
    auto subscriber = now(scene.reader.subscribe());
    part.write_frame(payload("a"));
    CHECK(now(subscriber.read_frame())->payload.view() == "a");
    auto late = now(scene.reader.subscribe());
    CHECK(now(late.read_first_frame())->payload.view() == "a");
    auto group = now(late.recv_group()).value();
    CHECK(group.sequence() == 4);
    CHECK(now(group.read_frames(9))->size() == 1);
    CHECK(group.object_id() == 5);
    part.finish();
    CHECK(now(group.finished()) == 1);
    CHECK_FALSE(now(group.read_frame()).has_value());
}

TEST_CASE("group info: an object that ends a group tells where, and must not deny frames", "[group_info]") {
    Scene scene;
    auto group = scene.track.append_group();
    auto reader = group.consume();
    group.write_frame(payload("a"));
    group.write_frame(payload("b"), {}, ObjectExtras(Bytes(), 3));
    CHECK(error_of([&] { return group.finish(EndMarker{ObjectStatus::EndOfGroup, 4}); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { return group.finish(EndMarker{ObjectStatus::EndOfGroup, highest + 2}); }) == Error::ProtocolViolation);
    CHECK_FALSE(reader.end_marker().has_value());
    std::error_code code;
    group.finish(EndMarker{ObjectStatus::EndOfTrack, 9}, code);
    CHECK_FALSE(code);
    CHECK(reader.end_marker() == EndMarker{ObjectStatus::EndOfTrack, 9});
    CHECK(now(reader.read_frames(9))->size() == 2);
    CHECK_FALSE(now(reader.read_frame()).has_value());
    CHECK(now(reader.finished()) == 2);
    group.finish(EndMarker{ObjectStatus::EndOfGroup, 9}, code);
    CHECK(code == Error::Closed);
    auto plain = scene.track.append_group();
    plain.finish();
    CHECK_FALSE(plain.consume().end_marker().has_value());
    CHECK(plain.consume().info() == GroupInfo());
    auto busy = scene.track.append_group();
    const auto open = busy.create_frame(1);
    CHECK(error_of([&] { return busy.finish(EndMarker{ObjectStatus::EndOfGroup, 9}); }) == Error::ProtocolViolation);
    CHECK_FALSE(GroupConsumer().end_marker().has_value());
}

TEST_CASE("group info: with each allocation failing in turn, making and ending such a group changes nothing", "[group_info][memory]") {
    if (!allocations_can_fail()) return;
    for (std::size_t point = 0;; ++point) {
        INFO("allocation " << point);
        Scene scene;
        std::error_code code;
        bool failed = false;
        {
            FailingAllocation failing(point);
            const auto group = scene.track.create_group(3, from_the_middle, code);
            failed = failing.stop();
        }
        if (!failed) break;
        CHECK(code == std::errc::not_enough_memory);
        CHECK_FALSE(scene.track.latest().has_value());
        CHECK(scene.track.stats().groups == 0);
        CHECK(scene.track.create_group(3, from_the_middle).consume().info() == from_the_middle);
    }
    Scene scene;
    auto group = scene.track.append_group();
    std::error_code code;
    FailingAllocation failing(0);
    group.finish(EndMarker{ObjectStatus::EndOfGroup, 9}, code);
    REQUIRE(failing.stop());
    CHECK(code == std::errc::not_enough_memory);
    group.write_frame(payload("on"));
    group.finish(EndMarker{ObjectStatus::EndOfGroup, 9});
    CHECK(group.consume().end_marker() == EndMarker{ObjectStatus::EndOfGroup, 9});
}

TEST_CASE("group info: of a written and a fetched group the better one is found, and the written one of two alike", "[group_info]") {
    // What may become of each: whole, ended early with its frames, and without.
    enum class Fate { Whole, Partial, Dropped, Aborted };
    const auto worth = [](Fate fate) { return fate == Fate::Whole ? 2 : fate == Fate::Aborted ? 0 : 1; };
    const auto fates = {Fate::Whole, Fate::Partial, Fate::Dropped, Fate::Aborted};
    for (const Fate written : fates) {
        for (const Fate fetched : fates) {
            INFO("written " << static_cast<int>(written) << ", fetched " << static_cast<int>(fetched));
            Scene scene;
            std::optional handler = scene.track.dynamic();
            auto make = [](GroupProducer &group, Fate fate, std::string_view text) {
                group.write_frame(payload(text));
                if (fate == Fate::Dropped) group = GroupProducer();
                if (fate == Fate::Aborted) group.abort(Error::Timeout);
            };
            const auto info_of = [](Fate fate) { return fate == Fate::Partial ? from_the_middle : GroupInfo(); };
            // Asked for before the written one comes, which is partial until then, so that there are both.
            auto part = scene.track.create_group(3, GroupInfo{.first_object = 1, .is_partial = written != Fate::Whole});
            auto fetching = wait(scene.reader.fetch_group(3));
            if (written == Fate::Whole) {
                // Nobody is asked.
                CHECK(fetching.done());
                continue;
            }
            auto copy = now(handler->requested_group())->accept({}, info_of(fetched));
            make(part, written, "written");
            make(copy, fetched, "fetched");
            const bool is_fetched = worth(written) < worth(fetched);
            const bool is_there = worth(written) != 0 || worth(fetched) != 0;
            handler.reset();
            auto found = scene.reader.get_group(3);
            auto again = wait(scene.reader.fetch_group(3));
            if (!is_there) {
                if (found) CHECK(wait(found->read_frame()).code() == Error::Timeout);
                CHECK(again.code() == Error::NotFound);
                continue;
            }
            REQUIRE(found.has_value());
            const std::string_view text = is_fetched ? "fetched" : "written";
            CHECK(now(found->read_frame())->payload.view() == text);
            CHECK(now(again.value().read_frame())->payload.view() == text);
        }
    }
}

TEST_CASE("group info: the rest of a group is partial, unless nothing of it is missing", "[group_info]") {
    Scene scene;
    auto group = scene.track.append_group();
    for (std::size_t i = 0; i < detail::MediaBounds::max_group_frames; ++i) group.write_frame(Bytes());
    auto first = group.consume();
    CHECK(first.info_of_rest(detail::Passkey()) == GroupInfo());
    CHECK(now(first.read_frame()).has_value());
    CHECK(first.info_of_rest(detail::Passkey()) == GroupInfo{.first_object = 1, .is_partial = true});
    for (int i = 0; i < 7; ++i) group.write_frame(Bytes());
    const auto late = group.consume();
    CHECK(late.info_of_rest(detail::Passkey()) == GroupInfo{.first_object = 7, .is_partial = true});
    // What its own info says, and what it has read, stay when its frames have gone.
    group.abort(Error::Timeout);
    CHECK(first.info_of_rest(detail::Passkey()) == GroupInfo{.first_object = 1, .is_partial = true});
}

}
