// When the fragments of a fragmented MP4 are due.
#pragma once

#include "fmp4.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace fmp4 {

// The time of each fragment since the first one, which is when its first track says that it begins to be decoded (tfdt, in
// the units of mdhd). One that does not say takes the time of the one before.
std::vector<std::chrono::microseconds> times_of(const Movie &movie);

}  // namespace fmp4
