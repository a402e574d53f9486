// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>

namespace comoq::detail {

/// Whether it is known where a track is now. A track whose source is elsewhere keeps its newest group while nobody
/// subscribes, while its source goes on. The kept group is not the newest one then: a new subscriber without a start waits until
/// the source is followed again. Guarded by the track's lock.
class LiveEdge {
public:
    /// The place of a subscriber that waits: no group has that number.
    static constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();

    bool is_lost() const noexcept { return is_lost_; }
    void lose() noexcept { is_lost_ = true; }
    /// The source is followed again, and has nothing newer than `newest` and what comes from it. True if it was lost.
    bool find(std::uint64_t newest) noexcept {
        newest_ = std::max(newest_, newest);
        const bool was_lost = is_lost_;
        is_lost_ = false;
        return was_lost;
    }
    /// By the source's word; 0 without one.
    std::uint64_t newest() const noexcept { return newest_; }

private:
    std::uint64_t newest_ = 0;
    bool is_lost_ = false;
};

}  // namespace comoq::detail
