// A movie as a hang broadcast: its catalog, and a track for each of its tracks.
#pragma once

#include "hang/movie_file.hpp"
#include "shared/progress.hpp"

#include <comoq/broadcast.hpp>
#include <comoq/hang/catalog_track.hpp>
#include <comoq/hang/media_track.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

struct BroadcastOptions {
    comoq::hang::ContainerKind container = comoq::hang::ContainerKind::Cmaf;
    std::optional<std::string> video_name;  // in place of video
    std::chrono::milliseconds keep{30'000};
};

// The container of that name: legacy, loc or cmaf.
std::optional<comoq::hang::ContainerKind> container_named(std::string_view name);

class MediaBroadcast {
public:
    // Makes the tracks: video, audio, video2 and so on; and with Cmaf the track init, which makes a file of the first one of them.
    MediaBroadcast(comoq::BroadcastProducer broadcast, const std::vector<SurveyedTrack> &tracks, const BroadcastOptions &options);

    // A sample, later by `moved`. One that waits longer to be shown than the catalog says, as nobody knows what an encoder writes next,
    // changes the catalog.
    void write(const comoq::hang::Mp4Sample &sample, std::chrono::microseconds moved, Progress &progress);
    void finish();

    // One for each track of the movie.
    std::vector<comoq::TrackProducer> tracks() const;

private:
    void say_jitter(std::size_t track, std::chrono::microseconds wait);

    comoq::hang::CatalogProducer catalog_;
    comoq::hang::Catalog said_;
    std::vector<SurveyedTrack> tracks_;
    std::vector<comoq::hang::MediaProducer> media_;
    std::optional<comoq::TrackProducer> init_;
};
