// publish: a fragmented MP4, or standard input, as a broadcast at a relay.
#include "net/client.hpp"
#include "shared/command_line.hpp"
#include "shared/fmp4.hpp"
#include "shared/fmp4_times.hpp"
#include "shared/log_lines.hpp"
#include "shared/run_until_signal.hpp"

#include <comoq/first_of.hpp>
#include <comoq/origin.hpp>
#include <comoq/path.hpp>
#include <comoq/task_group.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asio::awaitable;
using asio::use_awaitable;

constexpr const char *usage =
    "usage: publish URL PATH [FILE.mp4] [options]\n"
    "\n"
    "Publishes a fragmented MP4, at the speed of playback, as the tracks init and video of a broadcast. Without a file,\n"
    "publishes standard input as the track data, a group for each piece that is read. It begins when the relay is reached,\n"
    "ends when its readers have everything, and fails if there was no reader.\n"
    "\n"
    "  URL           a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PATH          the broadcast\n"
    "  FILE.mp4      a fragmented MP4; - or no name means standard input\n"
    "  --track NAME  a name for the track in place of video, or data\n"
    "  --loop        start again at the end of the file\n"
    "  --wait        start when somebody subscribes\n"
    "  --keep SECONDS  how long published groups can be requested; default: 30\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> path, file, track;
    bool loops = false, waits = false;
    std::chrono::seconds keep{30};
};

awaitable<void> publish_movie(comoq::TrackProducer init, comoq::TrackProducer video, const fmp4::Movie &movie,
                              const Options &options) {
    init.write_frame(comoq::Bytes::copy(movie.init));
    init.finish();
    if (options.waits) {
        co_await video.used();
    }
    const auto times = fmp4::times_of(movie);
    // The last fragment is as long as the one before it.
    const auto length = times.size() < 2 ? 1s : times.back() + (times.back() - times[times.size() - 2]);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    auto begin = std::chrono::steady_clock::now();
    std::chrono::microseconds played{0};
    do {
        for (std::size_t i = 0; i < movie.fragments.size(); ++i) {
            timer.expires_at(begin + times[i]);
            co_await timer.async_wait(use_awaitable);
            auto group = video.append_group();
            const auto micros = static_cast<std::uint64_t>((played + times[i]).count());
            for (const fmp4::Block box : movie.fragments[i]) {
                group.write_frame(comoq::Bytes::copy(box), comoq::Timestamp(micros, comoq::Timescale(1'000'000)));
            }
            group.finish();
        }
        begin += length;
        played += length;
    } while (options.loops);
    video.finish();
}

// asio makes a descriptor non-blocking, and a terminal's descriptor is shared with the shell.
class InputFlags {
public:
    InputFlags() : flags_(::fcntl(STDIN_FILENO, F_GETFL)) {}
    InputFlags(const InputFlags &) = delete;
    InputFlags &operator=(const InputFlags &) = delete;
    ~InputFlags() { ::fcntl(STDIN_FILENO, F_SETFL, flags_); }

private:
    int flags_;
};

awaitable<void> publish_input(comoq::TrackProducer data, const Options &options) {
    if (options.waits) {
        co_await data.used();
    }
    const InputFlags flags;
    asio::posix::stream_descriptor input(co_await asio::this_coro::executor, ::dup(STDIN_FILENO));
    std::vector<std::byte> piece(64 * 1024);
    while (true) {
        std::error_code failure;
        const std::size_t count =
            co_await input.async_read_some(asio::buffer(piece), asio::redirect_error(use_awaitable, failure));
        if (failure == asio::error::eof) {
            break;
        }
        if (failure) {
            throw std::runtime_error("standard input cannot be read: " + failure.message());
        }
        data.write_frame(comoq::Bytes::copy(std::span(piece).first(count)));
    }
    data.finish();
}

// How long a reader that has waited for the broadcast may take to come when that is over already.
constexpr auto last_chance = 3s;

// A lost connection is told a moment after its readers have gone.
constexpr auto loss_is_told = 100ms;

// Waits until the readers have received the track and left. Throws if they left because the relay was lost, and none came
// back as long as the track is kept.
awaitable<void> until_read(const Client &client, comoq::TrackProducer track, std::chrono::seconds longest) {
    using namespace asio::experimental::awaitable_operators;
    const auto end = std::chrono::steady_clock::now() + longest;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (true) {
        timer.expires_at(end);
        co_await (track.unused() || timer.async_wait(use_awaitable));
        timer.expires_after(loss_is_told);
        co_await timer.async_wait(use_awaitable);
        if (client.is_connected()) {
            co_return;
        }
        timer.expires_at(end);
        const auto first = co_await (track.used() || timer.async_wait(use_awaitable));
        if (first.index() == 1) {
            throw std::runtime_error("the relay was lost before the readers had everything");
        }
    }
}

awaitable<void> note_reader(comoq::TrackProducer track, bool &came) {
    co_await track.used();
    came = true;
}

// Publishes a track by `playing`, until its readers have everything. Throws if none came.
awaitable<void> publish_to_readers(const Client &client, comoq::TrackProducer track, awaitable<void> playing,
                                   const Options &options) {
    bool came = false;
    const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<void> {
        tasks.spawn(note_reader(track, came));
        co_await std::move(playing);
        if (!came) {
            auto reader = track.used();
            co_await comoq::first_of(std::move(reader), comoq::sleep_for(last_chance));
        }
        co_await until_read(client, track, options.keep);
        tasks.cancel();
    };
    co_await comoq::with_task_group(body);
    if (!came) {
        throw std::runtime_error(fmt::format("nobody has subscribed to {} (--wait waits for a reader)", in_quotes(*options.path)));
    }
}

awaitable<void> work(const Options &options, const Client &client, const fmp4::Movie &movie) {
    auto broadcast = client.published().create_broadcast(*options.path);
    comoq::TrackInfo info;
    info.max_latency = options.keep;
    info.ordered = true;
    auto &producer = broadcast.producer();
    if (!options.file) {
        auto data = producer.create_track(options.track.value_or("data"), info);
        co_await publish_to_readers(client, data, publish_input(data, options), options);
        co_return;
    }
    auto init = producer.create_track("init", info);
    info.timescale = comoq::Timescale(1'000'000);
    auto video = producer.create_track(options.track.value_or("video"), info);
    co_await publish_to_readers(client, video, publish_movie(init, video, movie, options), options);
}

awaitable<void> run(const Options &options, const fmp4::Movie &movie) {
    Client client(options.relay);
    co_await client.while_connected(work(options, client, movie));
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    options.relay.read_from(line);
    line.word([&](std::string_view text) { options.path = text; });
    line.word([&](std::string_view text) {
        if (text != "-") {
            options.file = text;
        }
    });
    line.option("--track", [&](std::string_view text) { options.track = text; });
    line.option("--keep", [&](std::string_view text) {
        options.keep = std::chrono::seconds(number_from("--keep", text, 1, 86'400));
    });
    line.flag("--loop", [&] { options.loops = true; });
    line.flag("--wait", [&] { options.waits = true; });
    return run_main("publish", std::string(usage) + RelayOptions::usage, line, argc, argv, [&options] {
        show_log("publish", options.relay.log_level());
        if (!options.relay.url || !options.path) {
            throw UsageError("missing URL or PATH (see --help)");
        }
        if (options.loops && !options.file) {
            throw UsageError("--loop needs a file");
        }
        check_path(*options.path);
        fmp4::Movie movie;
        std::vector<std::byte> file;
        try {
            if (options.file) {
                file = fmp4::read_file(*options.file);
                movie = fmp4::parse(file);
            }
        } catch (const fmp4::BadFile &error) {
            throw std::runtime_error(fmt::format("{} {}", in_quotes(*options.file), error.what()));
        }
        run_until_signal(run(options, movie));
        return true;
    });
}
