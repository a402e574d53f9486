// subscribe: writes tracks of a broadcast at a relay to standard output.
#include "net/client.hpp"
#include "shared/command_line.hpp"
#include "shared/log_lines.hpp"
#include "shared/run_until_signal.hpp"
#include "subscribe/output_file.hpp"
#if defined(COMOQ_EXAMPLE_HANG)
#include "hang/movie_output.hpp"
#endif

#include <comoq/origin.hpp>
#include <comoq/task_group.hpp>
#include <comoq/time.hpp>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using asio::awaitable;

constexpr const char *usage =
    "usage: subscribe URL PATH [TRACK [TRACK]] [options]\n"
    "\n"
    "Writes the pictures and the sound of a hang broadcast to standard output, as an MP4 that can be played. With TRACK, writes\n"
    "the frames of a track as they are, group after group, and then those of the next track. The relay must\n"
    "have the broadcast; with --announced it may come later. Missing groups, and their seconds, are reported on standard error.\n"
    "\n"
    "  URL           a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PATH          the broadcast, announced or not\n"
    "  TRACK         a track of it, such as init and then video of a file from publish\n"
    "  --output FILE write to a file in place of standard output; one that is there already is replaced when something comes\n"
    "  --start N     start with group N instead of the newest one\n"
    "  --groups N    exit after N groups of a track, or of the MP4's first track\n"
    "  --latency MS  of the MP4: go on with a newer group where one is later than that; without it, nothing is passed over\n"
    "  --announced   wait until the broadcast is announced\n"
    "  --strict      exit with 1 if a group is missing\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> path, output;
    std::vector<std::string> tracks;
    std::optional<std::uint64_t> start;
    std::size_t groups = std::numeric_limits<std::size_t>::max();
    std::optional<std::chrono::milliseconds> latency;
    bool announced = false, is_strict = false;
};

// Reports the groups of a track that are missing in the output, and counts them.
class Missing {
public:
    // Without a start, a track begins anywhere.
    Missing(std::string track, std::optional<std::uint64_t> start) : track_(std::move(track)), next_(start) {}

    // A group has come, whose first frame has that time.
    void took(std::uint64_t sequence, std::optional<comoq::Timestamp> begin) {
        if (next_) {
            skipped_up_to(sequence, last_ && begin ? seconds(*begin) - seconds(*last_) : 0);
        }
        next_ = sequence + 1;
    }
    void read_until(comoq::Timestamp time) { last_ = time; }
    // The track has no group from `end` on.
    void ended_at(std::uint64_t end) {
        if (next_) {
            skipped_up_to(end, 0);
        }
    }
    void broke_off(std::uint64_t sequence, const std::error_code &code) {
        fmt::print(stderr, "subscribe: {}: group {} is not whole: {}\n", track_, sequence, code.message());
        ++groups_;
    }
    std::uint64_t groups() const { return groups_; }
    double seconds() const { return seconds_; }

private:
    static double seconds(comoq::Timestamp time) {
        return static_cast<double>(time.value()) / static_cast<double>(time.scale().units_per_second());
    }
    void skipped_up_to(std::uint64_t end, double time) {
        if (end <= *next_) {
            return;
        }
        const auto which = end - *next_ == 1 ? fmt::format("group {} is", *next_) : fmt::format("groups {} to {} are", *next_, end - 1);
        // From the last frame before them to the first one after them.
        const auto how_long = time > 0 ? fmt::format(" ({:.1f} seconds)", time) : std::string();
        fmt::print(stderr, "subscribe: {}: {} missing{}\n", track_, which, how_long);
        groups_ += end - *next_;
        seconds_ += time > 0 ? time : 0;
    }

    const std::string track_;
    std::optional<std::uint64_t> next_;
    std::optional<comoq::Timestamp> last_;  // of the frames that came
    std::uint64_t groups_ = 0;
    double seconds_ = 0;
};

struct Total {
    std::uint64_t groups = 0;
    double seconds = 0;
};

// What cannot be subscribed to is named.
awaitable<comoq::TrackSubscriber> subscribed(comoq::BroadcastConsumer broadcast, std::string name, const Options &options) {
    comoq::Subscription wishes;
    wishes.ordered = true;
    wishes.start = options.start;
    try {
        auto subscribing = broadcast.track(name).subscribe(wishes);
        co_return co_await std::move(subscribing);
    } catch (const std::system_error &error) {
        throw std::system_error(error.code(), fmt::format("track {} of {}", in_quotes(name), in_quotes(*options.path)));
    }
}

// Adds to `total` what has not come.
awaitable<void> copy_track(comoq::BroadcastConsumer broadcast, std::string name, const Options &options, OutputFile &output, Total &total) {
    auto track = co_await subscribed(broadcast, name, options);
    Missing missing(name, options.start);
    for (std::size_t groups = 0; groups != options.groups; ++groups) {
        auto group = co_await track.next_group();
        if (!group) {
            auto [unknown, end] = co_await track.finished().as_tuple();
            if (!unknown) {
                missing.ended_at(end);
            }
            break;
        }
        // A group that is lost on the way does not end the track.
        for (bool is_first = true;; is_first = false) {
            auto [failure, frame] = co_await group->read_frame().as_tuple();
            // This program ends: nothing is missing.
            if (failure == asio::error::operation_aborted) {
                throw std::system_error(failure);
            }
            if (is_first) {
                missing.took(group->sequence(), frame ? std::optional(frame->timestamp) : std::nullopt);
            }
            if (failure) {
                missing.broke_off(group->sequence(), failure);
            }
            if (failure || !frame) {
                break;
            }
            missing.read_until(frame->timestamp);
            output.write(frame->payload.view());
        }
    }
    total.groups += missing.groups();
    total.seconds += missing.seconds();
}

#if defined(COMOQ_EXAMPLE_HANG)
awaitable<void> copy_movie(comoq::BroadcastConsumer broadcast, const Options &options, OutputFile &output) {
    MovieOutputOptions wishes;
    wishes.start = options.start;
    wishes.groups = options.groups;
    wishes.latency = options.latency;
    const auto write = [&output](std::string_view bytes) { output.write(bytes); };
    Progress progress;
    MissingFrames missing;
    const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<void> {
        tasks.spawn(progress.show());
        missing = co_await write_movie(std::move(broadcast), wishes, write, progress);
        tasks.cancel();
    };
    co_await comoq::with_task_group(body);
    if (missing.groups + missing.late_groups + missing.bad_frames == 0) {
        co_return;
    }
    auto what = fmt::format("{} groups and {} frames are missing", missing.groups, missing.bad_frames);
    if (missing.late_groups != 0) {
        what += fmt::format(", and {} groups or their ends, which were late", missing.late_groups);
    }
    if (options.is_strict) {
        throw std::runtime_error("the output is not complete: " + what);
    }
    fmt::print(stderr, "subscribe: {}\n", what);
}
#endif

awaitable<void> work(const Options &options, comoq::OriginConsumer origin, OutputFile &output) {
    auto found = options.announced ? origin.announced_broadcast(*options.path) : origin.request_broadcast(*options.path);
    if (options.announced && !found.ready()) {
        fmt::print(stderr, "subscribe: waiting until {} is announced\n", in_quotes(*options.path));
    }
    auto broadcast = co_await std::move(found);
#if defined(COMOQ_EXAMPLE_HANG)
    if (options.tracks.empty()) {
        co_await copy_movie(std::move(broadcast), options, output);
        co_return;
    }
#endif
    Total missing;
    for (const auto &name : options.tracks) {
        co_await copy_track(broadcast, name, options, output, missing);
    }
    if (options.is_strict && missing.groups != 0) {
        throw std::runtime_error(fmt::format("the output is not complete: {} {} missing, {:.1f} seconds", missing.groups,
                                             missing.groups == 1 ? "group is" : "groups are", missing.seconds));
    }
}

awaitable<void> run(const Options &options, OutputFile &output) {
    Client client(options.relay, comoq::Path(*options.path));
    co_await client.while_connected(work(options, client.received(), output));
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    options.relay.read_from(line);
    line.word([&](std::string_view text) { options.path = text; });
    line.word([&](std::string_view text) { options.tracks.emplace_back(text); });
    line.word([&](std::string_view text) { options.tracks.emplace_back(text); });
    line.option("--start", [&](std::string_view text) {
        options.start = number_from("--start", text, 0, std::size_t{1} << 53);
    });
    line.option("--groups", [&](std::string_view text) {
        options.groups = number_from("--groups", text, 1, std::size_t{1} << 53);
    });
    line.option("--latency", [&](std::string_view text) {
        options.latency = std::chrono::milliseconds(number_from("--latency", text, 0, 3'600'000));
    });
    line.option("--output", [&](std::string_view text) { options.output = text; });
    line.flag("--announced", [&] { options.announced = true; });
    line.flag("--strict", [&] { options.is_strict = true; });
    return run_main("subscribe", std::string(usage) + RelayOptions::usage, line, argc, argv, [&options] {
        show_log("subscribe", options.relay.log_level());
        if (!options.relay.url || !options.path) {
            throw UsageError("missing URL or PATH (see --help)");
        }
        if (options.latency && !options.tracks.empty()) {
            throw UsageError("--latency is for an MP4, without TRACK");
        }
#if !defined(COMOQ_EXAMPLE_HANG)
        if (options.tracks.empty()) {
            throw UsageError("missing TRACK: this program was built without nlohmann-json and zlib, and makes no MP4 (see --help)");
        }
#endif
        check_path(*options.path);
        OutputFile output(options.output);
        run_until_signal(run(options, output));
        return true;
    });
}
