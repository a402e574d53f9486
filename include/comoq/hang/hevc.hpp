// SPDX-License-Identifier: MIT
/// \file
/// HEVC that has its parameter sets in the frames.
#pragma once
#include "../bytes.hpp"
#include "../config.hpp"

#include <cstddef>
#include <span>

namespace comoq::hang {

/// HEVC with its parameter sets in the frames (Annex B), as encoders give it where the catalog has no description: the hvcC of the
/// parameter sets in a key frame, and the frame with lengths in place of start codes and without them. The result is a copy, at
/// most twice the size of the frame.
struct HevcFrame {
    /// Empty if the frame lacks a video, sequence or picture parameter set, or its sequence parameter set cannot be read.
    Bytes hvcc;
    /// With lengths of four bytes.
    Bytes payload;
};
/// Makes it.
HevcFrame hevc_from_annex_b(std::span<const std::byte> frame);

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/hevc.ipp"
#endif
