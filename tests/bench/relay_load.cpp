// relay_load: one publisher and many viewers at a relay, each with a connection of its own, and the cost of that for the
// relay's process. It works with any relay; relay.sh compares two.
#include "load/options.hpp"
#include "load/processors.hpp"
#include "load/publisher.hpp"
#include "load/run.hpp"
#include "load/viewer.hpp"
#include "shared/command_line.hpp"
#include "shared/relay_options.hpp"

#if defined(COMOQ_EXAMPLES_QUIC)
#include <comoq/net/quic_schemes.hpp>
#endif
#include <comoq/net/web_schemes.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace relay_load;
using asio::awaitable;

constexpr const char *usage =
    "usage: relay_load --publish URL --subscribe URL --pid RELAY [options]\n"
    "\n"
    "Publishes a track at a relay, reads it there as often as there are viewers, and prints what came, how late, and what\n"
    "that took of the relay's CPU and memory.\n"
    "\n"
    "  --publish URL    where the broadcast is announced: HOST:PORT after ws://, wss://, tcp://, moql:// (QUIC) or https://\n"
    "                   (WebTransport); any certificate will do\n"
    "  --subscribe URL  where it is read\n"
    "  --pid RELAY      the relay's process\n"
    "  --path PATH      the broadcast; load if not given\n"
    "  --protocol NAME  what the clients speak: moqt-18, say; moq-lite if not given\n"
    "  --viewers N      1 if not given\n"
    "  --rate N         groups a second, their frames evenly spaced; 2 if not given; 0: as fast as the slowest viewer gets\n"
    "                   them\n"
    "  --frames N       in a group; 30 if not given\n"
    "  --size N         bytes in a frame, at least 16; 5000 if not given\n"
    "  --seconds N      that are measured; 10 if not given\n"
    "  --warmup N       seconds before them; 2 if not given\n"
    "  --window N       with --rate 0: groups on their way that some viewer has not whole; 4 if not given\n"
    "  --keep N         seconds that the track may be kept; 10 if not given, as long as viewers say that frames may be late\n"
    "  --threads N      of this program, 1 if not given\n"
    "  --json           print one line of JSON\n"
    "  --help           print this\n"
    "\n"
    "The exit code is 1 if frames were lost or the rate was not reached.\n";

double at(const std::vector<std::uint32_t> &sorted, double part) {
    return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))] * 1e-3;
}

// Prints the results. False if the run did not go as it should.
bool report(const Options &options, const Publisher &publisher, const std::deque<Viewer> &viewers) {
    std::vector<std::uint32_t> late;
    std::uint64_t failed_groups = 0;
    for (const auto &viewer : viewers) {
        late.insert(late.end(), viewer.late().begin(), viewer.late().end());
        failed_groups += viewer.failed_groups();
    }
    std::sort(late.begin(), late.end());
    const Sample &before = publisher.before(), &after = publisher.after();
    const double seconds = in_seconds(after.time - before.time);
    const double relay = after.relay - before.relay;
    const double own = after.own - before.own;
    const double others = std::max(0.0, after.everybody - before.everybody - relay - own);
    const auto frames = static_cast<double>(late.size());
    const double megabytes = frames * static_cast<double>(options.size) * 1e-6;
    const auto lost = publisher.missing();
    const auto wanted = static_cast<double>(options.rate * options.frames * options.viewers) * seconds;
    // At the ends of the measured time a few may be missing: frames that are late come after it.
    const bool reached = frames >= 0.97 * wanted && !publisher.stalled();
    const bool good = lost == 0 && reached;
    const double per_cpu = relay > 0 ? megabytes / relay : 0;
    const double per_million = frames > 0 ? relay * 1e6 / frames : 0;
    const double peak = peak_mib_of(options.pid);
    if (options.json) {
        fmt::print("{{\"viewers\": {}, \"rate\": {}, \"frames\": {}, \"size\": {}, \"seconds\": {:.3f}, ", options.viewers,
                   options.rate, options.frames, options.size, seconds);
        fmt::print("\"frames_per_s\": {:.1f}, \"mb_per_s\": {:.3f}, \"lost\": {}, \"failed_groups\": {}, ", frames / seconds,
                   megabytes / seconds, lost, failed_groups);
        fmt::print("\"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, \"max_ms\": {:.3f}, ", at(late, 0.5), at(late, 0.99), at(late, 1));
        fmt::print("\"relay_cpu_s\": {:.2f}, \"relay_cpu_percent\": {:.1f}, \"mb_per_cpu_s\": {:.2f}, ", relay,
                   100 * relay / seconds, per_cpu);
        fmt::print("\"cpu_s_per_million_frames\": {:.2f}, \"relay_peak_mib\": {:.1f}, ", per_million, peak);
        fmt::print("\"load_cpu_percent\": {:.1f}, \"others_cpu_percent\": {:.1f}, ", 100 * own / seconds,
                   100 * others / seconds);
        fmt::print("\"rate_reached\": {}, \"good\": {}}}\n", reached, good);
        return good;
    }
    fmt::print("delivered   {:.1f} frames/s, {:.3f} MB/s to {} viewers in {:.1f} s\n", frames / seconds, megabytes / seconds,
               options.viewers, seconds);
    fmt::print("lost        {} frames; {} groups failed\n", lost, failed_groups);
    fmt::print("latency     p50 {:.3f} ms, p99 {:.3f} ms, longest {:.3f} ms\n", at(late, 0.5), at(late, 0.99), at(late, 1));
    fmt::print("relay       {:.1f} % CPU: {:.2f} MB a CPU second, {:.2f} CPU seconds a million frames; peak {:.1f} MiB\n",
               100 * relay / seconds, per_cpu, per_million, peak);
    fmt::print("beside it   {:.1f} % CPU this program, {:.1f} % all others\n", 100 * own / seconds, 100 * others / seconds);
    if (lost != 0) fmt::print("FRAMES WERE LOST\n");
    if (!reached) fmt::print("{}\n", publisher.stalled() ? "STALLED: a group never came" : "THE RATE WAS NOT REACHED");
    return good;
}

bool run(const Options &options) {
    std::deque<asio::io_context> contexts;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work;
    for (std::size_t i = 0; i < options.threads; ++i) work.emplace_back(contexts.emplace_back(1).get_executor());
    Run shared(options, contexts.front());
    std::deque<Viewer> viewers;
    for (std::size_t i = 0; i < options.viewers; ++i) viewers.emplace_back(shared, contexts[i % contexts.size()]);
    Publisher publisher(shared, contexts.front(), viewers);

    const auto stop = [&contexts] {
        for (auto &context : contexts) context.stop();
    };
    const auto start = [&](awaitable<void> connecting, awaitable<void> publishing) -> awaitable<void> {
        co_await std::move(connecting);
        for (std::size_t i = 0; i < viewers.size(); ++i)
            asio::co_spawn(contexts[i % contexts.size()], viewers[i].watch(), [&](const std::exception_ptr &thrown) {
                shared.fail(thrown);
            });
        co_await std::move(publishing);
    };
    asio::co_spawn(contexts.front(), start(publisher.connect(), publisher.publish()), [&](const std::exception_ptr &thrown) {
        shared.fail(thrown);
        stop();
    });
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < contexts.size(); ++i) threads.emplace_back([&context = contexts[i]] { context.run(); });
    contexts.front().run();
    for (auto &thread : threads) thread.join();
    shared.rethrow();
    const bool good = report(options, publisher, viewers);
    std::fflush(stdout);
    // The process ends here: closing the sessions and freeing the memory would only take time.
    std::_Exit(good ? 0 : 1);
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    line.option("--publish", [&](std::string_view text) { options.publish = text; });
    line.option("--subscribe", [&](std::string_view text) { options.subscribe = text; });
    line.option("--path", [&](std::string_view text) { options.path = text; });
    line.option("--protocol", [&](std::string_view text) { options.protocol = text; });
    const auto number = [&line](std::string name, std::size_t &value, std::size_t least, std::size_t most) {
        line.option(name, [=, &value](std::string_view text) { value = number_from(name, text, least, most); });
    };
    number("--pid", options.pid, 1, 1 << 30);
    number("--viewers", options.viewers, 1, 10'000);
    number("--rate", options.rate, 0, 100'000);
    number("--frames", options.frames, 1, 30'000);
    number("--size", options.size, sizeof(Header), 16 << 20);
    number("--seconds", options.seconds, 1, 3600);
    number("--warmup", options.warmup, 0, 3600);
    number("--window", options.window, 1, 1000);
    number("--keep", options.keep, 1, 3600);
    number("--threads", options.threads, 1, 256);
    line.flag("--json", [&] { options.json = true; });
    return run_main("relay_load", usage, line, argc, argv, [&options] {
        if (!options.publish || !options.subscribe || options.pid == 0)
            throw UsageError("which relay? --publish, --subscribe and --pid (--help tells)");
        for (const auto &url : {*options.publish, *options.subscribe}) static_cast<void>(relay_url(url));
        return run(options);
    });
}
