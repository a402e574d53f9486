// recorder: writes tracks of a broadcast at a relay to files, up to a limit.
#include "net/client.hpp"
#include "recorder/disk.hpp"
#include "recorder/record.hpp"
#include "shared/command_line.hpp"
#include "shared/log_lines.hpp"
#include "shared/run_until_signal.hpp"

#include <comoq/origin.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
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
    "usage: recorder URL PATH DIRECTORY TRACK [TRACK] [TRACK] [options]\n"
    "\n"
    "Writes the frames of each track to DIRECTORY/TRACK, until all tracks have ended, a limit is reached, or Ctrl-C. A thread\n"
    "of its own writes. What did not come, or came while the disk was behind and has expired, is reported on standard error.\n"
    "\n"
    "  URL             a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PATH            the broadcast, announced or not\n"
    "  DIRECTORY       where to write; it is created\n"
    "  TRACK           a track of it, such as init and video of a file from publish\n"
    "  --seconds N     stop after N seconds\n"
    "  --groups N      stop each track after N whole groups\n"
    "  --bytes N       stop before the frame that exceeds N bytes\n"
    "  --start N       start with group N instead of the newest one\n"
    "  --latency MS    how late groups may come before the relay gives them up; default: as late as the publisher keeps them\n"
    "  --wait SECONDS  how long to wait for the broadcast to be announced; default: not at all\n"
    "  --strict        exit with 1 if anything is missing\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> path, directory;
    std::vector<std::string> tracks;
    RecordingLimits limits;
    comoq::Subscription wishes;
    std::chrono::seconds wait{0};
    bool is_strict = false;
};

awaitable<comoq::BroadcastConsumer> find(comoq::OriginConsumer origin, const Options &options) {
    if (options.wait == std::chrono::seconds(0)) {
        auto requested = co_await origin.request_broadcast(*options.path);
        co_return requested;
    }
    auto announced = origin.announced_broadcast(*options.path);
    try {
        auto found = co_await comoq::with_timeout<comoq::BroadcastConsumer>(std::move(announced), options.wait);
        co_return found;
    } catch (const std::system_error &error) {
        if (error.code() != comoq::Error::Timeout) throw;
    }
    throw std::runtime_error(fmt::format("{} was not announced within {} s", in_quotes(*options.path), options.wait.count()));
}

awaitable<void> work(const Options &options, comoq::OriginConsumer origin, std::vector<Recorded> &tracks, Disk &disk) {
    auto broadcast = co_await find(std::move(origin), options);
    auto write = [&disk](std::size_t file, std::vector<comoq::Frame> frames) { return disk.write(file, std::move(frames)); };
    Recording recording(tracks, options.limits, options.wishes, write);
    co_await recording.record(std::move(broadcast));
}

awaitable<void> run(const Options &options, std::vector<Recorded> &tracks, Disk &disk) {
    Client client(options.relay, comoq::Path(*options.path));
    co_await client.while_connected(work(options, client.received(), tracks, disk));
}

// True if everything came.
bool report(const std::vector<Recorded> &tracks) {
    bool is_whole = true;
    for (const auto &track : tracks) {
        fmt::print("recorder: {}: {} groups, {} bytes\n", track.name(), track.groups(), track.bytes());
        if (track.is_whole()) continue;
        is_whole = false;
        fmt::print(stderr, "recorder: {}: {} groups are missing, {:.1f} s\n", track.name(), track.missing_groups(),
                   track.missing_seconds());
    }
    return is_whole;
}

bool record(const Options &options) {
    std::vector<Recorded> tracks;
    for (const auto &name : options.tracks) tracks.emplace_back(name, options.wishes.start);
    // It outlives the disk, whose thread completes there.
    ProgramPlace place;
    Disk disk(*options.directory, options.tracks);
    // Also after a failure or Ctrl-C: what was recorded stays.
    std::exception_ptr failure;
    try {
        run_until_signal(place, run(options, tracks, disk));
    } catch (...) {
        failure = std::current_exception();
    }
    disk.close();
    const bool is_whole = report(tracks);
    if (failure != nullptr) std::rethrow_exception(failure);
    return is_whole || !options.is_strict;
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    options.wishes.ordered = true;
    CommandLine line;
    options.relay.read_from(line);
    line.word([&](std::string_view text) { options.path = text; });
    line.word([&](std::string_view text) { options.directory = text; });
    const auto track = [&](std::string_view text) {
        if (text.empty() || text.starts_with('.') || text.find('/') != std::string_view::npos)
            throw UsageError(fmt::format("track {} is not the name of a file", in_quotes(text)));
        if (std::ranges::find(options.tracks, text) != options.tracks.end())
            throw UsageError(fmt::format("track {} is there twice", in_quotes(text)));
        options.tracks.emplace_back(text);
    };
    for (int i = 0; i < 3; ++i) line.word(track);
    constexpr std::size_t most = std::size_t{1} << 53;
    const auto number = [&](const char *name, std::size_t least, std::size_t largest, auto take) {
        line.option(name, [=](std::string_view text) { take(number_from(name, text, least, largest)); });
    };
    number("--seconds", 1, 31'536'000, [&](std::size_t n) { options.limits.time = std::chrono::seconds(n); });
    number("--groups", 1, most, [&](std::size_t n) { options.limits.groups = n; });
    number("--bytes", 1, most, [&](std::size_t n) { options.limits.bytes = n; });
    number("--start", 0, most, [&](std::size_t n) { options.wishes.start = n; });
    number("--latency", 1, 86'400'000, [&](std::size_t n) { options.wishes.max_latency = std::chrono::milliseconds(n); });
    number("--wait", 1, 31'536'000, [&](std::size_t n) { options.wait = std::chrono::seconds(n); });
    line.flag("--strict", [&] { options.is_strict = true; });
    return run_main("recorder", std::string(usage) + RelayOptions::usage, line, argc, argv, [&options] {
        show_log("recorder", options.relay.log_level());
        if (!options.relay.url || options.tracks.empty()) {
            throw UsageError("missing URL, PATH, DIRECTORY or TRACK (see --help)");
        }
        return record(options);
    });
}
