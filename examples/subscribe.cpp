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
    "Writes the frames of a track to standard output, group after group, and then those of the next track. The relay must\n"
    "have the broadcast; with --announced it may come later. Missing groups are reported on standard error.\n"
    "\n"
    "  URL           a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PATH          the broadcast, announced or not\n"
    "  TRACK         a track of it, such as init and then video of a file from publish\n"
    "  --start N     start with group N instead of the newest one\n"
    "  --groups N    exit after N groups of a track\n"
    "  --announced   wait until the broadcast is announced\n"
    "  --strict      exit with 1 if a group is missing\n"
    "  --ca FILE     PEM file of authorities to check a secure relay against; default: the system's\n"
    "  --help        print this\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> path;
    std::vector<std::string> tracks;
    std::optional<std::uint64_t> start;
    std::size_t groups = std::numeric_limits<std::size_t>::max();
    bool announced = false, is_strict = false;
};

void write(std::string_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() || std::fflush(stdout) != 0) {
        throw std::runtime_error("cannot write to standard output");
    }
}

// Reports the groups of a track that are missing in the output.
class Missing {
public:
    // Without a start, a track begins anywhere.
    Missing(std::string track, std::optional<std::uint64_t> start) : track_(std::move(track)), next_(start) {}

    void took(std::uint64_t sequence) {
        if (next_) {
            skipped_up_to(sequence);
        }
        next_ = sequence + 1;
    }
    // The track has no group from `end` on.
    void ended_at(std::uint64_t end) {
        if (next_) {
            skipped_up_to(end);
        }
    }
    void broke_off(std::uint64_t sequence, const std::error_code &code) {
        fmt::print(stderr, "subscribe: {}: group {} is not whole: {}\n", track_, sequence, code.message());
        any_ = true;
    }
    bool any() const { return any_; }

private:
    void skipped_up_to(std::uint64_t end) {
        if (end <= *next_) {
            return;
        }
        if (end - *next_ == 1) {
            fmt::print(stderr, "subscribe: {}: group {} is missing\n", track_, *next_);
        } else {
            fmt::print(stderr, "subscribe: {}: groups {} to {} are missing\n", track_, *next_, end - 1);
        }
        any_ = true;
    }

    const std::string track_;
    std::optional<std::uint64_t> next_;
    bool any_ = false;
};

// True if everything arrived.
awaitable<bool> copy_track(comoq::BroadcastConsumer broadcast, std::string name, const Options &options) {
    comoq::Subscription wishes;
    wishes.ordered = true;
    wishes.start = options.start;
    auto track = co_await broadcast.track(name).subscribe(wishes);
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
        missing.took(group->sequence());
        // A group that is lost on the way does not end the track.
        while (true) {
            auto [failure, frame] = co_await group->read_frame().as_tuple();
            if (failure) {
                missing.broke_off(group->sequence(), failure);
            }
            if (failure || !frame) {
                break;
            }
            write(frame->payload.view());
        }
    }
    co_return !missing.any();
}

awaitable<void> work(const Options &options, comoq::OriginConsumer origin) {
    auto found = options.announced ? origin.announced_broadcast(*options.path) : origin.request_broadcast(*options.path);
    auto broadcast = co_await std::move(found);
    bool is_whole = true;
    for (const auto &name : options.tracks) {
        const bool came = co_await copy_track(broadcast, name, options);
        is_whole = is_whole && came;
    }
    if (options.is_strict && !is_whole) {
        throw std::runtime_error("the output is not complete");
    }
}

awaitable<void> run(const Options &options) {
    Client client(options.relay, *options.path);
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
    line.flag("--strict", [&] { options.is_strict = true; });
    return run_main("subscribe", usage, line, argc, argv, [&options] {
        if (options.tracks.empty()) {
            throw UsageError("missing URL, PATH or TRACK (see --help)");
        }
        return run_client(run(options));
    });
}
