// SPDX-License-Identifier: MIT
#pragma once
#include "movie_box.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace comoq::hang::detail {

/// A sample as `moof` describes it, in units of its track.
struct FragmentSample {
    std::size_t track = 0;  // its place in the movie
    std::int64_t decode_time = 0;
    std::int64_t offset_to_shown = 0;
    std::uint32_t duration = 0;
    bool is_key = true;
    std::uint64_t position = 0;  // in the file, as far as the file knows
    std::uint32_t size = 0;
};

/// Units of a track in microseconds, rounded down. `units` is at most a quarter of what 64 bits hold.
std::int64_t in_microseconds(std::int64_t units, std::uint32_t timescale);

/// Where the next sample of each track goes if its fragment does not say it, and by how much the times of a file are moved.
using DecodeTimes = std::vector<std::int64_t>;

/// Reads the contents of a `moof` at `position`; positions begin with the movie's file. Tracks that cannot be played are left
/// out. `next` gets the ends of the tracks. Throws Mp4Error; at most 65,536 samples, whatever their sizes.
std::vector<FragmentSample> read_fragment(std::span<const std::byte> moof, std::uint64_t position, const std::vector<MovieTrack> &tracks,
                                          DecodeTimes &next);

}  // namespace comoq::hang::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/hang/fragment_box.ipp"
#endif
