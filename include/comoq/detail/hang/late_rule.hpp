// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

namespace comoq::hang::detail {

using MediaTime = std::chrono::microseconds;

/// Whether a reader that is at `now` has fallen behind, and should go on with a later group. `begins` are the times at which the
/// groups after the present one begin, in order, as far as they are known. Returns how many of those groups to pass over in
/// addition to the rest of the present one; nothing if it should stay.
///
/// It is behind if the newest group begins more than `latency` after `now`; it goes on with the first group from which
/// it is not.
inline std::optional<std::size_t> groups_to_skip(MediaTime now, std::span<const std::optional<MediaTime>> begins, MediaTime latency) {
    std::optional<MediaTime> newest;
    for (const auto &begin : begins) {
        if (begin && (!newest || *begin > *newest)) newest = begin;
    }
    if (!newest || *newest - now <= latency) return std::nullopt;
    std::size_t place = 0;
    while (!begins[place] || *newest - *begins[place] > latency) ++place;
    return place;
}

}  // namespace comoq::hang::detail
