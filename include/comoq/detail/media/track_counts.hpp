// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace comoq::detail {

/// Counts of what a track holds and of its users, or of several tracks together.
struct TrackCounts {
    /// `bytes` are those of frames, `cost` is everything that groups and datagrams take.
    std::size_t groups = 0, lanes = 0, bytes = 0, cost = 0, datagrams = 0, subscribers = 0, pending = 0;
    std::uint64_t evicted_groups = 0, lagged_readers = 0;

    TrackCounts &operator+=(const TrackCounts &other) noexcept {
        groups += other.groups;
        lanes += other.lanes;
        bytes += other.bytes;
        cost += other.cost;
        datagrams += other.datagrams;
        subscribers += other.subscribers;
        pending += other.pending;
        evicted_groups += other.evicted_groups;
        lagged_readers += other.lagged_readers;
        return *this;
    }
};

}  // namespace comoq::detail
