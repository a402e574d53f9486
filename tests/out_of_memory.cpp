// Every call of the core, with each of its allocations failing in turn: it changes nothing, can be repeated, loses no
// memory, and every waiter is told what it must be told.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#include <comoq/comoq.hpp>

#include "histories/said.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"
#include "support/origin_fixture.hpp"
#include "support/plain_task.hpp"
#include "support/received.hpp"

using namespace comoq;
using namespace comoq::test;

namespace comoq::test {

static std::string said(const Announcement &change) { return text_of(change); }
static std::string said(const BroadcastRequest &request) {
    return "request " + std::string(request.path().view()) + " " + std::string(request.absolute_path().view());
}
static std::string said(const TrackRequest &request) { return "request " + request.name(); }
static std::string said(const GroupRequest &request) { return "request " + std::to_string(request.sequence()); }
static std::string said(const Datagram &datagram) { return "datagram " + std::string(datagram.payload.view()); }
static std::string said(const Bytes &bytes) { return "bytes " + std::string(bytes.view()); }
static std::string said(const std::optional<Subscription> &wishes) {
    return wishes ? "priority " + std::to_string(wishes->priority) : "nobody";
}

}  // namespace comoq::test

namespace {

template <class T> std::string said_of(const T &value) { return comoq::test::said(value); }
template <class T> std::string said_of(const std::optional<T> &value) { return value ? said_of(*value) : "end"; }
std::string said_of(const std::optional<Subscription> &value) { return comoq::test::said(value); }

void throw_if_out_of_memory(std::error_code code) {
    if (code == std::errc::not_enough_memory) {
        throw std::bad_alloc();
    }
}

/// The outcome of an operation that need not wait, or nothing if it must. An outcome of memory that ran out is thrown,
/// as elsewhere.
template <class T> std::optional<std::tuple<std::error_code, T>> take(Operation<T> &&operation) {
    auto awaiter = std::move(operation).as_tuple().operator co_await();
    if (!awaiter.await_ready()) {
        return std::nullopt;
    }
    auto outcome = awaiter.await_resume();
    throw_if_out_of_memory(std::get<0>(outcome));
    return outcome;
}

/// An origin with something of everything, and waiters for everything that may come.
struct World {
    World() {
        for (const auto *path : {"on/live", "on/live/side", "elsewhere/quite/far/away/from/all/that/is/short"}) {
            announced.push_back(producer.create_broadcast(path));
        }
        broadcast.emplace(announced.front().producer());
        track.emplace(broadcast->create_track("video", info()));
        follow([this] { return watcher.next(); });
        follow([this] { return rooted_watcher.next(); });
        run();
    }
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    static TrackInfo info() {
        TrackInfo info;
        info.max_latency = std::chrono::hours(1);
        return info;
    }

    /// Takes every result of `step`, from now on, on the context.
    template <class Step> void follow(Step step) {
        auto &log = logs.emplace_back();
        asio::co_spawn(context, following(std::move(step), log), asio::detached);
        run();
    }
    template <class Op> void follow_one(Op operation) {
        auto &log = logs.emplace_back();
        asio::co_spawn(context, awaiting_one(std::move(operation), log), asio::detached);
        run();
    }

    /// All of its visible state.
    std::string words() {
        run();
        std::string all;
        const auto add = [&all](const char *name, auto number) {
            all += std::string(name) + " " + std::to_string(number) + "\n";
        };
        const auto stats = origin.stats();
        add("announced", stats.announced);
        add("nodes", stats.nodes);
        add("watchers", stats.watchers);
        add("handlers", stats.handlers);
        add("pending", stats.pending);
        add("served", stats.served);
        add("cached bytes", stats.cached_bytes);
        add("cached groups", stats.cached_groups);
        add("evicted", stats.evicted_groups);
        add("lagged", stats.lagged_readers);
        const auto of_broadcast = broadcast->stats();
        add("tracks", of_broadcast.tracks);
        add("track handlers", of_broadcast.handlers);
        add("tracks pending", of_broadcast.pending);
        const auto of_track = track->stats();
        add("groups", of_track.groups);
        add("bytes", of_track.bytes);
        add("datagrams", of_track.datagrams);
        add("subscribers", of_track.subscribers);
        add("group handlers", of_track.handlers);
        add("groups pending", of_track.pending);
        add("latest", track->latest() ? static_cast<long>(*track->latest()) : -1L);
        if (group) {
            all += "frames";
            auto frames = now(group->consume().read_frames(100'000));
            for (const auto &one_frame : frames.value_or(std::vector<Frame>())) {
                all += " " + std::to_string(one_frame.payload.size()) + ":" + std::string(one_frame.payload.view().substr(0, 40));
            }
            all += "\n";
        }
        for (const auto &log : logs) {
            all += "waits: " + log + "\n";
        }
        return all;
    }

    void run() {
        context.restart();
        context.poll();
    }

    ManualClock time;
    Origin origin = time.origin();
    OriginProducer producer = origin.producer();
    OriginConsumer consumer = origin.consumer();
    std::vector<BroadcastPublish> announced;
    std::optional<BroadcastProducer> broadcast;
    std::optional<TrackProducer> track;
    AnnounceConsumer watcher = consumer.announced();
    AnnounceConsumer rooted_watcher = consumer.with_root("on")->announced();
    AnnounceConsumer slow_watcher = consumer.announced();

    // A scenario's additional objects.
    std::optional<OriginDynamic> handler;
    std::optional<BroadcastDynamic> track_handler;
    std::optional<TrackDynamic> group_handler;
    std::optional<BroadcastRequest> request;
    std::optional<TrackRequest> track_request;
    std::optional<GroupRequest> group_request;
    std::optional<Pending<BroadcastConsumer>> asked;
    std::optional<TrackSubscriber> subscriber;
    std::optional<GroupProducer> group;
    std::optional<GroupProducer> other_group;
    std::optional<GroupConsumer> reader;
    std::optional<FrameProducer> frame;
    std::optional<FrameConsumer> frame_reader;
    std::vector<TrackProducer> more_tracks;
    BroadcastProducer other = producer.make_broadcast();
    std::list<std::string> logs;
    asio::io_context context;

private:
    template <class Step> static asio::awaitable<void> following(Step step, std::string &log) {
        for (;;) {
            auto operation = step();
            auto [code, value] = co_await std::move(operation).as_tuple();
            log += (code ? comoq::test::said(code) : said_of(value)) + "; ";
            if (code || !value) {
                co_return;
            }
        }
    }
    template <class Op> static asio::awaitable<void> awaiting_one(Op operation, std::string &log) {
        auto outcome = co_await std::move(operation).as_tuple();
        log += std::get<0>(outcome) ? comoq::test::said(std::get<0>(outcome)) : "done";
    }
};

/// The result of a call, in words.
template <class T> std::string given(const std::optional<std::tuple<std::error_code, T>> &outcome) {
    if (!outcome) {
        return "wait";
    }
    const auto &[code, value] = *outcome;
    return code ? comoq::test::said(code) : said_of(value);
}
template <class Handle> std::string given(const Handle &) { return {}; }

/// Lets `call` run out of memory at its first allocation, in a world of its own at the second one, and so on, until
/// none is left to fail, and repeats it each time. Returns the number of allocations. The call's result is kept.
template <class Prepare, class Call> std::size_t fail_each_allocation(Prepare prepare, Call call) {
    std::string expected;
    {
        World world;
        prepare(world);
        world.run();
        const auto kept = call(world);
        expected = given(kept) + "\n" + world.words();
    }
    if (!allocations_can_fail()) {
        return 1;
    }
    for (std::size_t after = 0;; ++after) {
        INFO("with allocation " << after << " failing");
        bool failed = false, refused = false;
        const auto live = live_allocations();
        {
            World world;
            prepare(world);
            const auto before = world.words();
            std::optional<decltype(call(world))> kept;
            {
                FailingAllocation failing(after);
                try {
                    kept.emplace(call(world));
                } catch (const std::bad_alloc &) {
                    refused = true;
                }
                failed = failing.stop();
            }
            if (refused) {
                CHECK(world.words() == before);
                kept.emplace(call(world));
            }
            CHECK(given(*kept) + "\n" + world.words() == expected);
        }
        CHECK(live_allocations() == live);
        if (!failed) {
            return after;
        }
    }
}
template <class Call> std::size_t fail_each_allocation(Call call) {
    return fail_each_allocation([](World &) {}, call);
}

// A path that does not fit into a string's own room.
constexpr auto long_path = "on/a/path/that/is/not/short/at/all/nor/ever/was";

void ask(World &world) {
    world.handler.emplace(world.producer.with_root("on")->dynamic());
    world.asked.emplace(world.consumer.request_broadcast(long_path));
}
void ask_for_track(World &world) {
    world.track_handler.emplace(world.broadcast->dynamic());
    world.follow_one(world.broadcast->consume().track("a track with a name that is not short").subscribe());
}
void ask_for_group(World &world) {
    world.group_handler.emplace(world.track->dynamic());
    world.follow_one(world.track->consume().fetch_group(7));
}
void subscribe(World &world) {
    world.follow([reader = std::make_shared<TrackSubscriber>(now(world.track->consume().subscribe()))] {
        return reader->next_group();
    });
    world.subscriber.emplace(now(world.track->consume().subscribe()));
}
void write_group(World &world) {
    world.group.emplace(world.track->append_group());
    for (const auto *text : {"one", "two", "three and a little more than that"}) {
        world.group->write_frame(payload(text));
    }
    world.reader.emplace(world.group->consume());
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

TEST_CASE("out of memory: an announcement is refused and changes nothing, for watchers or for requesters that await the path",
          "[memory][faults]") {
    const auto awaiting = [](World &world) {
        world.follow_one(world.consumer.announced_broadcast(long_path));
        ask(world);
        world.follow_one(world.consumer.request_broadcast(long_path));
    };
    const auto publish = [](World &world) { return world.producer.publish_broadcast(long_path, world.other.consume()); };
    CHECK(fail_each_allocation(publish) > 0);
    CHECK(fail_each_allocation(awaiting, publish) > 0);
    CHECK(fail_each_allocation([](World &world) { return world.producer.create_broadcast(long_path); }) > 0);
    // A publication that replaces another, and one that ranks behind it.
    const auto again = [](World &world) {
        return world.producer.with_root("on")->publish_broadcast("live", world.other.consume());
    };
    CHECK(fail_each_allocation(again) > 0);
    // A publication that a better one displaces.
    const auto worse = [](World &world) {
        world.announced.push_back(world.producer.create_broadcast(long_path, BroadcastInfo({7, 8})));
    };
    CHECK(fail_each_allocation(worse, publish) > 0);
}

TEST_CASE("out of memory: a withdrawal still happens, and a watcher that could not note it is told so", "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    for (std::size_t after = 0, failed = 1; failed != 0; ++after) {
        INFO("with allocation " << after << " failing");
        failed = 0;
        World world;
        world.announced.push_back(world.producer.create_broadcast("on/backed", BroadcastInfo({5})));
        auto better = world.producer.create_broadcast("on/backed");
        auto &slow = world.slow_watcher;
        while (take(slow.next())) {
        }
        auto also_slow = world.consumer.announced();
        while (take(also_slow.next())) {
        }
        world.run();
        // A change for whichever of them finds memory.
        better.unannounce();
        world.run();
        {
            FailingAllocation failing(after);
            world.announced[1].unannounce();
            failed += failing.stop() ? 1 : 0;
        }
        CHECK(world.origin.stats().announced == 3);
        // Watchers that keep up still have it.
        world.run();
        const auto &log = world.logs.front();
        INFO(log);
        CHECK(log.find("Restart on/backed; Ended on/live/side; ") != std::string::npos);
        std::size_t lost = 0;
        for (auto *watcher : {&slow, &also_slow}) {
            if (code_now(watcher->next()) == std::errc::not_enough_memory) {
                ++lost;
                // Once, and then it is over.
                CHECK_FALSE(now(watcher->next()));
            }
        }
        CHECK(lost == failed);
    }
}

TEST_CASE("out of memory: a failed attempt to watch, to wait, to serve or to narrow a view leaves nothing behind",
          "[memory][faults]") {
    CHECK(fail_each_allocation([](World &world) { return world.consumer.announced(); }) > 0);
    CHECK(fail_each_allocation([](World &world) {
              const std::vector<Path> parts = {Path("on/live/side"), Path("elsewhere"), Path(long_path)};
              return world.consumer.scope(parts)->announced();
          }) > 0);
    CHECK(fail_each_allocation([](World &world) { return world.consumer.announced_broadcast(long_path); }) > 0);
    CHECK(fail_each_allocation([](World &world) { return world.producer.dynamic(); }) > 0);
    // A more specific handler takes over queued requests, and gives them back if it cannot be made.
    const auto narrow = [](World &world) {
        const std::vector<Path> parts = {Path("on/a/path/that/is"), Path("on/live"), Path(long_path)};
        return world.producer.scope(parts)->dynamic();
    };
    CHECK(fail_each_allocation(ask, narrow) > 0);
    CHECK(fail_each_allocation(ask, [](World &world) { return world.producer.with_root("on")->consume(); }) > 0);
    fail_each_allocation([](World &world) { return world.slow_watcher.next(); });
}

TEST_CASE("out of memory: a change that was not taken is there for the next step", "[memory][faults]") {
    fail_each_allocation([](World &world) { return take(world.slow_watcher.next()); });  // a short path
    const auto announce = [](World &world) {
        while (take(world.slow_watcher.next())) {
        }
        world.announced.push_back(world.producer.create_broadcast(long_path));
    };
    CHECK(fail_each_allocation(announce, [](World &world) { return take(world.slow_watcher.next()); }) > 0);
}

TEST_CASE("out of memory: requests are made, joined, taken and answered completely or not at all", "[memory][faults]") {
    const auto request = [](World &world) { return world.consumer.request_broadcast(long_path); };
    const auto serve = [](World &world) { world.handler.emplace(world.producer.with_root("on")->dynamic()); };
    const auto wait_for_one = [serve](World &world) {
        serve(world);
        world.follow([&world] { return world.handler->requested_broadcast(); });
    };
    CHECK(fail_each_allocation(wait_for_one, request) > 0);
    CHECK(fail_each_allocation(serve, request) > 0);
    fail_each_allocation(ask, request);  // joined
    const auto taken = [](World &world) {
        ask(world);
        world.follow_one(world.consumer.request_broadcast(long_path));
    };
    CHECK(fail_each_allocation(taken, [](World &world) { return take(world.handler->requested_broadcast()); }) > 0);
    const auto to_answer = [taken](World &world) {
        taken(world);
        world.request = std::move(*now(world.handler->requested_broadcast()));
        world.follow_one(world.request->abandoned());
    };
    CHECK(fail_each_allocation(to_answer, [](World &world) {
              world.request->accept(world.other.consume());
              return 0;
          }) > 0);
    fail_each_allocation(to_answer, [](World &world) {
              world.request->reject(Error::Unauthorized);
              return 0;
          });
    fail_each_allocation(to_answer, [](World &world) { return world.request->abandoned(); });
    CHECK(fail_each_allocation(to_answer, [](World &world) {
              return world.producer.publish_broadcast(long_path, world.other.consume());
          }) > 0);
}

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
    CHECK(fail_each_allocation(subscribe, [](World &world) { return world.track->append_group(); }) > 0);
    CHECK(fail_each_allocation(subscribe, [](World &world) { return world.track->create_group(40); }) > 0);
    CHECK(fail_each_allocation(ask_for_group, [](World &world) { return world.track->create_group(7); }) > 0);
    CHECK(fail_each_allocation(subscribe, [](World &world) { return world.track->write_frame(payload("text")); }) > 0);
    CHECK(fail_each_allocation(subscribe, [](World &world) { return world.track->append_datagram(payload("text")); }) > 0);
    // With gaps, so that each number takes memory.
    const auto gaps = [](World &world) {
        subscribe(world);
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
        subscribe(world);
        world.track->create_group(3).finish();
        world.track->create_group(1).finish();
        world.track->append_datagram(payload("text"));
    };
    CHECK(fail_each_allocation(groups, [](World &world) { return take(world.subscriber->next_group()); }) > 0);
    CHECK(fail_each_allocation(groups, [](World &world) { return take(world.subscriber->recv_group()); }) > 0);
    fail_each_allocation(groups, [](World &world) { return take(world.subscriber->recv_datagram()); });
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
        subscribe(world);
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

TEST_CASE("out of memory: a wait that cannot begin throws or gets the error, and leaves its item where it is",
          "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    const auto by_callback = [](World &world, Received<BroadcastConsumer> &got, PlainTask &) {
        world.consumer.request_broadcast(long_path).async_wait(asio::bind_executor(world.context, keep(got)));
    };
    const auto by_plain_coroutine = [](World &world, Received<BroadcastConsumer> &got, PlainTask &task) {
        task = receive_tuple_plainly(world.consumer.request_broadcast(long_path), got);
    };
    // Once for the memory that asio keeps for itself, and once more to see whether any is lost.
    const auto check = [](auto wait, bool warm) {
        bool failed = true;
        std::size_t refusals = 0;
        for (std::size_t after = 0; failed; ++after) {
            INFO("with allocation " << after << " failing");
            const auto live = live_allocations();
            {
                World world;
                world.handler.emplace(world.producer.dynamic());
                Received<BroadcastConsumer> got;
                PlainTask task;
                bool refused = false;
                {
                    FailingAllocation failing(after);
                    try {
                        wait(world, got, task);
                        task.done();
                    } catch (const std::bad_alloc &) {
                        refused = true;
                    }
                    failed = failing.stop();
                }
                if (refused) {
                    task.destroy();  // with the operation, which is whole
                }
                world.run();
                refused = refused || got.failed(std::make_error_code(std::errc::not_enough_memory));
                refusals += refused;
                // The failure of a moved-from operation may lack memory, too: nobody is told, and the wait goes on.
                CHECK((failed || !refused));
                CHECK(world.origin.stats().pending == (refused ? 0 : 1));
                CHECK(got.times == (refused && got.code ? 1 : 0));
                if (!refused) {
                    now(world.handler->requested_broadcast())->accept(world.other.consume());
                    world.run();
                    CHECK(got.ok());
                }
            }
            CHECK((!warm || live_allocations() == live));
        }
        CHECK(refusals > (warm ? 2 : 3));
    };
    for (const bool warm : {false, true}) {
        check(by_callback, warm);
        check(by_plain_coroutine, warm);
    }
}

TEST_CASE("out of memory: waiters on an io_context or a thread pool are woken without memory", "[memory][faults]") {
    const auto check = [](auto &context, const auto &executor) {
        Origin origin;
        auto handler = origin.producer().dynamic();
        Received<BroadcastConsumer> got;
        origin.consumer().request_broadcast("a").async_wait(asio::bind_executor(executor, keep(got)));
        auto request = std::move(*now(handler.requested_broadcast()));
        {
            FailingAllocation failing(0);
            request.reject(Error::Unauthorized);
            CHECK_FALSE(failing.stop());
        }
        if constexpr (requires { context.run(); }) {
            context.run();
        } else {
            context.join();
        }
        CHECK(got.failed(Error::Unauthorized));
    };
    asio::io_context context, other_context;
    check(context, context.get_executor());
    check(other_context, asio::any_io_executor(other_context.get_executor()));
    asio::thread_pool pool(1), other_pool(1);
    check(pool, pool.get_executor());
    check(other_pool, asio::any_io_executor(other_pool.get_executor()));
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

TEST_CASE("out of memory: an operation whose tuple form cannot be made stays as it was", "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    Origin origin;
    const auto handler = origin.producer().dynamic();
    auto asked = origin.consumer().request_broadcast("a");
    {
        FailingAllocation failing(0);
        CHECK_THROWS_AS(std::move(asked).as_tuple(), std::bad_alloc);
    }
    CHECK(origin.stats().pending == 1);
    CHECK_FALSE(asked.ready());
    const auto as_tuple = std::move(asked).as_tuple();
    CHECK(origin.stats().pending == 1);
}

namespace {

/// Keeps the results of `step` until it ends, and begins again where memory ran out. The vector has room for them.
template <class Step, class Outcome> PlainTask insist(Step step, std::vector<Outcome> &outcomes, bool &none) {
    for (;;) {
        std::optional<decltype(step().as_tuple())> operation;
        while (!operation) {
            try {
                operation.emplace(step().as_tuple());
            } catch (const std::bad_alloc &) {
                // A test above checks that it can be repeated.
            }
        }
        auto outcome = co_await std::move(*operation);
        if (std::get<0>(outcome) == std::errc::not_enough_memory) {
            none = true;
            continue;
        }
        const bool over = std::get<0>(outcome) || !std::get<1>(outcome);
        outcomes.push_back(std::move(outcome));
        if (over) {
            co_return;
        }
    }
}

/// `act` wakes the task that insists on `step`, with each of its allocations failing in turn, those of the woken task
/// included.
template <class Step, class Act> void wake_with_each_failing(Step step, Act act, const std::string &item) {
    std::size_t told = 0;
    for (std::size_t after = 0, failed = 1; failed != 0; ++after) {
        INFO("with allocation " << after << " failing");
        World world;
        subscribe(world);
        write_group(world);
        CHECK(now(world.reader->read_frames(3)));
        CHECK(now(world.subscriber->next_group()));
        CHECK(now(world.subscriber->recv_group()));
        auto rooted = world.consumer.with_root("on/a")->announced();
        using Value = ValueOf<decltype(step(world, rooted))>;
        std::vector<std::tuple<std::error_code, Value>> outcomes;
        outcomes.reserve(4);
        bool none = false;
        const auto task = insist([&] { return step(world, rooted); }, outcomes, none);
        std::optional<decltype(act(world))> kept;
        {
            FailingAllocation failing(after);
            try {
                kept.emplace(act(world));
            } catch (const std::bad_alloc &) {
            }
            failed = failing.stop() ? 1 : 0;
        }
        if (!kept) {
            CHECK(outcomes.empty());
            kept.emplace(act(world));
        }
        told += none ? 1 : 0;
        REQUIRE(outcomes.size() == 1);
        CHECK(given(std::optional(std::move(outcomes.front()))) == item);
    }
    CHECK(told > 0);
}

}  // namespace

TEST_CASE("out of memory: a woken waiter that finds no memory for its item gets the error, and the item next time",
          "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    const auto append = [](World &world) { return world.track->append_group(); };
    wake_with_each_failing([](World &world, auto &) { return world.subscriber->next_group(); }, append, "group 1");
    wake_with_each_failing([](World &world, auto &) { return world.subscriber->recv_group(); }, append, "group 1");
    const auto announce = [](World &world) { return world.producer.publish_broadcast(long_path, world.other.consume()); };
    wake_with_each_failing([](World &, auto &rooted) { return rooted.next(); }, announce,
                           "Active path/that/is/not/short/at/all/nor/ever/was");
    const auto frame = [](World &world) {
        world.group->write_frame(payload("four"));
        return 0;
    };
    wake_with_each_failing([](World &world, auto &) { return world.reader->read_frames(9); }, frame, "frames four");
    wake_with_each_failing([](World &world, auto &) { return world.reader->next_frame(); }, frame, "frame of 4");
}

TEST_CASE("out of memory: a frame that is given back is there for the steps that came meanwhile, and moves no other reader",
          "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    auto subscriber = now(track.consume().subscribe());
    auto group = track.append_group();
    auto frame = group.create_frame(4);
    frame.write(payload("on"));
    frame.write(payload("ly"));
    frame.finish();
    auto reader = group.consume();
    // The only allocation of a step that has its frames: that of the joined payload.
    const auto fail = [](auto operation, const std::function<void()> &meanwhile) {
        auto awaiter = std::move(operation).operator co_await();
        FailingAllocation failing(0, meanwhile);
        REQUIRE(awaiter.await_ready());
        CHECK(failing.stop());
        CHECK(std::get<0>(awaiter.await_resume()) == std::errc::not_enough_memory);
    };
    SECTION("a step of the same group") {
        Received<std::optional<Frame>> other;
        PlainTask waits;
        fail(reader.read_frame().as_tuple(), [&] {
            waits = receive_tuple_plainly(reader.read_frame(), other);
            CHECK(other.times == 0);
        });
        CHECK(other.times == 1);
        CHECK(other.value.value().payload.view() == "only");
    }
    SECTION("a step of another kind of the same subscriber") {
        Received<std::optional<GroupConsumer>> other;
        PlainTask waits;
        fail(subscriber.read_first_frame().as_tuple(), [&] {
            waits = receive_tuple_plainly(subscriber.next_group(), other);
            CHECK(other.times == 0);
        });
        CHECK(other.times == 1);
        CHECK(other.value.value().sequence() == 0);
    }
    SECTION("a subscriber that was moved elsewhere") {
        fail(subscriber.read_first_frame().as_tuple(), [&] { subscriber.start_at(1); });
        CHECK_FALSE(subscriber.next_group().ready());
    }
}
