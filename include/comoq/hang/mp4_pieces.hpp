// SPDX-License-Identifier: MIT
/// \file
/// A fragmented MP4 cut into pieces, with its boxes as they are: for a program that passes a file on and does not look at its samples.
#pragma once
#include "../bytes.hpp"
#include "../config.hpp"
#include "../detail/hang/fragment_box.hpp"
#include "mp4_error.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

namespace comoq::hang {

/// A part of a movie that a reader can begin with: a group of pictures, or a fragment of sound where the movie has no video.
struct Mp4Piece {
    /// Whole boxes, in the order of the file. What stands before a fragment (`styp`, `sidx`, `emsg`, `prft`) belongs to it.
    std::vector<Bytes> boxes;
    /// When its first sample is decoded, from the beginning of the movie. Never before that of the piece before.
    std::chrono::microseconds begin{0};
    /// When its last sample ends.
    std::chrono::microseconds end{0};
};

/// A movie in pieces.
struct Mp4Pieces {
    /// From the beginning of the file to the end of `moov`.
    Bytes init;
    /// In the order of the file; at least one.
    std::vector<Mp4Piece> pieces;
    /// What stands behind the last fragment, such as an index (`mfra`). It tells places in the file, so that it is right only behind
    /// all of it.
    Bytes rest;
};

/// What a piece may hold. The defaults are what a group holds.
struct Mp4PieceLimits {
    /// In all of its boxes.
    std::size_t bytes = std::size_t{32} << 20;
    /// How many there may be.
    std::size_t boxes = 32'768;
};

/// Cuts a whole fragmented MP4 before each fragment that has a key frame as its first picture. It takes any codec, and encrypted
/// tracks: it reads times, and no samples. Fragments without `tfdt` go on where the last one ended, and so does a file that was put
/// behind another one. The pieces are slices of `file`, but for an `mdat` that says by a size of 0 that it goes on to the end: that one
/// gets its real size, as a movie that is passed on does not end there.
///
/// A group of pictures beyond the limits is cut into several pieces, of whole fragments. Throws Mp4Error for a fragment beyond them, for
/// a beginning (`init`) of more bytes than that, and for what is damaged, truncated or not a fragmented MP4.
Mp4Pieces cut_mp4(const Bytes &file, const Mp4PieceLimits &limits = {});

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/mp4_pieces.ipp"
#endif
