// An origin with something of everything, in which each allocation of a call fails in turn.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

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

namespace out_of_memory_tests {

using namespace comoq;
using namespace comoq::test;

using comoq::test::said;

inline std::string said(const Announcement &change) { return text_of(change); }

inline std::string said(const BroadcastRequest &request) {
    return "request " + std::string(request.path().view()) + " " + std::string(request.absolute_path().view());
}

inline std::string said(const TrackRequest &request) { return "request " + request.name(); }

inline std::string said(const GroupRequest &request) { return "request " + std::to_string(request.sequence()); }

inline std::string said(const Datagram &datagram) { return "datagram " + std::string(datagram.payload.view()); }

inline std::string said(const Bytes &bytes) { return "bytes " + std::string(bytes.view()); }

inline std::string said(const std::optional<Subscription> &wishes) {
    return wishes ? "priority " + std::to_string(wishes->priority) : "nobody";
}

template <class T> std::string said_of(const T &value) { return said(value); }

template <class T> std::string said_of(const std::optional<T> &value) { return value ? said_of(*value) : "end"; }

inline std::string said_of(const std::optional<Subscription> &value) { return said(value); }

inline void throw_if_out_of_memory(std::error_code code) {
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
            log += (code ? said(code) : said_of(value)) + "; ";
            if (code || !value) {
                co_return;
            }
        }
    }
    template <class Op> static asio::awaitable<void> awaiting_one(Op operation, std::string &log) {
        auto outcome = co_await std::move(operation).as_tuple();
        log += std::get<0>(outcome) ? said(std::get<0>(outcome)) : "done";
    }
};

/// The result of a call, in words.
template <class T> std::string given(const std::optional<std::tuple<std::error_code, T>> &outcome) {
    if (!outcome) {
        return "wait";
    }
    const auto &[code, value] = *outcome;
    return code ? said(code) : said_of(value);
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
inline constexpr auto long_path = "on/a/path/that/is/not/short/at/all/nor/ever/was";

inline void subscribe_one(World &world) {
    world.follow([reader = std::make_shared<TrackSubscriber>(now(world.track->consume().subscribe()))] {
        return reader->next_group();
    });
    world.subscriber.emplace(now(world.track->consume().subscribe()));
}

inline void write_group(World &world) {
    world.group.emplace(world.track->append_group());
    for (const auto *text : {"one", "two", "three and a little more than that"}) {
        world.group->write_frame(payload(text));
    }
    world.reader.emplace(world.group->consume());
}

}  // namespace out_of_memory_tests
