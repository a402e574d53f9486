// As out_of_memory.cpp: the calls of tracks and groups.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <string>
#include <utility>

#include <comoq/comoq.hpp>

#include "histories/said.hpp"
#include "out_of_memory_world.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace out_of_memory_media_tests {

using namespace comoq;
using namespace comoq::test;
using namespace out_of_memory_tests;

namespace {

void ask_for_track(World &world) {
    world.track_handler.emplace(world.broadcast->dynamic());
    world.follow_one(world.broadcast->consume().track("a track with a name that is not short").subscribe());
}

void ask_for_group(World &world) {
    world.group_handler.emplace(world.track->dynamic());
    world.follow_one(world.track->consume().fetch_group(7));
}

/// Three frames, of which the second came in chunks. Nobody else reads them: another reader would join them first.
void write_in_chunks(World &world) {
    world.other_group.emplace(world.track->append_group());
    world.other_group->write_frame(payload("one"));
    auto frame = world.other_group->create_frame(8);
    frame.write(payload("tw"));
    frame.write(payload("o, and"));
    frame.finish();
    world.other_group->write_frame(payload("three"));
    world.reader.emplace(world.other_group->consume());
    CHECK(now(world.reader->read_frame())->payload.view() == "one");
}

}  // namespace

TEST_CASE("out of memory: tracks are made, asked for and answered completely or not at all", "[memory][faults]") {
    constexpr auto name = "a track with a name that is not short";
    const auto create = [](World &world) { return world.broadcast->create_track(name); };
    CHECK(fail_each_allocation(create) > 0);
    CHECK(fail_each_allocation(ask_for_track, create) > 0);
    CHECK(fail_each_allocation([](World &world) { return world.broadcast->unique_track(".with a long suffix"); }) > 0);
    const auto insert = [](World &world) {
        world.broadcast->insert_track(world.other.consume().track(name));
        return 0;
    };
    const auto elsewhere = [](World &world) {
        ask_for_track(world);
        world.more_tracks.push_back(world.other.create_track(name));
    };
    CHECK(fail_each_allocation(elsewhere, insert) > 0);
    const auto track = [](World &world) { return world.broadcast->consume().track(name); };
    CHECK(fail_each_allocation(track) > 0);
    const auto handled = [](World &world) { world.track_handler.emplace(world.broadcast->dynamic()); };
    const auto asked = [](World &world) { ask_for_track(world); };
    for (const auto &prepare : {std::function<void(World &)>(handled), std::function<void(World &)>(asked)}) {
        CHECK(fail_each_allocation(prepare, [&](World &world) { return track(world).subscribe(); }) > 0);
        CHECK(fail_each_allocation(prepare, [&](World &world) { return track(world).info(); }) > 0);
        CHECK(fail_each_allocation(prepare, [&](World &world) { return track(world).fetch_group(3); }) > 0);
    }
    fail_each_allocation(ask_for_track, [](World &world) {
              return take(world.track_handler->requested_track());
          });
    const auto to_answer = [](World &world) {
        ask_for_track(world);
        world.track_request.emplace(std::move(*now(world.track_handler->requested_track())));
        world.follow_one(world.track_request->abandoned());
    };
    CHECK(fail_each_allocation(to_answer, [](World &world) { return world.track_request->accept(World::info()); }) > 0);
    fail_each_allocation(to_answer, [](World &world) { return world.track_request->reject(Error::Old); });
    fail_each_allocation(to_answer, [](World &world) { return world.track_request->dynamic(); });
}

TEST_CASE("out of memory: groups, frames and datagrams are written completely or not at all", "[memory][faults]") {
    CHECK(fail_each_allocation(subscribe_one, [](World &world) { return world.track->append_group(); }) > 0);
    CHECK(fail_each_allocation(subscribe_one, [](World &world) { return world.track->create_group(40); }) > 0);
    CHECK(fail_each_allocation(subscribe_one, [](World &world) {
              return world.track->create_group(40, GroupInfo{.subgroup = 2});
          }) > 0);
    CHECK(fail_each_allocation(ask_for_group, [](World &world) { return world.track->create_group(7); }) > 0);
    CHECK(fail_each_allocation(subscribe_one, [](World &world) { return world.track->write_frame(payload("text")); }) > 0);
    CHECK(fail_each_allocation(subscribe_one, [](World &world) { return world.track->append_datagram(payload("text")); }) > 0);
    // With gaps, so that each number takes memory.
    const auto gaps = [](World &world) {
        subscribe_one(world);
        for (std::uint64_t number = 2; number < 20; number += 2) {
            world.track->create_group(number).finish();
        }
    };
    CHECK(fail_each_allocation(gaps, [](World &world) { return world.track->create_group(101); }) > 0);
    CHECK(fail_each_allocation(gaps, [](World &world) {
              world.track->insert_datagram(Datagram{103, {}, payload("text")});
              return 0;
          }) > 0);
    CHECK(fail_each_allocation(write_group, [](World &world) {
              world.group->write_frame(payload("another one"));
              return 0;
          }) > 0);
    CHECK(fail_each_allocation(write_group, [](World &world) { return world.group->create_frame(8); }) > 0);
    const auto begun = [](World &world) {
        write_group(world);
        world.group->write_frame(payload("four"));  // which is all that there was room for
        world.frame.emplace(world.group->create_frame(8));
        world.frame->write(payload("five"));
        world.follow_one(world.reader->get_frame(4));
    };
    const auto chunk = [](World &world) {
        world.frame->write(payload("more"));
        return 0;
    };
    CHECK(fail_each_allocation(begun, chunk) > 0);
    const auto complete = [begun, chunk](World &world) {
        begun(world);
        chunk(world);
    };
    CHECK(fail_each_allocation(complete, [](World &world) {
              world.frame->finish();
              return 0;
          }) > 0);
}

TEST_CASE("out of memory: a group at its bound drops its oldest frames only for frames that are written", "[memory][faults]") {
    // The bytes are the same for all of them, and take no room of their own.
    static const Bytes large(std::string(std::size_t{8} << 20, 'x'));
    const auto full = [](World &world) {
        world.group.emplace(world.track->append_group());
        for (int i = 0; i < 4; ++i) {
            world.group->write_frame(large);
        }
    };
    CHECK(fail_each_allocation(full, [](World &world) {
              world.group->write_frame(large);
              return 0;
          }) > 0);
    const auto begun = [full](World &world) {
        full(world);
        world.frame.emplace(world.group->create_frame(3 * large.size()));
        world.frame->write(large);
    };
    CHECK(fail_each_allocation(begun, [](World &world) {
              world.frame->write(large);
              return 0;
          }) > 0);
}

TEST_CASE("out of memory: an item that a reader did not get is there for its next step", "[memory][faults]") {
    const auto groups = [](World &world) {
        subscribe_one(world);
        world.track->create_group(3).finish();
        world.track->create_group(1).finish();
        world.track->append_datagram(payload("text"));
    };
    CHECK(fail_each_allocation(groups, [](World &world) { return take(world.subscriber->next_group()); }) > 0);
    CHECK(fail_each_allocation(groups, [](World &world) { return take(world.subscriber->recv_group()); }) > 0);
    fail_each_allocation(groups, [](World &world) { return take(world.subscriber->recv_datagram()); });
    const auto lane = [](World &world) {
        subscribe_one(world);
        world.group.emplace(world.track->create_group(1, GroupInfo{.subgroup = 2}));
        world.group->write_frame(payload("one"));
    };
    CHECK(fail_each_allocation(lane, [](World &world) { return take(world.subscriber->recv_group()); }) > 0);
    CHECK(fail_each_allocation(groups, [](World &world) { return world.subscriber->get_group(3); }) > 0);
    CHECK(fail_each_allocation(groups, [](World &world) { return world.track->consume().get_group(3); }) > 0);
    CHECK(fail_each_allocation(groups, [](World &world) { return take(world.track->consume().fetch_group(3)); }) > 0);
    CHECK(fail_each_allocation(groups, [](World &world) { return world.track->consume().subscribe(); }) > 0);
    CHECK(fail_each_allocation(groups, [](World &world) { return take(world.track->subscription_changed()); }) > 0);

    fail_each_allocation(write_group, [](World &world) { return take(world.reader->read_frame()); });
    CHECK(fail_each_allocation(write_group, [](World &world) { return take(world.reader->read_frames(2)); }) > 0);
    fail_each_allocation(write_group, [](World &world) { return take(world.reader->get_frame(1)); });
    CHECK(fail_each_allocation(write_group, [](World &world) { return take(world.reader->next_frame()); }) > 0);
    CHECK(fail_each_allocation(write_group, [](World &world) { return GroupConsumer(*world.reader); }) > 0);

    // A frame that came in chunks is joined for its reader.
    CHECK(fail_each_allocation(write_in_chunks, [](World &world) { return take(world.reader->read_frame()); }) > 0);
    CHECK(fail_each_allocation(write_in_chunks, [](World &world) { return take(world.reader->read_frames(9)); }) > 0);
    CHECK(fail_each_allocation(write_in_chunks, [](World &world) { return take(world.reader->get_frame(1)); }) > 0);
    CHECK(fail_each_allocation(write_in_chunks, [](World &world) { return take(world.reader->next_frame()); }) > 0);
    const auto reading = [](World &world) {
        write_in_chunks(world);
        world.frame_reader.emplace(std::move(*now(world.reader->next_frame())));
    };
    CHECK(fail_each_allocation(reading, [](World &world) { return take(world.frame_reader->read_all()); }) > 0);
    fail_each_allocation(reading, [](World &world) { return take(world.frame_reader->read_chunk()); });
    const auto first = [](World &world) {
        subscribe_one(world);
        write_in_chunks(world);
        auto group = world.track->append_group();
        auto frame = group.create_frame(6);
        frame.write(payload("fo"));
        frame.write(payload("ur, "));
        frame.finish();
        world.subscriber->start_at(1);
    };
    CHECK(fail_each_allocation(first, [](World &world) { return take(world.subscriber->read_frame()); }) > 0);
}

TEST_CASE("out of memory: groups are asked for and answered completely or not at all", "[memory][faults]") {
    const auto handled = [](World &world) { world.group_handler.emplace(world.track->dynamic()); };
    const auto fetch = [](World &world) { return world.track->consume().fetch_group(7); };
    CHECK(fail_each_allocation(handled, fetch) > 0);
    CHECK(fail_each_allocation(ask_for_group, fetch) > 0);
    fail_each_allocation(ask_for_group, [](World &world) {
              return take(world.group_handler->requested_group());
          });
    const auto to_answer = [](World &world) {
        ask_for_group(world);
        world.group_request.emplace(std::move(*now(world.group_handler->requested_group())));
        world.follow_one(world.group_request->abandoned());
    };
    CHECK(fail_each_allocation(to_answer, [](World &world) { return world.group_request->accept(); }) > 0);
    fail_each_allocation(to_answer, [](World &world) { return world.group_request->reject(Error::Old); });
}

TEST_CASE("out of memory: the first answer for a group fixes the track's info only if it succeeds", "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    TrackInfo first, second;
    first.priority = 7;
    second.priority = 9;
    for (std::size_t after = 0, failed = 1; failed != 0; ++after) {
        INFO("with allocation " << after << " failing");
        BroadcastProducer broadcast;
        auto tracks = broadcast.dynamic();
        auto fetch = broadcast.consume().track("video").fetch_group(3);
        auto track = std::move(*now(tracks.requested_track()));
        auto groups = track.dynamic();
        auto group = std::move(*now(groups.requested_group()));
        bool refused = false;
        {
            FailingAllocation failing(after);
            try {
                [[maybe_unused]] const auto writer = group.accept(first);
            } catch (const std::bad_alloc &) {
                refused = true;
            }
            failed = failing.stop() ? 1 : 0;
        }
        const auto live = track.accept(second);
        CHECK(live.info().priority == (refused ? 9 : 7));
        if (refused) {
            CHECK_FALSE(fetch.ready());
        } else {
            CHECK(now(std::move(fetch)).sequence() == 3);
        }
    }
}

}
