/// \file What a simulated link does to packets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace comoq::test {

/// Shares are in thousandths.
struct LinkFaults {
    unsigned lost = 0, doubled = 0, late = 0, spoiled = 0;
    std::chrono::nanoseconds delay = std::chrono::milliseconds(10);
    /// The additional delay of what is late, at most.
    std::chrono::nanoseconds most_late = std::chrono::milliseconds(30);
    /// In bytes per second; 0 for any number. What finds more than `queue` bytes before it is lost.
    std::uint64_t rate = 0;
    std::size_t queue = 64 * 1024;
    /// A larger UDP payload is lost.
    std::size_t largest = 1500;
};

}  // namespace comoq::test
