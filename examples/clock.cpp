// clock: a line of text a second, published through a relay and read from it.
#include "net/client.hpp"
#include "shared/command_line.hpp"

#include <comoq/origin.hpp>

#include <asio/awaitable.hpp>
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

namespace {

using namespace std::chrono_literals;

constexpr const char *usage =
    "usage: clock publish|subscribe URL [--path PATH] [--count N]\n"
    "\n"
    "Publishes a line with the time of day every second, or prints what is published. Both may be started first.\n"
    "\n"
    "  URL          a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  --path PATH  the broadcast; clock if not given\n"
    "  --count N    leave after N lines\n"
    "  --ca FILE    authorities that a secure relay is checked by, PEM; the system's if not given\n"
    "  --help       print this\n";

struct Options {
    std::optional<std::string> role;
    RelayOptions relay;
    std::string path = "clock";
    std::size_t count = 0;  // 0: without end
};

// A group every five seconds, as a video has one a scene: who comes later begins with the last one, and whoever was cut off
// goes on with the next one.
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

asio::awaitable<void> subscribe(comoq::OriginConsumer origin, std::string path, std::size_t count) {
    std::size_t lines = 0;
    // The publisher may come and go.
    while (true) {
        auto broadcast = co_await origin.announced_broadcast(path);
        auto [failure, track] = co_await broadcast.track("seconds").subscribe().as_tuple();
        while (!failure) {
            auto [lost, group] = co_await track.next_group().as_tuple();
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
                if (++lines == count) {
                    co_return;
                }
            }
        }
        co_await broadcast.closed();
    }
}

asio::awaitable<void> run(Options options) {
    Client client(options.relay);
    if (options.role == "subscribe") {
        co_await client.while_connected(subscribe(client.received(), options.path, options.count));
        co_return;
    }
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
    return run_main("clock", usage, line, argc, argv, [&options] {
        if ((options.role != "publish" && options.role != "subscribe") || !options.relay.url) {
            throw UsageError("publish or subscribe, and where? (--help tells)");
        }
        return run_client(run(options));
    });
}
