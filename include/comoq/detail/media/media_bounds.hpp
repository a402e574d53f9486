// SPDX-License-Identifier: MIT
#pragma once
#include "coarse_clock.hpp"
#include "joining_count.hpp"
#include "media_pool.hpp"
#include "../wait/sync.hpp"
#include "../../time.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

namespace comoq::detail {

using TimePoint = std::chrono::steady_clock::time_point;

/// What things take on the heap beside their payload: what the pool charges for them. Measured on x86-64 with g++ 12,
/// libstdc++ and glibc 2.36, as the difference of `mallinfo2` for thousands of each in one track of an origin:
///
/// | held | bytes |
/// |---|---|
/// | a group without a frame: its state, and its places in the track, among the arrivals and in the pool | 544 |
/// | a frame of a copied byte in it: its slot, 40 bytes and the slack of the vector, and the payload's owner | 104 to 130 |
/// | a frame of two chunks of 4 KiB, beside these | 502 |
/// | a chunk of 4 KiB, beside these, of a frame of thousands | 104 |
/// | a datagram of a copied byte, beside the slots, which are charged apart | 65 |
/// | what a frame has beside its payload (`ObjectExtras`), without its properties, and its place among the gaps | 240 |
/// | what a group has that is a lane, has a gap, or begins in the middle | 160 |
/// | what a track has that has properties, beside these | 112 |
struct MediaCost {
    static constexpr std::size_t group = 560;
    static constexpr std::size_t frame = 128;
    static constexpr std::size_t frame_state = 192;
    static constexpr std::size_t chunk = 104;
    static constexpr std::size_t datagram = 64;
    static constexpr std::size_t extras = 240;
    static constexpr std::size_t group_objects = 160;
    static constexpr std::size_t track_properties = 112;
};

/// The state that the broadcasts of one origin share with it: its clock, its bounds, the pool, and the count of held
/// bytes. A broadcast that stands alone has its own, which join those of the first origin that it is announced or
/// served at.
struct MediaBounds {
    // Enough for a few seconds of high-bitrate video, or minutes of anything smaller.
    static constexpr std::size_t max_group_bytes = std::size_t{32} << 20;
    static constexpr std::size_t max_group_frames = 32768;
    // Fits into one packet on nearly every path, with room for the headers around it.
    static constexpr std::size_t max_datagram_size = 1200;
    static constexpr std::size_t max_datagrams = 1024;
    // Beside lane 0. Each is charged as a group is.
    static constexpr std::size_t max_group_lanes = 1024;
    // Of an object: as much as one block of them can have in MoQ Transport.
    static constexpr std::size_t max_properties = 65535;
    // Of a track. They stay as long as the track, whatever the pool says.
    static constexpr std::size_t max_track_properties = 4096;
    // Holds whatever a publisher says about how long groups are kept.
    static constexpr std::size_t max_track_groups = 65536;

    std::size_t max_pending_requests = 65536;
    std::size_t max_frame_size = std::size_t{32} << 20;
    std::size_t max_cached_bytes = std::size_t{1} << 30;
    /// Nothing is kept longer, whatever its publisher says.
    std::chrono::milliseconds max_latency = std::chrono::milliseconds::max();
    Clock clock = {};

    /// The cost of everything that is held.
    JoiningCount cached_bytes;
    JoiningCount cached_groups;
    Atomic<std::size_t> unsent_bytes{0};  // in flight in sessions
    JoiningCount evicted_groups;
    JoiningCount lagged_readers;
    MediaPool pool;

    /// The bounds of a broadcast without an origin.
    static std::shared_ptr<MediaBounds> without_pool() {
        auto bounds = std::make_shared<MediaBounds>();
        bounds->max_cached_bytes = std::numeric_limits<std::size_t>::max();
        bounds->stands_alone_ = true;
        return bounds;
    }

    /// The bounds whose limits hold.
    const MediaBounds &in_force() const noexcept {
        const MediaBounds *origins = joined_.load(std::memory_order_acquire);
        return origins != nullptr ? *origins : *this;
    }

    /// From now on the limits of an origin hold. True if these bounds stood alone until now. Called without a lock.
    bool join(const std::shared_ptr<MediaBounds> &origins) {
        if (!stands_alone_ || origins.get() == this) return false;
        const auto here = now(), there = origins->now();
        Lock lock(joining_);
        if (kept_ != nullptr) return false;
        kept_ = origins;
        clock_shift_ = here - there;
        joined_.store(kept_.get(), std::memory_order_release);
        cached_bytes.join(kept_->cached_bytes);
        cached_groups.join(kept_->cached_groups);
        evicted_groups.join(kept_->evicted_groups);
        lagged_readers.join(kept_->lagged_readers);
        pool.join(kept_->pool);
        return true;
    }

    /// Called without a lock: the clock is the user's. Times from before and after joining can be compared.
    TimePoint now() const {
        if (const MediaBounds *origins = joined_.load(std::memory_order_acquire)) return origins->now() + clock_shift_;
        return clock ? clock() : coarse_now();
    }

    /// How long a track keeps groups if its publisher wants them kept for `wanted`. The limit is a century, which can
    /// be counted in nanoseconds.
    std::chrono::milliseconds keep(std::chrono::milliseconds wanted) const noexcept {
        constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365 * 100);
        return std::min({wanted, in_force().max_latency, longest});
    }

    /// Brings the held bytes within the bound. Called without a lock.
    void trim() noexcept {
        if (is_within_bound()) return;
        MediaBounds *const origins = joined_.load(std::memory_order_acquire);
        MediaPool &trimmed = origins != nullptr ? origins->pool : pool;
        trimmed.trim([this] { return is_within_bound(); });
    }
    bool is_within_bound() const noexcept {
        // While another count joins, its bytes can be missing for a moment: a negative count is within the bound.
        const std::uint64_t held = cached_bytes.load();
        return held <= in_force().max_cached_bytes || held > std::numeric_limits<std::uint64_t>::max() / 2;
    }

private:
    bool stands_alone_ = false;
    Mutex joining_;
    std::shared_ptr<MediaBounds> kept_;  // guarded by the lock
    std::chrono::steady_clock::duration clock_shift_{};
    Atomic<MediaBounds *> joined_{nullptr};
};

}  // namespace comoq::detail
