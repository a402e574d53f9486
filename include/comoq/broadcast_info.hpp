#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
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

    bool came_through(std::uint64_t origin) const noexcept {
        return std::find(hops.begin(), hops.end(), origin) != hops.end();
    }
    /// Through any of them.
    bool came_through(std::span<const std::uint64_t> origins) const noexcept {
        return std::any_of(origins.begin(), origins.end(), [this](std::uint64_t each) { return came_through(each); });
    }

    std::vector<std::uint64_t> hops;
};

}  // namespace comoq
