#pragma once
#include "coarse_clock.hpp"
#include "media_pool.hpp"
#include "sync.hpp"
#include "../time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

namespace comoq::detail {

using TimePoint = std::chrono::steady_clock::time_point;

/// What the broadcasts of one origin share with it: its clock, its bounds, the pool, and the count of what is held.
struct MediaBounds {
    // One group holds a few seconds of high-bitrate video, or minutes of anything smaller.
    static constexpr std::size_t max_group_bytes = std::size_t{32} << 20;
    static constexpr std::size_t max_group_frames = 32768;
    // What fits into one packet on nearly every path, with room for the headers around it.
    static constexpr std::size_t max_datagram_size = 1200;
    static constexpr std::size_t max_datagrams = 1024;

    std::size_t max_pending_requests = 65536;
    std::size_t max_frame_size = std::size_t{32} << 20;
    std::size_t max_cached_bytes = std::size_t{1} << 30;
    Clock clock = {};

    Atomic<std::size_t> cached_bytes{0};
    Atomic<std::size_t> cached_groups{0};
    Atomic<std::uint64_t> evicted_groups{0};
    Atomic<std::uint64_t> lagged_readers{0};
    MediaPool pool;

    /// Those of a broadcast that belongs to no origin.
    static std::shared_ptr<MediaBounds> without_pool() {
        auto bounds = std::make_shared<MediaBounds>();
        bounds->max_cached_bytes = std::numeric_limits<std::size_t>::max();
        return bounds;
    }

    /// Called without a lock: the clock is the user's.
    TimePoint now() const { return clock ? clock() : coarse_now(); }

    /// Brings what is held within the bound. Called without a lock.
    void trim() noexcept {
        pool.trim([this] { return cached_bytes.load(std::memory_order_relaxed) <= max_cached_bytes; });
    }
};

}  // namespace comoq::detail
