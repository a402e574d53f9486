// Groups on demand, and the pool that takes them away again, under every schedule.
#include <comoq/broadcast.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "schedules/ended.hpp"
#include "schedules/origin_of_test.hpp"
#include "support/catch.hpp"

using namespace comoq;
using namespace comoq::schedule;
using comoq::test::PlainTask;

namespace {

Bytes ten() { return Bytes::copy("0123456789"); }

/// The size of a group of ten bytes.
constexpr std::size_t one_group = comoq::detail::MediaCost::group + comoq::detail::MediaCost::frame + 10;

/// A broadcast of an origin that keeps at most one such group of those that it need not keep.
struct Media {
    static OriginConfig small() {
        auto config = same_in_every_run();
        config.max_cached_bytes = one_group + 5;
        return config;
    }
    static TrackInfo for_ever() {
        TrackInfo info;
        info.max_latency = std::chrono::milliseconds::max();
        return info;
    }

    Origin origin{small()};
    std::optional<BroadcastProducer> broadcast = origin.producer().make_broadcast();
    std::optional<TrackProducer> track = broadcast->create_track("video", for_ever());
    std::optional<TrackDynamic> handler = track->dynamic();

    auto fetch(std::uint64_t sequence) const { return track->consume().fetch_group(sequence); }
    /// The request that the handler can take now, on any thread: no coroutine waits for it, and none is destroyed.
    std::optional<GroupRequest> take() {
        auto awaiter = handler->requested_group().as_tuple().operator co_await();
        if (!awaiter.await_ready()) return std::nullopt;
        auto [ec, request] = awaiter.await_resume();
        return ec ? std::nullopt : std::move(request);
    }
    bool nothing_left() {
        handler.reset();
        track.reset();
        broadcast.reset();
        const auto stats = origin.stats();
        return stats.cached_bytes == 0 && stats.cached_groups == 0;
    }
};

}  // namespace

TEST_CASE("schedules: what the pool takes from a reader he is told of, and what is used meanwhile is whole", "[schedules]") {
    const auto test = [](Run &run) {
        Media media;
        auto oldest = std::optional(media.track->append_group());
        oldest->write_frame(ten());
        Ended<std::optional<Frame>> frame, next;
        Ended<GroupConsumer> fetched;
        PlainTask tasks[3];
        auto reader = oldest->consume();
        // Newer groups, which leave no room for it.
        run.thread([&] { media.track->write_frame(ten()); });
        run.thread([&] {
            tasks[0] = await(reader.read_frame(), frame);
            tasks[1] = await(reader.read_frame(), next);
        });
        // Fetching it is a use: the pool may have to take the other one first, or it is gone and must be requested.
        run.thread([&] { tasks[2] = await(media.fetch(0), fetched); });
        run.run();
        if (auto request = media.take()) request->reject(make_error_code(Error::Unauthorized));
        run.check(frame.well() || frame.with(make_error_code(Error::Evicted)), "the reader got something else");
        run.check(!frame.well() || frame.value->value().payload == ten(), "the reader got other bytes");
        run.check(fetched.well() || fetched.with(make_error_code(Error::Unauthorized)), "the fetch did not end once");
        const auto stats = media.origin.stats();
        run.check(stats.cached_bytes == one_group && stats.evicted_groups == 1, "the pool holds what it may not, or lost count");
        oldest.reset();
        run.check(next.times == 1 && next.ec, "the reader waits for what cannot come");
        reader = GroupConsumer();
        fetched.value.reset();
        run.check(media.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(2, test);
}

TEST_CASE("schedules: two writers and an abort under one pool lose no byte of its count", "[schedules]") {
    const auto test = [](Run &run) {
        Media media;
        auto other = std::optional(media.broadcast->create_track("audio", Media::for_ever()));
        run.thread([&] {
            media.track->write_frame(ten());
            media.track->write_frame(ten());
        });
        run.thread([&] {
            try {
                other->write_frame(ten());
                other->write_frame(ten());
            } catch (const std::system_error &error) {
                run.check(error.code() == Error::Old, "the writer was told something else");
            }
        });
        run.thread([&] { other->abort(make_error_code(Error::Old)); });
        run.run();
        const auto stats = media.origin.stats();
        run.check(stats.cached_bytes == one_group * stats.cached_groups, "bytes and groups do not agree");
        run.check(media.track->stats().groups == 1, "the newest group is not there, or an old one still is");
        other.reset();
        run.check(media.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(2, test);
}

TEST_CASE("schedules: a group on demand is asked for once, whoever comes and goes meanwhile", "[schedules]") {
    const auto test = [](Run &run) {
        Media media;
        Ended<GroupConsumer> first;
        PlainTask task;
        std::optional leaving(media.fetch(7));
        run.thread([&] { task = await(media.fetch(7), first); });
        run.thread([&] { leaving.reset(); });
        std::optional<GroupRequest> request;
        run.thread([&] { request = media.take(); });
        run.run();
        if (request) {
            run.check(!request->abandoned().ready(), "a request that somebody waits for is abandoned");
            run.check(media.track->stats().pending == 1, "there is not one request");
            run.check(!media.take().has_value(), "there is a second request for one group");
        } else {
            request = media.take();
        }
        run.check(request.has_value(), "nobody is asked for the group");
        request->accept().finish();
        run.check(first.well() && first.value->sequence() == 7, "the requester did not get the group once");
        request.reset();
        first.value.reset();
        run.check(media.track->stats().pending == 0 && media.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: a group may be written while it is asked for and while its handler goes", "[schedules]") {
    const auto test = [](Run &run) {
        Media media;
        Ended<GroupConsumer> asked;
        PlainTask task;
        run.thread([&] { task = await(media.fetch(0), asked); });
        run.thread([&] { media.track->append_group().finish(); });
        run.thread([&] { media.handler.reset(); });
        run.run();
        run.check(asked.well() || asked.with(make_error_code(Error::NotFound)), "the requester was not told once");
        run.check(media.track->stats().pending == 0, "a request is left");
        asked.value.reset();
        run.check(media.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(2, test);
}

TEST_CASE("schedules: a question for a group goes to the track that takes the place of the one it asked", "[schedules]") {
    const auto test = [](Run &run) {
        Media media;
        BroadcastProducer to = media.origin.producer().make_broadcast();
        auto tracks = std::optional(to.dynamic());
        Ended<GroupConsumer> asked;
        PlainTask task;
        std::optional leaving(to.consume().track("video").fetch_group(3));
        run.thread([&] { task = await(to.consume().track("video").fetch_group(3), asked); });
        run.thread([&] { to.insert_track(media.track->consume()); });
        run.thread([&] { leaving.reset(); });
        run.run();
        // The requester waits at the inserted track now, whatever the order was.
        auto request = media.take();
        run.check(request.has_value() && request->sequence() == 3, "the inserted track is not asked");
        run.check(!media.take().has_value(), "it is asked twice");
        request->accept().finish();
        run.check(asked.well() && asked.value->sequence() == 3, "the requester did not get the group once");
        run.check(to.stats().pending == 0 && media.track->stats().pending == 0, "a request is left");
    };
    Explorer(this_test()).explore(2, test);
}
