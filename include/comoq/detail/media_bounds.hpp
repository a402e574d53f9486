#pragma once
#include "sync.hpp"
#include "../time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace comoq::detail {

/// What the broadcasts of one origin share with it: its clock, its bounds, and the count of what is held.
struct MediaBounds {
    // One group holds a few seconds of high-bitrate video, or minutes of anything smaller.
    static constexpr std::size_t max_group_bytes = std::size_t{32} << 20;
    static constexpr std::size_t max_group_frames = 32768;

    std::size_t max_pending_requests = 65536;
    std::size_t max_frame_size = std::size_t{32} << 20;
    std::size_t max_cached_bytes = std::size_t{1} << 30;
    Clock clock = {};

    Atomic<std::size_t> cached_bytes{0};
    Atomic<std::size_t> cached_groups{0};
    Atomic<std::uint64_t> evicted_groups{0};
};

}  // namespace comoq::detail
