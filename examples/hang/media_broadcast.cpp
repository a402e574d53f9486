#include "hang/media_broadcast.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <ratio>
#include <utility>

namespace {

using comoq::hang::MediaKind;

std::string name_of(const char *kind, int number) { return number == 1 ? kind : fmt::format("{}{}", kind, number); }

double in_milliseconds(std::chrono::microseconds time) { return static_cast<double>(std::chrono::ceil<std::chrono::milliseconds>(time).count()); }

// What the frames say of a rendition.
void fill(comoq::hang::Rendition &rendition, const SurveyedTrack &track) {
    const auto seconds = std::chrono::duration<double>(track.duration).count();
    if (seconds > 0) {
        rendition.bitrate = static_cast<std::uint64_t>(8 * static_cast<double>(track.bytes) / seconds);
    }
    if (track.longest_wait.count() > 0) {
        rendition.jitter = in_milliseconds(track.longest_wait);
    }
}

}  // namespace

std::optional<comoq::hang::ContainerKind> container_named(std::string_view name) {
    using comoq::hang::ContainerKind;
    if (name == "legacy") return ContainerKind::Legacy;
    if (name == "loc") return ContainerKind::Loc;
    if (name == "cmaf") return ContainerKind::Cmaf;
    return std::nullopt;
}

MediaBroadcast::MediaBroadcast(comoq::BroadcastProducer broadcast, const std::vector<SurveyedTrack> &tracks,
                               const BroadcastOptions &options)
    : catalog_(broadcast), tracks_(tracks) {
    int videos = 0, audios = 0;
    const comoq::hang::MediaProducer *first = nullptr;
    media_.reserve(tracks.size());
    for (const auto &track : tracks) {
        auto info = comoq::hang::media_track_info(track.config.kind);
        info.max_latency = options.keep;
        const bool is_video = track.config.kind == MediaKind::Video;
        auto name = is_video ? name_of("video", ++videos) : name_of("audio", ++audios);
        if (is_video && videos == 1 && options.video_name) {
            name = *options.video_name;
        }
        auto &media = media_.emplace_back(broadcast.create_track(name, info), options.container, track.config);
        if (is_video) {
            auto &rendition = said_.video[name] = comoq::hang::video_rendition(track.config);
            rendition.container = media.container();
            const auto seconds = std::chrono::duration<double>(track.duration).count();
            if (seconds > 0) {
                rendition.framerate = static_cast<double>(track.frames) / seconds;
            }
            fill(rendition, track);
        } else {
            auto &rendition = said_.audio[name] = comoq::hang::audio_rendition(track.config);
            rendition.container = media.container();
            fill(rendition, track);
        }
        if (first == nullptr || (is_video && videos == 1)) {
            first = &media;
        }
    }
    if (options.container == comoq::hang::ContainerKind::Cmaf && first != nullptr) {
        comoq::TrackInfo info;
        info.max_latency = options.keep;
        init_ = broadcast.create_track("init", info);
        init_->write_frame(first->container().init);
        init_->finish();
    }
    catalog_.publish(said_);
}

void MediaBroadcast::write(const comoq::hang::Mp4Sample &sample, std::chrono::microseconds moved, Progress &progress) {
    comoq::hang::MediaFrame frame;
    const auto shown = sample.timestamp.floor<std::chrono::microseconds>() + moved;
    frame.timestamp = comoq::Timestamp(shown);
    frame.payload = sample.payload;
    frame.is_key = sample.is_key;
    frame.decode_time = sample.decode_time + moved;
    frame.duration = sample.duration;
    say_jitter(sample.track, wait_of(sample));
    media_[sample.track].write(frame);
    progress.add(frame.payload.size(), shown);
}

void MediaBroadcast::say_jitter(std::size_t track, std::chrono::microseconds wait) {
    auto &known = tracks_[track];
    if (wait <= known.longest_wait) {
        return;
    }
    // In steps, so that there are few.
    using Hundredths = std::chrono::duration<std::int64_t, std::centi>;
    known.longest_wait = std::chrono::ceil<Hundredths>(wait);
    const auto &name = media_[track].track().name();
    if (known.config.kind == MediaKind::Video) {
        said_.video.at(name).jitter = in_milliseconds(known.longest_wait);
    } else {
        said_.audio.at(name).jitter = in_milliseconds(known.longest_wait);
    }
    catalog_.publish(said_);
}

void MediaBroadcast::finish() {
    for (auto &media : media_) {
        media.finish();
    }
    catalog_.finish();
}

std::vector<comoq::TrackProducer> MediaBroadcast::tracks() const {
    std::vector<comoq::TrackProducer> all;
    for (const auto &media : media_) {
        all.push_back(media.track());
    }
    return all;
}
