// publish: a fragmented MP4, or standard input, as a broadcast at a relay.
#include "net/client.hpp"
#include "publish/input.hpp"
#include "shared/command_line.hpp"
#include "shared/log_lines.hpp"
#include "shared/movie_on_disk.hpp"
#include "shared/progress.hpp"
#include "shared/run_until_signal.hpp"

#if defined(COMOQ_EXAMPLE_HANG)
#include "hang/publish_movie.hpp"
#endif

#include <comoq/hang/mp4_pieces.hpp>
#include <comoq/origin.hpp>
#include <comoq/path.hpp>
#include <comoq/task_group.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asio::awaitable;
using asio::use_awaitable;

constexpr const char *usage =
    "usage: publish URL PATH [FILE.mp4] [options]\n"
    "\n"
    "Publishes a fragmented MP4 as a hang broadcast, which stock players can watch: a file at the speed of playback, or what an\n"
    "encoder writes to standard input, as it comes. Other input is published as the track data, a group for each piece that is\n"
    "read. It begins when the relay is reached, ends when its readers have everything, and fails if there was no reader.\n"
    "\n"
    "  URL           a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PATH          the broadcast; for players its name ends in .hang, by custom\n"
    "  FILE.mp4      a fragmented MP4; - is one on standard input; no name is standard input, whatever it carries: its first\n"
    "                bytes decide, for which the broadcast waits, or with --wait its first reader\n"
    "  --container KIND  how frames are packed: cmaf (the default), legacy or loc\n"
    "  --raw         not as hang: a file's boxes as they are, in the tracks init and video, but for an index at its end;\n"
    "                standard input as the track data\n"
    "  --track NAME  a name for the track in place of video, or data\n"
    "  --loop        start again at the end of the file\n"
    "  --wait        start when somebody subscribes\n"
    "  --keep SECONDS  how long published groups can be requested; default: 30\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> path, file, track;
    bool loops = false, waits = false, is_raw = false, wants_movie = false;
    std::string container = "cmaf";
    std::chrono::seconds keep{30};
};

// The boxes of a file as they are, a group for each piece, at the speed of playback.
awaitable<void> publish_boxes(comoq::TrackProducer init, comoq::TrackProducer video, const comoq::hang::Mp4Pieces &movie,
                              const Options &options, Progress &progress) {
    init.write_frame(movie.init);
    init.finish();
    asio::steady_timer timer(co_await asio::this_coro::executor);
    auto began = std::chrono::steady_clock::now();
    std::chrono::microseconds played{0}, length{0};
    for (const auto &piece : movie.pieces) {
        length = std::max(length, piece.end);
    }
    // Without times, a round takes a second.
    length = length == 0s ? 1s : length;
    do {
        for (const auto &piece : movie.pieces) {
            timer.expires_at(began + played + piece.begin);
            co_await timer.async_wait(use_awaitable);
            auto group = video.append_group();
            const comoq::Timestamp time(played + piece.begin);
            for (const auto &box : piece.boxes) {
                group.write_frame(box, time);
                progress.add(box.size(), played + piece.begin);
            }
            group.finish();
        }
        played += length;
    } while (options.loops);
    video.finish();
}

awaitable<void> publish_input(comoq::TrackProducer data, Input &input, Progress &progress) {
    while (true) {
        auto piece = co_await input.next();
        if (piece.empty()) {
            break;
        }
        progress.add(piece.size(), {});
        data.write_frame(std::move(piece));
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

awaitable<void> note_reader(comoq::TrackProducer track, bool &came, asio::steady_timer &waiting) {
    co_await track.used();
    came = true;
    waiting.cancel();
}

// Publishes tracks by `playing`, until their readers have everything. Throws if none came.
awaitable<void> publish_to_readers(const Client &client, std::vector<comoq::TrackProducer> tracks, awaitable<void> playing,
                                   const Options &options, const Progress &progress) {
    bool came = false;
    asio::steady_timer waiting(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    const auto until_came = [&](std::chrono::steady_clock::time_point end) -> awaitable<void> {
        waiting.expires_at(end);
        std::error_code is_over;
        if (!came) co_await waiting.async_wait(asio::redirect_error(use_awaitable, is_over));
    };
    const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<void> {
        for (const auto &track : tracks) {
            tasks.spawn(note_reader(track, came, waiting));
        }
        if (options.waits) {
            co_await until_came(asio::steady_timer::time_point::max());
        }
        tasks.spawn(progress.show());
        co_await std::move(playing);
        co_await until_came(std::chrono::steady_clock::now() + last_chance);
        for (const auto &track : tracks) {
            co_await until_read(client, track, options.keep);
        }
        tasks.cancel();
    };
    co_await comoq::with_task_group(body);
    if (!came) {
        throw std::runtime_error(fmt::format("nobody has subscribed to {} (--wait waits for a reader)", in_quotes(*options.path)));
    }
}

// A broadcast that is announced before anybody knows what it carries: the first request for a track makes this program look. Requests
// are answered when its tracks are made, or refused at the end of this.
class EarlyBroadcast {
public:
    explicit EarlyBroadcast(comoq::BroadcastPublish broadcast) : broadcast_(std::move(broadcast)), handler_(broadcast_.producer().dynamic()) {}

    awaitable<void> until_asked() {
        auto next = handler_.requested_track();
        first_ = co_await std::move(next);
    }
    comoq::BroadcastPublish &broadcast() { return broadcast_; }
    // Once the tracks are there.
    void refuse_the_rest() {
        first_.reset();
        handler_ = comoq::BroadcastDynamic();
    }

private:
    comoq::BroadcastPublish broadcast_;
    comoq::BroadcastDynamic handler_;
    std::optional<comoq::TrackRequest> first_;
};

#if defined(COMOQ_EXAMPLE_HANG)
MediaBroadcast hang_broadcast(comoq::BroadcastProducer &producer, const std::vector<SurveyedTrack> &tracks, const Options &options) {
    BroadcastOptions wishes;
    wishes.container = container_named(options.container).value();
    wishes.video_name = options.track;
    wishes.keep = options.keep;
    return MediaBroadcast(producer, tracks, wishes);
}

awaitable<void> publish_live(const Options &options, const Client &client, Input &input, std::optional<EarlyBroadcast> &early, Progress &progress) {
    LiveMovie movie([&input] { return input.next(); });
    std::optional<std::string> fault;
    try {
        const auto tracks = co_await movie.read_tracks();
        if (!early) early.emplace(client.published().create_broadcast(*options.path));
        auto media = hang_broadcast(early->broadcast().producer(), tracks, options);
        early->refuse_the_rest();
        co_await publish_to_readers(client, media.tracks(), movie.play(media, progress), options, progress);
        fault = movie.fault();
    } catch (const comoq::hang::Mp4Error &error) {
        fault = error.what();
    }
    if (fault) {
        throw std::runtime_error("standard input " + *fault);
    }
}

awaitable<void> publish_file(const Options &options, const Client &client, const Survey &survey, Progress &progress) {
    auto broadcast = client.published().create_broadcast(*options.path);
    auto media = hang_broadcast(broadcast.producer(), survey.tracks, options);
    auto playing = play_file(media, *options.file, survey, options.loops, progress);
    try {
        co_await publish_to_readers(client, media.tracks(), std::move(playing), options, progress);
    } catch (const comoq::hang::Mp4Error &error) {
        // It was well a moment ago.
        throw std::runtime_error(fmt::format("{} {}", in_quotes(*options.file), error.what()));
    }
}
#endif

awaitable<void> publish_raw(const Options &options, const Client &client, const comoq::hang::Mp4Pieces &movie, Progress &progress) {
    auto broadcast = client.published().create_broadcast(*options.path);
    auto &producer = broadcast.producer();
    comoq::TrackInfo info;
    info.max_latency = options.keep;
    info.ordered = true;
    auto init = producer.create_track("init", info);
    info.timescale = comoq::Timescale(1'000'000);
    auto video = producer.create_track(options.track.value_or("video"), info);
    std::vector<comoq::TrackProducer> tracks;
    tracks.push_back(video);
    co_await publish_to_readers(client, std::move(tracks), publish_boxes(init, video, movie, options, progress), options, progress);
}

awaitable<void> publish_data(const Options &options, const Client &client, Input &input, std::optional<EarlyBroadcast> &early, Progress &progress) {
    if (!early) early.emplace(client.published().create_broadcast(*options.path));
    comoq::TrackInfo info;
    info.max_latency = options.keep;
    info.ordered = true;
    std::vector<comoq::TrackProducer> tracks;
    tracks.push_back(early->broadcast().producer().create_track(options.track.value_or("data"), info));
    early->refuse_the_rest();
    auto data = tracks.front();
    co_await publish_to_readers(client, std::move(tracks), publish_input(data, input, progress), options, progress);
}

awaitable<void> publish_standard_input(const Options &options, const Client &client, Progress &progress) {
    Input input(co_await asio::this_coro::executor);
    std::optional<EarlyBroadcast> early;
#if defined(COMOQ_EXAMPLE_HANG)
    bool is_movie = options.wants_movie;
    if (!options.is_raw && !is_movie) {
        if (options.waits) {
            // Standard input is left alone until somebody comes.
            early.emplace(client.published().create_broadcast(*options.path));
            co_await early->until_asked();
        }
        is_movie = co_await input.begins_a_movie();
    }
    if (is_movie && !options.is_raw) {
        co_await publish_live(options, client, input, early, progress);
        co_return;
    }
#endif
    co_await publish_data(options, client, input, early, progress);
}

struct File {
    comoq::hang::Mp4Pieces movie;
#if defined(COMOQ_EXAMPLE_HANG)
    std::optional<Survey> survey;
#endif
};

awaitable<void> work(const Options &options, const Client &client, const File &file) {
    Progress progress;
    if (!options.file) {
        co_await publish_standard_input(options, client, progress);
        co_return;
    }
#if defined(COMOQ_EXAMPLE_HANG)
    if (file.survey) {
        co_await publish_file(options, client, *file.survey, progress);
        co_return;
    }
#endif
    co_await publish_raw(options, client, file.movie, progress);
}

awaitable<void> run(const Options &options, const File &file) {
    Client client(options.relay);
    co_await client.while_connected(work(options, client, file));
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
        options.wants_movie = text == "-";
    });
    line.option("--track", [&](std::string_view text) { options.track = text; });
    line.option("--keep", [&](std::string_view text) {
        options.keep = std::chrono::seconds(number_from("--keep", text, 1, 86'400));
    });
    line.option("--container", [&](std::string_view text) {
        if (text != "cmaf" && text != "legacy" && text != "loc") {
            throw UsageError("--container takes cmaf, legacy or loc");
        }
        options.container = text;
    });
    line.flag("--raw", [&] { options.is_raw = true; });
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
#if !defined(COMOQ_EXAMPLE_HANG)
        const bool lacks_hang = !std::exchange(options.is_raw, true) && (options.file || options.wants_movie);
#endif
        File file;
        try {
            if (options.file && options.is_raw) {
                file.movie = comoq::hang::cut_mp4(read_whole_movie(*options.file));
            }
#if defined(COMOQ_EXAMPLE_HANG)
            if (options.file && !options.is_raw) {
                file.survey = survey(*options.file);
            }
#endif
        } catch (const comoq::hang::Mp4Error &error) {
            throw std::runtime_error(fmt::format("{} {}", in_quotes(*options.file), error.what()));
        }
#if !defined(COMOQ_EXAMPLE_HANG)
        if (lacks_hang) {
            fmt::print(stderr, "publish: as with --raw, because this program was built without nlohmann-json and zlib\n");
        }
#endif
        run_until_signal(run(options, file));
        return true;
    });
}
