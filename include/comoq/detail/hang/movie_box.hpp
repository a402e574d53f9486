// SPDX-License-Identifier: MIT
#pragma once
#include "../../hang/codec.hpp"
#include "boxes.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace comoq::hang::detail {

/// A track as `moov` describes it.
struct MovieTrack {
    std::uint32_t id = 0;
    std::uint32_t timescale = 0;  // never 0
    DecoderConfig config;         // of kind Other: nothing that can be played; without a codec
    /// By the edit list: presentation begins at this time of the media, in units of the track, and after a pause.
    std::int64_t media_begin = 0;
    std::int64_t pause = 0;  // microseconds
    /// What the samples of fragments have if they do not say otherwise.
    std::uint32_t duration = 0, size = 0, flags = 0;

    friend bool operator==(const MovieTrack &, const MovieTrack &) = default;
};

struct MovieBox {
    std::vector<MovieTrack> tracks;
    bool is_fragmented = false;
};

/// What is wanted of a `moov`.
enum class MovieUse : std::uint8_t {
    Play,   ///< everything
    Times,  ///< when samples are decoded, and where decoding may begin: any codec will do, and all but video counts as audio
};

/// Reads the contents of a `moov`. Throws Mp4Error for what is damaged or, to play it, cannot be played as it is: encrypted tracks,
/// unknown codecs of video or audio, edit lists of several pieces. At most 64 tracks.
MovieBox read_movie(std::span<const std::byte> moov, MovieUse use = MovieUse::Play);

}  // namespace comoq::hang::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/hang/movie_box.ipp"
#include "../../impl/detail/hang/sample_entry.ipp"
#endif
