// subscribe: writes tracks of a broadcast at a relay to standard output.
#include "net/client.hpp"
#include "shared/command_line.hpp"

#include <comoq/origin.hpp>

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using asio::awaitable;

constexpr const char *usage =
    "usage: subscribe URL PATH TRACK [TRACK] [options]\n"
    "\n"
    "Writes the frames of a track to standard output, group after group, and then those of the next one.\n"
    "What the relay has is taken; with --announced it may come later.\n"
    "\n"
    "  URL           a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PATH          the broadcast, announced or not\n"
    "  TRACK         a track of it, such as init and then video for what publish makes of a file\n"
    "  --start N     begin with group N, and not with the newest one\n"
    "  --groups N    leave after N groups of a track\n"
    "  --announced   wait until the broadcast is announced\n"
    "  --ca FILE     authorities that a secure relay is checked by, PEM; the system's if not given\n"
    "  --help        print this\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> path;
    std::vector<std::string> tracks;
    std::optional<std::uint64_t> start;
    std::size_t groups = std::numeric_limits<std::size_t>::max();
    bool announced = false;
};

void write(std::string_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() || std::fflush(stdout) != 0) {
        throw std::runtime_error("cannot write to standard output");
    }
}

awaitable<void> copy_track(comoq::BroadcastConsumer broadcast, std::string name, const Options &options) {
    comoq::Subscription wishes;
    wishes.ordered = true;
    wishes.start = options.start;
    auto track = co_await broadcast.track(name).subscribe(wishes);
    for (std::size_t groups = 0; groups != options.groups; ++groups) {
        auto group = co_await track.next_group();
        if (!group) {
            co_return;
        }
        // A group that is lost on the way is not the end of the track.
        while (true) {
            auto [failure, frame] = co_await group->read_frame().as_tuple();
            if (failure) {
                fmt::print(stderr, "group {}: {}\n", group->sequence(), failure.message());
            }
            if (failure || !frame) {
                break;
            }
            write(frame->payload.view());
        }
    }
}

awaitable<void> work(const Options &options, comoq::OriginConsumer origin) {
    auto found = options.announced ? origin.announced_broadcast(*options.path) : origin.request_broadcast(*options.path);
    auto broadcast = co_await std::move(found);
    for (const auto &name : options.tracks) {
        co_await copy_track(broadcast, name, options);
    }
}

awaitable<void> run(const Options &options) {
    Client client(options.relay);
    co_await client.while_connected(work(options, client.received()));
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
    line.flag("--announced", [&] { options.announced = true; });
    return run_main("subscribe", usage, line, argc, argv, [&options] {
        if (options.tracks.empty()) {
            throw UsageError("from where, and what? (--help tells)");
        }
        return run_client(run(options));
    });
}
