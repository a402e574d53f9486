// A hang broadcast as a fragmented MP4.
#pragma once

#include "shared/progress.hpp"

#include <comoq/broadcast.hpp>
#include <comoq/hang/catalog.hpp>
#include <comoq/hang/media_track.hpp>
#include <comoq/hang/mp4_writer.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct MovieOutputOptions {
    std::optional<std::uint64_t> start;  // a group of the first track; 0: of all
    std::size_t groups = std::numeric_limits<std::size_t>::max();  // of the first track
    std::optional<std::chrono::microseconds> latency;  // as of a MediaConsumer; nothing: everything is waited for
    comoq::Sleep sleep;
};

// What did not come.
struct MissingFrames {
    std::uint64_t groups = 0, late_groups = 0, bad_frames = 0;

    void add(const MissingFrames &other) {
        groups += other.groups;
        late_groups += other.late_groups;
        bad_frames += other.bad_frames;
    }
    void add(const comoq::hang::MediaConsumer &reader) {
        groups += reader.stats().lost_groups;
        late_groups += reader.stats().late_groups;
        bad_frames += reader.stats().bad_frames;
    }
};

// Writes one video and one audio track of a broadcast, the best ones that it can read: the movie's beginning, then a fragment for
// each group of pictures, and for each half a second of sound. A track that leaves the catalog and comes back, as that of a camera
// that is off for a while, goes on. `write` gets the bytes in order, and may throw. Returns when the tracks have ended, or there are
// enough groups; throws what a track, or its catalog, fails with: everything before it has been written.
asio::awaitable<MissingFrames> write_movie(comoq::BroadcastConsumer broadcast, MovieOutputOptions options,
                                           std::function<void(std::string_view)> write, Progress &progress);
