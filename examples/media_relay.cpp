// media_relay: a real video from an upstream origin through an edge origin to many viewers, all in this process.
//
// The edge has no media of its own. The first viewer's request makes its handler fetch the broadcast from upstream, and
// later requests wait for that same fetch: one upstream request for any number of viewers.
#include "shared/fmp4.hpp"
#include "media_relay/options.hpp"
#include "media_relay/recording.hpp"
#include "media_relay/report.hpp"

#include <comoq/comoq.hpp>

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <latch>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asio::awaitable;

constexpr const char *broadcast_path = "live/clip";

// Upstream: answers every request with `live`.
awaitable<void> answer(comoq::OriginDynamic handler, comoq::BroadcastConsumer live, std::atomic<std::size_t> &fetches) {
    while (auto request = co_await handler.requested_broadcast()) {
        ++fetches;
        if (request->path() == comoq::Path(broadcast_path)) {
            request->accept(live);
        } else {
            request->reject(comoq::Error::NotFound);
        }
    }
}

// Upstream's camera: each fragment is a group and each box a frame, with a pause between groups as in live media.
awaitable<void> publish(comoq::TrackProducer init, comoq::TrackProducer video, const fmp4::Movie &movie,
                        Progress &progress) {
    init.write_frame(comoq::Bytes::copy(movie.init));
    init.finish();

    co_await video.used();
    asio::steady_timer clock(co_await asio::this_coro::executor);
    for (const auto &fragment : movie.fragments) {
        auto group = video.append_group();
        for (fmp4::Block box : fragment) {
            group.write_frame(comoq::Bytes::copy(box));
        }
        group.finish();
        progress.group_published();
        clock.expires_after(30ms);
        co_await clock.async_wait(asio::use_awaitable);
    }
    video.finish();
}

// A viewer at the edge. It knows a path, and not where its broadcast comes from.
awaitable<void> view(comoq::OriginConsumer edge, std::latch &asked, Recording &recording, Progress &progress) {
    recording.start();
    auto request = edge.request_broadcast(broadcast_path);
    asked.count_down();
    auto broadcast = co_await std::move(request);

    comoq::Subscription whole;
    whole.start = 0;
    for (const char *name : {"init", "video"}) {
        auto track = co_await broadcast.track(name).subscribe(whole);
        while (auto group = co_await track.next_group()) {
            recording.add_group();
            while (auto frame = co_await group->read_frame()) {
                recording.add_frame(frame->payload.span());
                progress.bytes_delivered(frame->payload.size());
            }
        }
    }
    recording.finish();
}

// Shows progress until all jobs are done. Throws the first failure of any of them.
void wait_for_all(std::vector<std::future<void>> jobs, Progress &progress) {
    while (!jobs.empty()) {
        progress.show();
        std::this_thread::sleep_for(20ms);
        std::erase_if(jobs, [](std::future<void> &job) {
            const bool done = job.wait_for(0s) == std::future_status::ready;
            if (done) {
                job.get();
            }
            return done;
        });
    }
    progress.finish();
}

std::vector<Recording> make_recordings(const Options &options, fmp4::Block expected) {
    if (options.out) {
        std::error_code ec;
        std::filesystem::create_directories(*options.out, ec);
        if (ec) {
            throw std::runtime_error(in_quotes(options.out->string()) + " cannot be created: " + ec.message());
        }
    }
    std::vector<Recording> recordings;
    for (std::size_t i = 1; i <= options.viewers; ++i) {
        std::optional<std::filesystem::path> path;
        if (options.out) {
            path = *options.out / fmt::format("viewer-{}.mp4", i);
        }
        recordings.emplace_back(expected, path);
    }
    return recordings;
}

void throw_unless_cancelled(const std::exception_ptr &failure) {
    try {
        if (failure != nullptr) {
            std::rethrow_exception(failure);
        }
    } catch (const std::system_error &error) {
        if (error.code() != asio::error::operation_aborted) {
            throw;
        }
    }
}

bool run(const Options &options, fmp4::Block file, const fmp4::Movie &movie) {
    auto recordings = make_recordings(options, file);
    Progress progress(movie.fragments.size(), file.size() * options.viewers);
    std::atomic<std::size_t> upstream_fetches{0};
    std::latch asked(static_cast<std::ptrdiff_t>(options.viewers));
    asio::cancellation_signal stop_relay;

    comoq::Origin edge;
    comoq::Origin upstream;
    // A viewer that is slow for a while still finds every group: both origins keep them for a minute.
    comoq::TrackInfo info;
    info.max_latency = 1min;
    auto live = upstream.producer().make_broadcast();
    auto init = live.create_track("init", info);
    auto video = live.create_track("video", info);
    auto upstream_handler = upstream.producer().dynamic();

    // Declared last, to be destroyed first: nothing runs any more when the rest is destroyed, also after an exception.
    asio::thread_pool pool(std::max(2u, std::thread::hardware_concurrency()));
    auto edge_strand = asio::make_strand(pool);
    auto upstream_strand = asio::make_strand(pool);
    std::vector<std::future<void>> jobs;

    // The relay: it asks upstream once for each request at the edge. Cancellation ends it.
    std::exception_ptr relay_failure;
    const auto relayed = [&relay_failure](const std::exception_ptr &failure) { relay_failure = failure; };
    asio::co_spawn(edge_strand, comoq::proxy(upstream.consumer(), edge.producer(), edge.producer().dynamic()),
                   asio::bind_cancellation_slot(stop_relay.slot(), relayed));
    for (Recording &recording : recordings) {
        jobs.push_back(asio::co_spawn(asio::make_strand(pool), view(edge.consumer(), asked, recording, progress),
                                      asio::use_future));
    }
    // Upstream answers only now, so that every viewer has asked while the one fetch was in flight.
    asked.wait();
    fmt::print("{} viewers have asked the edge, which has {} request pending\n", options.viewers, edge.stats().pending);

    auto answered = asio::co_spawn(upstream_strand, answer(upstream_handler, live.consume(), upstream_fetches), asio::use_future);
    jobs.push_back(asio::co_spawn(upstream_strand, publish(init, video, movie, progress), asio::use_future));
    wait_for_all(std::move(jobs), progress);

    // Every loop must end before the pool does. Relayed broadcasts end with `live`, and `answer` ends with its origin.
    // The relay holds a producer of the edge, which keeps that origin alive, so it is cancelled.
    live.finish();
    upstream = comoq::Origin();
    asio::post(edge_strand, [&stop_relay] { stop_relay.emit(asio::cancellation_type::terminal); });
    pool.join();
    answered.get();
    throw_unless_cancelled(relay_failure);
    return print_summary(recordings, upstream_fetches);
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    return run_main("media_relay", usage, command_line(options), argc, argv, [&options] {
        if (options.file.empty()) {
            throw UsageError("missing FILE.mp4 (see --help)");
        }
        try {
            const auto file = fmp4::read_file(options.file);
            if (!run(options, file, fmp4::parse(file))) {
                throw std::runtime_error("the received file differs from the original");
            }
        } catch (const fmp4::BadFile &error) {
            throw std::runtime_error(fmt::format("{} {}", in_quotes(options.file.string()), error.what()));
        }
        std::fflush(stdout);
        if (std::ferror(stdout) != 0) {
            throw std::runtime_error("cannot write to stdout");
        }
        return true;
    });
}
