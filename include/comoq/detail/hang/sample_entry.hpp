// SPDX-License-Identifier: MIT
#pragma once
#include "movie_box.hpp"

namespace comoq::hang::detail {

/// The configuration in an entry of `stsd`, for a track of that kind. Throws Mp4Error, with the name of the entry.
DecoderConfig read_sample_entry(MediaKind kind, const Box &entry);

}  // namespace comoq::hang::detail
