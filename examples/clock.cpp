// clock: publishes a line of text every second through a relay, and reads it from there.
#include "net/client.hpp"
#include "shared/command_line.hpp"
#include "shared/log_lines.hpp"
#include "shared/run_until_signal.hpp"

#include <comoq/announce.hpp>
#include <comoq/first_of.hpp>
#include <comoq/origin.hpp>
#include <comoq/path.hpp>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace {

using namespace std::chrono_literals;

constexpr const char *usage =
    "usage: clock publish|subscribe URL [--path PATH] [--count N]\n"
    "\n"
    "Publishes a line with the time of day every second, or prints the published lines. Either may be started first.\n"
    "\n"
    "  URL          a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  --path PATH  the broadcast; default: clock\n"
    "  --count N    exit after N lines\n";

struct Options {
    std::optional<std::string> role;
    RelayOptions relay;
    std::string path = "clock";
    std::size_t count = 0;  // 0: without a limit
};

// A group every five seconds, as a video has one for each scene: a late subscriber begins with the latest group, and
// one that was cut off continues with the next.
asio::awaitable<void> publish(comoq::TrackProducer track, std::size_t count) {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::steady_clock::now());
    std::optional<comoq::GroupProducer> group;
    for (std::size_t line = 0; count == 0 || line < count; ++line) {
        const std::time_t now = std::time(nullptr);
        if (!group || now % 5 == 0) {
            if (group) {
                group->finish();
            }
            group = track.append_group();
        }
        const auto text = fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(now));
        group->write_frame(comoq::Bytes::copy(text));
        timer.expires_at(timer.expiry() + 1s);
        co_await timer.async_wait(asio::use_awaitable);
    }
    if (group) {
        group->finish();
    }
    track.finish();
}

// Says why a publisher is not read: once for each reason, until something is read.
class Complaint {
public:
    void say(std::error_code why) {
        // A cancellation is not a failure: another publisher is read.
        if (!why || why == asio::error::operation_aborted || why == said_) {
            return;
        }
        said_ = why;
        fmt::print(stderr, "clock: the track seconds has failed: {}; waiting for another publisher\n", why.message());
    }
    void over() { said_.clear(); }

private:
    std::error_code said_;
};

// Prints the lines of one publisher until it is gone, or until enough lines are printed.
asio::awaitable<void> print(comoq::BroadcastConsumer broadcast, std::size_t &lines, std::size_t count, Complaint &complaint) {
    auto [failure, track] = co_await broadcast.track("seconds").subscribe().as_tuple();
    complaint.say(failure);
    while (!failure) {
        auto [lost, group] = co_await track.next_group().as_tuple();
        complaint.say(lost);
        if (lost || !group) {
            break;
        }
        while (true) {
            auto [cut, frame] = co_await group->read_frame().as_tuple();
            if (cut || !frame) {
                break;
            }
            fmt::print("{}\n", frame->payload.view());
            std::fflush(stdout);
            complaint.over();
            if (++lines == count) {
                co_return;
            }
        }
    }
}

using MaybeAnnouncement = std::optional<comoq::Announcement>;

asio::awaitable<MaybeAnnouncement> next_of(comoq::AnnounceConsumer &watch) {
    auto next = watch.next();
    co_return co_await std::move(next);
}

// The next announcement after which something else has to be read. A broadcast that only comes by another way is the same.
asio::awaitable<MaybeAnnouncement> next_other(comoq::AnnounceConsumer &watch, comoq::Announcement present) {
    auto change = co_await next_of(watch);
    while (change && (change->path != present.path || change->broadcast == present.broadcast)) {
        change = co_await next_of(watch);
    }
    co_return change;
}

asio::awaitable<void> subscribe(comoq::OriginConsumer origin, std::string text, std::size_t count) {
    const comoq::Path path(text);
    std::size_t lines = 0;
    Complaint complaint;
    auto watch = origin.announced();
    MaybeAnnouncement change = co_await next_of(watch);
    // The publisher may come and go, and another one may take the path over after it falls silent: read that one then.
    while (change) {
        if (change->path != path || change->event == comoq::Announcement::Event::Ended) {
            change = co_await next_of(watch);
            continue;
        }
        auto printing = print(change->broadcast, lines, count, complaint);
        auto changing = next_other(watch, *change);
        auto first = co_await comoq::first_of(std::move(printing), std::move(changing));
        if (count != 0 && lines == count) {
            co_return;
        }
        if (first.index() == 1) {
            change = std::get<1>(std::move(first));
        } else {
            change = co_await next_of(watch);
        }
    }
}

asio::awaitable<void> run(Options options) {
    if (options.role == "subscribe") {
        Client client(options.relay, comoq::Path(options.path));
        co_await client.while_connected(subscribe(client.received(), options.path, options.count));
        co_return;
    }
    Client client(options.relay);
    auto broadcast = client.published().create_broadcast(options.path);
    auto track = broadcast.producer().create_track("seconds");
    co_await client.while_connected(publish(std::move(track), options.count));
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    line.word([&](std::string_view text) { options.role = text; });
    options.relay.read_from(line);
    line.option("--path", [&](std::string_view text) { options.path = text; });
    line.option("--count", [&](std::string_view text) { options.count = number_from("--count", text, 1, 1'000'000'000); });
    return run_main("clock", std::string(usage) + RelayOptions::usage, line, argc, argv, [&options] {
        show_log("clock", options.relay.log_level());
        if ((options.role != "publish" && options.role != "subscribe") || !options.relay.url) {
            throw UsageError("missing publish or subscribe, or URL (see --help)");
        }
        check_path(options.path);
        run_until_signal(run(options));
        return true;
    });
}
