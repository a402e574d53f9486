// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

namespace comoq::qmux::detail {

/// When to give up a peer that reads nothing of its backlog. A peer that answers pings, or sends something itself, is
/// not idle; it can still leave its whole backlog in this side's memory.
///
/// The connection calls it now and then, and it remembers since when nothing was sent: it is late by at most the
/// distance of two calls.
class StallTimer {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    /// `is_waiting`: there is something to send. `gone`: bytes of streams that have been sent since the beginning.
    void look(Time now, bool is_waiting, std::uint64_t gone) noexcept {
        if (!is_waiting) {
            since_.reset();
        } else if (!since_ || gone != gone_) {
            since_ = now;
            gone_ = gone;
        }
    }
    /// A `limit` of zero means no limit.
    bool is_over(Time now, Duration limit) const noexcept {
        const auto end = deadline(limit);
        return end && now >= *end;
    }
    std::optional<Time> deadline(Duration limit) const noexcept {
        if (!since_ || limit == limit.zero()) return std::nullopt;
        return *since_ + limit;
    }

private:
    std::optional<Time> since_;
    std::uint64_t gone_ = 0;
};

}  // namespace comoq::qmux::detail
