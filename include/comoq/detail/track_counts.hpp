#pragma once
#include <cstddef>
#include <cstdint>

namespace comoq::detail {

/// What a track holds and who uses it, or several tracks together.
struct TrackCounts {
    std::size_t groups = 0, bytes = 0, datagrams = 0, subscribers = 0, pending = 0;
    std::uint64_t evicted_groups = 0, lagged_readers = 0;

    TrackCounts &operator+=(const TrackCounts &other) noexcept {
        groups += other.groups;
        bytes += other.bytes;
        datagrams += other.datagrams;
        subscribers += other.subscribers;
        pending += other.pending;
        evicted_groups += other.evicted_groups;
        lagged_readers += other.lagged_readers;
        return *this;
    }
};

}  // namespace comoq::detail
