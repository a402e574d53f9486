#include "hang/movie_output.hpp"

#include <comoq/hang/catalog_track.hpp>
#include <comoq/hang/hevc.hpp>
#include <comoq/error.hpp>
#include <comoq/task_group.hpp>

#include <algorithm>
#include <chrono>
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

// A publisher of live media changes its catalog step by step: it lists the pictures a moment after the sound, and ends a track
// a moment before it takes it out of the list.
constexpr std::chrono::seconds until_settled(1);

std::int64_t shown_at(const ReceivedFrame &frame) { return static_cast<std::int64_t>(frame.timestamp.value()); }

// One track on its way from the broadcast to the file.
struct Track {
    std::string name;
    DecoderConfig config;
    comoq::hang::Container container;
    std::unique_ptr<MediaConsumer> reader;
    std::optional<ReceivedFrame> first;  // read for its configuration
    std::vector<ReceivedFrame> frames;   // of the next fragment
    bool has_sets_in_frames = false;
    MissingFrames missing;               // of earlier subscriptions
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

bool is_hevc(const DecoderConfig &config) { return config.codec.starts_with("hvc1") || config.codec.starts_with("hev1"); }
// H.264 and HEVC that have no description have their parameter sets in the frames, whether they are called avc1 and hvc1, or avc3
// and hev1.
bool has_sets_in_frames(const DecoderConfig &config) {
    return config.description.empty() && (config.codec.starts_with("avc1") || config.codec.starts_with("avc3") || is_hevc(config));
}

// Whether the track can be had, and written to an MP4.
bool is_usable(const comoq::hang::Rendition &rendition, const DecoderConfig &config) {
    if (rendition.container.kind == comoq::hang::ContainerKind::Unknown || rendition.broadcast) {
        return false;
    }
    if (has_sets_in_frames(config)) {
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

template <class R> std::optional<DecoderConfig> usable_config(const R &rendition) {
    try {
        auto config = config_of(rendition, comoq::hang::decoder_config(rendition));
        return is_usable(rendition, config) ? std::optional(std::move(config)) : std::nullopt;
    } catch (const comoq::hang::Mp4Error &) {
        return std::nullopt;
    }
}

// The rendition with the highest bit rate, or else with the largest pictures.
template <class R> std::optional<Track> best_of(const std::map<std::string, R> &renditions) {
    std::optional<Track> best;
    std::pair<std::uint64_t, std::uint64_t> best_rank;
    for (const auto &[name, rendition] : renditions) {
        auto config = usable_config(rendition);
        if (!config) {
            continue;
        }
        const auto size = comoq::hang::decoder_config(rendition);
        const std::pair rank(rendition.bitrate.value_or(0), std::uint64_t{size.width} * size.height);
        if (best && rank <= best_rank) {
            continue;
        }
        best_rank = rank;
        best.emplace();
        best->name = name;
        best->config = std::move(*config);
        best->container = rendition.container;
        best->has_sets_in_frames = has_sets_in_frames(best->config);
    }
    return best;
}

awaitable<void> subscribe(comoq::BroadcastConsumer broadcast, Track &track, std::optional<std::uint64_t> start,
                          std::optional<std::chrono::microseconds> latency) {
    comoq::Subscription wishes;
    wishes.priority = track.config.kind == MediaKind::Audio ? 80 : 60;
    wishes.start = start;
    auto asked = broadcast.track(track.name).subscribe(wishes);
    auto subscriber = co_await std::move(asked);
    track.reader = std::make_unique<MediaConsumer>(std::move(subscriber), track.container, latency);
}

// The next catalog that comes before it counts as settled.
awaitable<std::optional<comoq::hang::Catalog>> next_soon(comoq::hang::CatalogConsumer &catalogs, comoq::Sleep sleep) {
    try {
        auto next = catalogs.next();
        co_return co_await comoq::with_timeout(std::move(next), until_settled, std::move(sleep));
    } catch (const std::system_error &error) {
        if (error.code() != comoq::Error::Timeout) {
            throw;
        }
    }
    co_return std::nullopt;
}

// The pictures first, which decide when there is enough.
awaitable<std::vector<Track>> tracks_of(comoq::BroadcastConsumer broadcast, const MovieOutputOptions &options) {
    auto subscribing = broadcast.track(comoq::hang::catalog_track).subscribe();
    auto [failure, catalog_track] = co_await std::move(subscribing).as_tuple();
    if (failure) {
        throw std::system_error(failure, "the broadcast has no catalog.json (it can be written by the names of its tracks): ");
    }
    comoq::hang::CatalogConsumer catalogs(std::move(catalog_track));
    auto catalog = co_await catalogs.next();
    if (!catalog) {
        throw std::runtime_error("the broadcast has ended before its catalog came");
    }
    std::optional<Track> video, audio;
    while (catalog) {
        // Sound and pictures have groups of their own: only their beginning is the same.
        const auto both = options.start == 0 ? options.start : std::nullopt;
        if (!video && (video = best_of(catalog->video))) {
            co_await subscribe(broadcast, *video, options.start, options.latency);
        }
        if (!audio && (audio = best_of(catalog->audio))) {
            co_await subscribe(broadcast, *audio, catalog->video.empty() ? options.start : both, options.latency);
        }
        if (video && audio) {
            break;
        }
        catalog = co_await next_soon(catalogs, options.sleep);
    }
    std::vector<Track> tracks;
    for (auto *one : {&video, &audio}) {
        if (*one) tracks.push_back(std::move(**one));
    }
    if (tracks.empty()) {
        throw std::runtime_error("the catalog has no track that can be written to an MP4");
    }
    co_return tracks;
}

template <class R> bool lists(const std::map<std::string, R> &renditions, const Track &track) {
    const auto found = renditions.find(track.name);
    if (found == renditions.end() || found->second.container.kind != track.container.kind) {
        return false;
    }
    const auto config = usable_config(found->second);
    return config && (config->codec == track.config.codec || track.has_sets_in_frames);
}

// A live publisher that turns its camera off ends the track, and takes it out of the catalog until the camera is on again. Whether
// the track that has ended is there again, as it was; false if it is over, or the catalog is.
awaitable<bool> comes_back(comoq::BroadcastConsumer broadcast, const Track &track, comoq::Sleep sleep) {
    auto subscribing = broadcast.track(comoq::hang::catalog_track).subscribe();
    auto [failure, catalog_track] = co_await std::move(subscribing).as_tuple();
    if (failure) {
        co_return false;
    }
    comoq::hang::CatalogConsumer catalogs(std::move(catalog_track));
    auto catalog = co_await catalogs.next();
    const auto is_listed = [&] {
        return track.config.kind == MediaKind::Video ? lists(catalog->video, track) : lists(catalog->audio, track);
    };
    while (catalog && is_listed()) {
        catalog = co_await next_soon(catalogs, sleep);
    }
    while (catalog && !is_listed()) {
        catalog = co_await catalogs.next();
    }
    co_return catalog.has_value();
}

// Lengths take the place of start codes, and the first parameter sets that of the description.
void repack(Track &track, ReceivedFrame &frame) {
    if (!track.has_sets_in_frames) {
        return;
    }
    const auto take = [&](comoq::Bytes payload, comoq::Bytes description, const char *name, auto codec_of) {
        frame.payload = std::move(payload);
        if (!track.config.description.empty() || description.empty()) return;
        track.config.codec = codec_of(name, description.span()).value_or(name);
        track.config.description = std::move(description);
    };
    if (is_hevc(track.config)) {
        auto hevc = comoq::hang::hevc_from_annex_b(frame.payload.span());
        take(std::move(hevc.payload), std::move(hevc.hvcc), "hvc1", &comoq::hang::hevc_codec);
    } else {
        auto avc = comoq::hang::avc_from_annex_b(frame.payload.span());
        take(std::move(avc.payload), std::move(avc.avcc), "avc1", &comoq::hang::avc_codec);
    }
}

// What has not come so far, or came too late.
MissingFrames missing_in(const std::vector<Track> &tracks) {
    MissingFrames missing;
    for (const auto &track : tracks) {
        missing.add(track.missing);
        missing.add(*track.reader);
    }
    return missing;
}

awaitable<void> copy_track(comoq::BroadcastConsumer broadcast, std::vector<Track> &tracks, std::size_t place, Output &output,
                           const MovieOutputOptions &options, Progress &progress, comoq::TaskGroup &tasks) {
    const auto groups = place == 0 ? options.groups : std::numeric_limits<std::size_t>::max();
    Track &track = tracks[place];
    const bool is_video = track.config.kind == MediaKind::Video;
    std::exception_ptr failure;
    std::size_t begun = 0;
    try {
        while (true) {
            auto frame = std::exchange(track.first, std::nullopt);
            if (!frame) {
                frame = co_await track.reader->read();
                if (!frame) {
                    output.fragment(place, track.frames);
                    const bool is_back = co_await comes_back(broadcast, track, options.sleep);
                    if (!is_back) break;
                    track.missing.add(*track.reader);
                    co_await subscribe(broadcast, track, std::nullopt, options.latency);
                    continue;
                }
                repack(track, *frame);
            }
            begun += frame->begins_group ? 1 : 0;
            const bool is_long = !track.frames.empty() && shown_at(*frame) - shown_at(track.frames.front()) >= length_of_audio_fragment;
            if ((is_video && frame->is_key) || (!is_video && is_long) || track.frames.size() == 10'000) {
                output.fragment(place, track.frames);
            }
            if (begun > groups) break;
            progress.add(frame->payload.size(), frame->timestamp.floor<std::chrono::microseconds>());
            const auto missing = missing_in(tracks);
            progress.set_missing(missing.late_groups, missing.groups);
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
    if (begun > groups) {
        tasks.cancel();
    }
}

}  // namespace

awaitable<MissingFrames> write_movie(comoq::BroadcastConsumer broadcast, MovieOutputOptions options,
                                     std::function<void(std::string_view)> write, Progress &progress) {
    auto tracks = co_await tracks_of(broadcast, options);
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
            tasks.spawn(copy_track(broadcast, tracks, i, output, options, progress, tasks));
        }
        co_return;
    };
    co_await comoq::with_task_group(body);
    co_return missing_in(tracks);
}
