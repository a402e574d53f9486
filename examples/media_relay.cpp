// media_relay: a real video from an upstream origin through an edge origin to many viewers, all in this process.
//
// The edge has no media of its own. The first viewer's request makes its handler fetch the broadcast from upstream, and
// later requests wait for that same fetch: one upstream request for any number of viewers.
#include "media_relay/movie.hpp"
#include "media_relay/options.hpp"
#include "media_relay/recording.hpp"
#include "media_relay/report.hpp"

#include <comoq/comoq.hpp>
#include <comoq/hang/mp4_error.hpp>

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
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

// A viewer at the edge. It knows a path, and not where its broadcast comes from.
awaitable<void> view(comoq::OriginConsumer edge, const Movie &movie, std::latch &asked, Recording &recording, RelayProgress &progress) {
    recording.start();
    auto request = edge.request_broadcast(broadcast_path);
    asked.count_down();
    auto broadcast = co_await std::move(request);
    co_await movie.view(std::move(broadcast), recording, progress);
}

// Shows progress until all jobs are done. Throws the first failure of any of them.
void wait_for_all(std::vector<std::future<void>> jobs, RelayProgress &progress) {
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

std::vector<Recording> make_recordings(const Options &options) {
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
        recordings.emplace_back(path);
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

bool run(const Options &options, Movie &movie) {
    auto recordings = make_recordings(options);
    RelayProgress progress(movie.groups(), movie.bytes() * options.viewers);
    std::atomic<std::size_t> upstream_fetches{0};
    std::latch asked(static_cast<std::ptrdiff_t>(options.viewers));
    asio::cancellation_signal stop_relay;

    comoq::Origin edge;
    comoq::Origin upstream;
    auto live = upstream.producer().make_broadcast();
    movie.create_tracks(live);
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
        jobs.push_back(asio::co_spawn(asio::make_strand(pool), view(edge.consumer(), movie, asked, recording, progress),
                                      asio::use_future));
    }
    // Upstream answers only now, so that every viewer has asked while the one fetch was in flight.
    asked.wait();
    fmt::print("{} viewers have asked the edge, which has {} request pending\n", options.viewers, edge.stats().pending);

    auto answered = asio::co_spawn(upstream_strand, answer(upstream_handler, live.consume(), upstream_fetches), asio::use_future);
    jobs.push_back(asio::co_spawn(upstream_strand, movie.publish(progress), asio::use_future));
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
            const auto movie = options.is_hang ? movie_of_frames(options.file) : movie_of_boxes(options.file);
            if (!run(options, *movie)) {
                throw std::runtime_error("what was received differs from the original");
            }
        } catch (const comoq::hang::Mp4Error &error) {
            throw std::runtime_error(fmt::format("{} {}", in_quotes(options.file.string()), error.what()));
        }
        std::fflush(stdout);
        if (std::ferror(stdout) != 0) {
            throw std::runtime_error("cannot write to stdout");
        }
        return true;
    });
}
