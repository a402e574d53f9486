#include "hang/movie_output.hpp"

#include <comoq/hang/catalog_track.hpp>
#include <comoq/task_group.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;
using comoq::hang::DecoderConfig;
using comoq::hang::MediaConsumer;
using comoq::hang::MediaKind;
using comoq::hang::ReceivedFrame;

// A live broadcast may have begun days ago: the file begins near its first frame. Another track may be a little earlier.
constexpr std::int64_t before_first_frame = 500'000;
constexpr std::int64_t length_of_audio_fragment = 500'000;

std::int64_t shown_at(const ReceivedFrame &frame) { return static_cast<std::int64_t>(frame.timestamp.value()); }

// One track on its way from the broadcast to the file.
struct Track {
    std::string name;
    DecoderConfig config;
    comoq::hang::Container container;
    std::unique_ptr<MediaConsumer> reader;
    std::optional<ReceivedFrame> first;  // read for its configuration
    std::vector<ReceivedFrame> frames;   // of the next fragment
    bool has_sets_in_frames = false;     // avc3
};

class Output {
public:
    Output(const std::vector<DecoderConfig> &configs, std::function<void(std::string_view)> write)
        : writer_(configs), write_(std::move(write)), tracks_(configs.size()) {
        write_(writer_.init().view());
    }

    void fragment(std::size_t track, std::vector<ReceivedFrame> &frames) {
        if (frames.empty()) {
            return;
        }
        const auto decoded = decode_times(frames, tracks_[track]);
        if (!begin_) {
            begin_ = std::max(std::min<std::int64_t>(0, decoded.front()), decoded.front() - before_first_frame);
        }
        std::vector<comoq::hang::Mp4OutputSample> samples;
        for (std::size_t i = 0; i != frames.size(); ++i) {
            const std::int64_t gap = i + 1 != frames.size() ? decoded[i + 1] - decoded[i] : last_duration(frames, decoded);
            comoq::hang::Mp4OutputSample sample;
            sample.size = static_cast<std::uint32_t>(frames[i].payload.size());
            sample.duration = static_cast<std::uint32_t>(std::clamp<std::int64_t>(gap, 0, 1'000'000'000));
            sample.offset_to_shown = static_cast<std::int32_t>(std::clamp<std::int64_t>(shown_at(frames[i]) - decoded[i], -1'000'000'000, 1'000'000'000));
            sample.is_key = frames[i].is_key;
            samples.push_back(sample);
        }
        const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(0, decoded.front() - *begin_));
        write_(writer_.fragment(track, time, samples).view());
        for (const auto &frame : frames) {
            write_(frame.payload.view());
        }
        frames.clear();
    }

private:
    struct DecodeTimes {
        std::int64_t delay = 0;                // added to each presentation time, so that every frame is decoded before it is shown
        std::optional<std::int64_t> last;
    };

    // The container's own times. Where it has none: the presentation times in ascending order, minus the longest wait of a frame.
    // The first group decides that wait. A later group with a longer one gets times that are closer together.
    static std::vector<std::int64_t> decode_times(const std::vector<ReceivedFrame> &frames, DecodeTimes &track) {
        std::vector<std::int64_t> times;
        const bool are_known = std::ranges::all_of(frames, [](const auto &frame) { return frame.decode_time.has_value(); });
        for (const auto &frame : frames) {
            times.push_back(are_known ? frame.decode_time->count() : shown_at(frame));
        }
        if (are_known) {
            return times;
        }
        std::ranges::sort(times);
        for (std::size_t i = 0; i != frames.size(); ++i) {
            track.delay = std::max(track.delay, times[i] - shown_at(frames[i]));
        }
        for (auto &time : times) {
            time = std::max(time - track.delay, track.last ? *track.last + 1 : std::numeric_limits<std::int64_t>::min());
            track.last = time;
        }
        return times;
    }
    static std::int64_t last_duration(const std::vector<ReceivedFrame> &frames, const std::vector<std::int64_t> &decoded) {
        if (frames.back().duration.count() > 0) {
            return frames.back().duration.count();
        }
        return decoded.size() > 1 ? decoded.back() - decoded[decoded.size() - 2] : 40'000;
    }

    comoq::hang::Mp4Writer writer_;
    std::function<void(std::string_view)> write_;
    std::vector<DecodeTimes> tracks_;
    std::optional<std::int64_t> begin_;
};

// Whether the track can be had, and written to an MP4.
bool is_usable(const comoq::hang::Rendition &rendition, const DecoderConfig &config) {
    if (rendition.container.kind == comoq::hang::ContainerKind::Unknown || rendition.broadcast) {
        return false;
    }
    if (config.codec.starts_with("avc3")) {
        return true;
    }
    try {
        comoq::hang::Mp4Writer({config});
        return true;
    } catch (const comoq::hang::Mp4Error &) {
        return false;
    }
}

// The configuration is that of the init where there is one: it has all of it.
DecoderConfig config_of(const comoq::hang::Rendition &rendition, DecoderConfig config) {
    if (rendition.container.kind != comoq::hang::ContainerKind::Cmaf) {
        return config;
    }
    comoq::hang::Mp4Reader reader;
    reader.push(rendition.container.init);
    return reader.tracks().size() == 1 ? reader.tracks().front().config : config;
}

// The rendition with the highest bit rate, or else with the largest pictures.
template <class R> void choose(const std::map<std::string, R> &renditions, std::vector<Track> &tracks) {
    const R *best = nullptr;
    Track chosen;
    for (const auto &[name, rendition] : renditions) {
        DecoderConfig config;
        try {
            config = config_of(rendition, comoq::hang::decoder_config(rendition));
        } catch (const comoq::hang::Mp4Error &) {
            continue;
        }
        if (!is_usable(rendition, config)) {
            continue;
        }
        const auto rank = [](const R &one) {
            const auto size = comoq::hang::decoder_config(one);
            return std::pair(one.bitrate.value_or(0), std::uint64_t{size.width} * size.height);
        };
        if (best != nullptr && rank(rendition) <= rank(*best)) {
            continue;
        }
        best = &rendition;
        chosen = Track();
        chosen.name = name;
        chosen.config = std::move(config);
        chosen.container = rendition.container;
        chosen.has_sets_in_frames = chosen.config.codec.starts_with("avc3");
    }
    if (best != nullptr) {
        tracks.push_back(std::move(chosen));
    }
}

awaitable<std::vector<Track>> tracks_of(comoq::BroadcastConsumer broadcast, const MovieOutputOptions &options) {
    auto subscribing = broadcast.track(comoq::hang::catalog_track).subscribe();
    auto [failure, track] = co_await std::move(subscribing).as_tuple();
    if (failure) {
        throw std::system_error(failure, "the broadcast has no catalog.json (it can be written by the names of its tracks): ");
    }
    comoq::hang::CatalogConsumer reader(std::move(track));
    const auto catalog = co_await reader.next();
    if (!catalog) {
        throw std::runtime_error("the broadcast has ended before its catalog came");
    }
    std::vector<Track> tracks;
    choose(catalog->video, tracks);
    choose(catalog->audio, tracks);
    if (tracks.empty()) {
        throw std::runtime_error("the catalog has no track that can be written to an MP4");
    }
    for (auto &one : tracks) {
        comoq::Subscription wishes;
        wishes.priority = one.config.kind == MediaKind::Audio ? 80 : 60;
        // The others have groups of their own: only the beginning is the same.
        if (&one == &tracks.front() || options.start == 0) {
            wishes.start = options.start;
        }
        auto asked = broadcast.track(one.name).subscribe(wishes);
        auto subscriber = co_await std::move(asked);
        one.reader = std::make_unique<MediaConsumer>(std::move(subscriber), one.container);
    }
    co_return tracks;
}

// Of a browser's H.264, lengths take the place of start codes.
void repack(Track &track, ReceivedFrame &frame) {
    if (!track.has_sets_in_frames) {
        return;
    }
    auto avc = comoq::hang::avc_from_annex_b(frame.payload.span());
    frame.payload = std::move(avc.payload);
    if (track.config.description.empty() && !avc.avcc.empty()) {
        track.config.description = avc.avcc;
        track.config.codec = comoq::hang::avc_codec("avc1", avc.avcc.span()).value_or("avc1");
    }
}

awaitable<void> copy_track(std::vector<Track> &tracks, std::size_t place, Output &output, std::size_t groups, Progress &progress,
                           comoq::TaskGroup &tasks) {
    Track &track = tracks[place];
    const bool is_video = track.config.kind == MediaKind::Video;
    std::exception_ptr failure;
    std::size_t begun = 0;
    try {
        while (true) {
            auto frame = std::exchange(track.first, std::nullopt);
            if (!frame) {
                frame = co_await track.reader->read();
                if (!frame) break;
                repack(track, *frame);
            }
            begun += frame->begins_group ? 1 : 0;
            const bool is_long = !track.frames.empty() && shown_at(*frame) - shown_at(track.frames.front()) >= length_of_audio_fragment;
            if ((is_video && frame->is_key) || (!is_video && is_long) || track.frames.size() == 10'000) {
                output.fragment(place, track.frames);
            }
            if (begun > groups) break;
            progress.add(frame->payload.size(), frame->timestamp.floor<std::chrono::microseconds>());
            progress.set_missing(0, track.reader->stats().lost_groups);
            if (!frame->payload.empty()) track.frames.push_back(std::move(*frame));
        }
    } catch (const std::system_error &) {
        failure = std::current_exception();
    }
    // What came whole is kept, whatever the end is.
    output.fragment(place, track.frames);
    if (failure != nullptr) {
        std::rethrow_exception(failure);
    }
    // The first track decides when there is enough.
    if (place == 0 && begun > groups) {
        tasks.cancel();
    }
}

}  // namespace

awaitable<MissingFrames> write_movie(comoq::BroadcastConsumer broadcast, MovieOutputOptions options,
                                     std::function<void(std::string_view)> write, Progress &progress) {
    auto tracks = co_await tracks_of(std::move(broadcast), options);
    for (auto &track : tracks) {
        // The beginning of the file needs the configuration.
        while (track.has_sets_in_frames && track.config.description.empty()) {
            auto frame = co_await track.reader->read();
            if (!frame) {
                throw std::runtime_error("the video has no parameter sets");
            }
            repack(track, *frame);
            track.first = std::move(frame);
        }
    }
    std::vector<DecoderConfig> configs;
    for (const auto &track : tracks) {
        configs.push_back(track.config);
    }
    Output output(configs, std::move(write));
    const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<void> {
        for (std::size_t i = 0; i != tracks.size(); ++i) {
            const auto groups = i == 0 ? options.groups : std::numeric_limits<std::size_t>::max();
            tasks.spawn(copy_track(tracks, i, output, groups, progress, tasks));
        }
        co_return;
    };
    co_await comoq::with_task_group(body);
    MissingFrames missing;
    for (const auto &track : tracks) {
        missing.groups += track.reader->stats().lost_groups;
        missing.bad_frames += track.reader->stats().bad_frames;
    }
    co_return missing;
}
