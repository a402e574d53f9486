// Compiled where comoq::hang is there.
#include "movie.hpp"
#include "recording.hpp"

#include <stdexcept>

#if defined(COMOQ_EXAMPLE_HANG)
#include "hang/media_broadcast.hpp"
#include "hang/movie_file.hpp"
#include "hang/movie_output.hpp"

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using asio::awaitable;
using comoq::hang::Mp4Sample;

namespace {

// The frames of a track in the file.
struct FileTrack {
    comoq::hang::MediaKind kind = comoq::hang::MediaKind::Other;
    std::vector<Mp4Sample> samples;
};

// The movie that a viewer writes, read as it is written: each of its tracks should be one of the file's.
class FrameCheck {
public:
    explicit FrameCheck(const std::vector<FileTrack> &file) : file_(file) {}

    // How many frames these bytes have completed.
    std::size_t push(std::string_view bytes) {
        reader_.push(comoq::Bytes::copy(bytes));
        std::size_t frames = 0;
        while (const auto sample = reader_.next()) {
            if (tracks_.empty()) begin();
            take(tracks_[sample->track], *sample);
            ++frames;
        }
        return frames;
    }

    // True at the end if all frames have come.
    bool is_whole() const {
        return !tracks_.empty() && std::ranges::all_of(tracks_, [&](const Track &track) {
            return std::ranges::any_of(track.candidates, [&](const auto *one) { return one->samples.size() == track.count; });
        });
    }

private:
    struct Track {
        std::vector<const FileTrack *> candidates;
        std::size_t count = 0;
        std::chrono::microseconds first{0};  // when its first frame is shown
    };

    void begin() {
        for (const auto &track : reader_.tracks()) {
            auto &own = tracks_.emplace_back();
            for (const auto &one : file_) {
                if (one.kind == track.config.kind) own.candidates.push_back(&one);
            }
        }
    }

    static std::chrono::microseconds shown(const Mp4Sample &sample) { return sample.timestamp.floor<std::chrono::microseconds>(); }

    static void take(Track &track, const Mp4Sample &sample) {
        if (track.count == 0) track.first = shown(sample);
        const auto differs = [&](const FileTrack *one) {
            if (track.count >= one->samples.size()) return true;
            const auto &wanted = one->samples[track.count];
            const auto late = (shown(sample) - track.first) - (shown(wanted) - shown(one->samples.front()));
            // Times of the file are rounded to microseconds.
            return wanted.payload != sample.payload || wanted.is_key != sample.is_key || late > 1us || late < -1us;
        };
        std::erase_if(track.candidates, differs);
        ++track.count;
    }

    const std::vector<FileTrack> &file_;
    comoq::hang::Mp4Reader reader_;
    std::vector<Track> tracks_;
};

class Frames : public Movie {
public:
    explicit Frames(const std::filesystem::path &file) : survey_(survey(file)), tracks_(survey_.tracks.size()) {
        TimedMovie movie(file);
        while (auto sample = movie.next()) {
            tracks_[sample->track].samples.push_back(*sample);
            samples_.push_back(std::move(*sample));
        }
        for (std::size_t i = 0; i != tracks_.size(); ++i) {
            tracks_[i].kind = survey_.tracks[i].config.kind;
            bytes_ += survey_.tracks[i].bytes;
        }
        groups_ = static_cast<std::size_t>(std::ranges::count_if(samples_, [](const auto &sample) { return begins_group(sample); }));
    }

    std::size_t groups() const override { return groups_; }
    std::size_t bytes() const override { return bytes_; }

    void create_tracks(comoq::BroadcastProducer &live) override {
        BroadcastOptions options;
        options.keep = 1min;
        broadcast_.emplace(live, survey_.tracks, options);
    }

    awaitable<void> publish(RelayProgress &progress) override {
        co_await broadcast_->tracks().front().used();
        asio::steady_timer clock(co_await asio::this_coro::executor);
        Progress frames;
        for (const auto &sample : samples_) {
            if (begins_group(sample)) {
                clock.expires_after(30ms);
                co_await clock.async_wait(asio::use_awaitable);
                progress.group_published();
            }
            broadcast_->write(sample, 0us, frames);
        }
        broadcast_->finish();
    }

    awaitable<void> view(comoq::BroadcastConsumer broadcast, Recording &recording, RelayProgress &progress) const override {
        FrameCheck check(tracks_);
        Progress frames;
        MovieOutputOptions options;
        options.start = 0;
        const auto write = [&](std::string_view bytes) {
            recording.add_frames(check.push(bytes));
            recording.write(std::as_bytes(std::span(bytes)));
            progress.bytes_delivered(bytes.size());
        };
        const auto missing = co_await write_movie(std::move(broadcast), options, write, frames);
        recording.finish(check.is_whole() && missing.groups == 0 && missing.bad_frames == 0);
    }

private:
    // In the first track of the file: a group for each key frame.
    static bool begins_group(const Mp4Sample &sample) { return sample.track == 0 && sample.is_key; }

    Survey survey_;
    std::vector<FileTrack> tracks_;
    std::vector<Mp4Sample> samples_;  // in the order of decoding
    std::size_t bytes_ = 0, groups_ = 0;
    std::optional<MediaBroadcast> broadcast_;
};

}  // namespace

std::unique_ptr<Movie> movie_of_frames(const std::filesystem::path &file) { return std::make_unique<Frames>(file); }

#else

std::unique_ptr<Movie> movie_of_frames(const std::filesystem::path &) {
    throw std::runtime_error("--hang: this program was built without nlohmann-json and zlib");
}

#endif
