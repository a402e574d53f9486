#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace comoq {

/// What goes with a broadcast from one origin to the next.
class BroadcastInfo {
public:
    BroadcastInfo() = default;
    /// The ids of the origins that it came through, oldest first. A broadcast with more than `max_hops` cannot be
    /// announced.
    explicit BroadcastInfo(std::vector<std::uint64_t> through) : hops(std::move(through)) {}

    /// moq-lite carries no more.
    static constexpr std::size_t max_hops = 32;

    std::vector<std::uint64_t> hops;
};

}  // namespace comoq
