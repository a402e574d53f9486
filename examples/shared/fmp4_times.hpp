// When the fragments of a fragmented MP4 are due.
#pragma once

#include "fmp4.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace fmp4 {

// The time of each fragment since the first one, by the decode time of its first track (tfdt, in the units of mdhd). A
// fragment without one takes the time of the fragment before.
std::vector<std::chrono::microseconds> times_of(const Movie &movie);

}  // namespace fmp4
