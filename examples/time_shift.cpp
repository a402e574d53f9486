// Groups on demand: one viewer follows the live edge, another one watches the past, from the same track.
//
// The track itself keeps two seconds. A recorder subscribes like any viewer and remembers the groups. A viewer that
// asks for an older group by its number gets it from the recorder, while the live edge runs on.
#include <comoq/comoq.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <fmt/core.h>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace {

using asio::awaitable;
using Archive = std::map<std::uint64_t, std::vector<comoq::Frame>>;

using Time = std::chrono::steady_clock::time_point;

constexpr int length = 8;

// The camera: a picture a second, by an injected clock, so that this example ends at once.
awaitable<void> publish(comoq::TrackProducer track, std::shared_ptr<Time> now) {
    auto executor = co_await asio::this_coro::executor;
    for (int second = 0; second < length; ++second) {
        *now += std::chrono::seconds(1);
        auto group = track.append_group();
        group.write_frame(comoq::Bytes::copy(fmt::format("picture {}", second)));
        group.finish();
        // The other coroutines may run between two groups.
        for (int turn = 0; turn < 20; ++turn) {
            co_await asio::post(executor, asio::use_awaitable);
        }
    }
    track.finish();
    co_await track.unused();
}

awaitable<void> record(comoq::TrackSubscriber track, std::shared_ptr<Archive> archive) {
    while (auto group = co_await track.recv_group()) {
        auto &frames = (*archive)[group->sequence()];
        while (auto frame = co_await group->read_frame()) {
            frames.push_back(std::move(*frame));
        }
    }
}

awaitable<void> serve_the_past(comoq::TrackDynamic track, std::shared_ptr<Archive> archive) {
    while (auto request = co_await track.requested_group()) {
        auto found = archive->find(request->sequence());
        if (found == archive->end()) {
            request->reject(comoq::Error::NotFound);
            continue;
        }
        auto group = request->accept();
        for (const auto &frame : found->second) {
            group.write_frame(frame.payload, frame.timestamp);
        }
        group.finish();
    }
}

awaitable<void> watch_live(comoq::TrackConsumer track) {
    auto subscriber = co_await track.subscribe();
    while (auto frame = co_await subscriber.read_frame()) {
        fmt::print("live:    {}\n", frame->payload.view());
    }
}

// Comes half-way through, and begins at the beginning.
awaitable<void> watch_from_the_start(comoq::TrackConsumer track) {
    auto subscriber = co_await track.subscribe();
    while (auto group = co_await subscriber.next_group()) {
        if (group->sequence() == length / 2) {
            break;
        }
    }
    for (std::uint64_t sequence = 0; sequence < 3; ++sequence) {
        const bool kept = track.get_group(sequence).has_value();
        auto group = co_await track.fetch_group(sequence);
        auto frame = co_await group.read_frame();
        fmt::print("shifted: {} ({})\n", frame->payload.view(), kept ? "still kept" : "fetched");
    }
    auto fetching = track.fetch_group(1000);
    auto [code, none] = co_await std::move(fetching).as_tuple();
    fmt::print("shifted: picture 1000 is {}\n", code.message());
}

}  // namespace

int main() {
    try {
        asio::io_context context;
        auto now = std::make_shared<Time>();
        comoq::OriginConfig config;
        config.clock = [now] { return *now; };
        comoq::Origin origin(config);
        auto broadcast = origin.producer().make_broadcast();
        comoq::TrackInfo info;
        info.max_latency = std::chrono::seconds(2);
        auto track = broadcast.create_track("video", info);
        auto archive = std::make_shared<Archive>();

        auto recording = track.consume().subscribe();
        auto recorder = [](auto subscribing, std::shared_ptr<Archive> to) -> awaitable<void> {
            co_await record(co_await std::move(subscribing), std::move(to));
        };
        comoq::TaskGroup tasks(context.get_executor());
        tasks.spawn(recorder(std::move(recording), archive));
        tasks.spawn(serve_the_past(track.dynamic(), archive));
        tasks.spawn(watch_live(broadcast.consume().track("video")));
        tasks.spawn(watch_from_the_start(broadcast.consume().track("video")));
        tasks.spawn(publish(std::move(track), now));
        // Throws the failure of a task.
        auto over = asio::co_spawn(context, tasks.join(), asio::use_future);
        context.run();
        over.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "time_shift: {}\n", error.what());
        return 1;
    }
}
