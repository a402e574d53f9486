// SPDX-License-Identifier: MIT
#pragma once
#include "messages.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace comoq::lite::detail {

/// Which measurements the peer is told: the first; a change of a quarter at once; a smaller one later, the later the
/// smaller it is; and after `longest` any. A value that becomes known, or unknown, is the greatest of all changes. A peer
/// that would read an unknown bitrate as a bitrate of 0 is told only measurements with one.
class ProbeReports {
public:
    using Time = std::chrono::milliseconds;
    /// How often somebody looks, and how long the peer is told nothing at most.
    static constexpr Time interval{100}, longest{10'000};

    explicit ProbeReports(bool unknown_rate) noexcept : unknown_rate_(unknown_rate) {}

    /// True if the peer is told now. `since` is the time since it was told the last time.
    bool is_due(const Probe &measured, Time since) noexcept {
        if (measured.bitrate == 0 && !unknown_rate_) return false;
        const bool due = !last_ || since >= longest || is_change(last_->bitrate, measured.bitrate, since) ||
                         is_change(last_->rtt, measured.rtt, since);
        if (due) last_ = measured;
        return due;
    }

private:
    static bool is_change(std::uint64_t before, std::uint64_t now, Time since) noexcept {
        if (before == now) return false;
        if (before == 0 || now == 0) return true;
        const auto change = static_cast<double>(now > before ? now - before : before - now);
        const double left = 1 - static_cast<double>(since.count()) / static_cast<double>(longest.count());
        return change >= 0.25 * left * static_cast<double>(before);
    }

    const bool unknown_rate_;
    std::optional<Probe> last_;
};

}  // namespace comoq::lite::detail
