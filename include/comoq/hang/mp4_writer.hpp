// SPDX-License-Identifier: MIT
/// \file
/// A fragmented MP4, written as its frames come.
#pragma once
#include "../bytes.hpp"
#include "../config.hpp"
#include "codec.hpp"
#include "mp4_error.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace comoq::hang {

/// A sample of a fragment that is to be written, without its bytes. Times are in microseconds.
struct Mp4OutputSample {
    /// Bytes.
    std::uint32_t size = 0;
    /// Until the next one is decoded.
    std::uint32_t duration = 0;
    /// From when it is decoded to when it is shown.
    std::int32_t offset_to_shown = 0;
    /// True if decoding may begin with it.
    bool is_key = true;
};

/// Writes what goes before the bytes of samples: `init()`, and for each fragment a header, behind which its samples follow, in
/// order and without anything between them. All tracks count in microseconds.
class Mp4Writer {
public:
    /// Throws Mp4Error for a codec that is not known here, or that lacks the `description` which it needs.
    explicit Mp4Writer(std::vector<DecoderConfig> tracks);

    /// `ftyp` and `moov`: what a file begins with, and what a player of any fragment needs.
    Bytes init() const;
    /// A `moof` of one track, and the header of its `mdat`. Throws Mp4Error above 4 GiB, and above 65,536 samples.
    Bytes fragment(std::size_t track, std::uint64_t decode_time, std::span<const Mp4OutputSample> samples);

private:
    std::vector<DecoderConfig> tracks_;
    std::uint32_t fragments_ = 0;
};

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/mp4_writer.ipp"
#endif
