// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>

#if defined(__linux__)
#include <time.h>
#endif

namespace comoq::detail {

/// The steady clock, as it was at the kernel's last tick: at most a tick (1 to 10 ms) behind, and it never goes back.
/// Age is counted in seconds, and every frame that is written asks for the time: the exact clock took 31 ns of a write,
/// this one takes 11. On systems other than Linux it is the steady clock.
inline std::chrono::steady_clock::time_point coarse_now() noexcept {
#if defined(__linux__) && defined(CLOCK_MONOTONIC_COARSE)
    // libstdc++ and libc++ take their steady clock from CLOCK_MONOTONIC, which has the same zero.
    timespec time{};
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &time) == 0) {
        const auto since = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
        return std::chrono::steady_clock::time_point(
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(since));
    }
#endif
    return std::chrono::steady_clock::now();
}

}  // namespace comoq::detail
