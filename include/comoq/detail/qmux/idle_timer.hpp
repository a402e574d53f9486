// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <optional>

namespace comoq::qmux::detail {

/// When to give up a silent peer, and when to ping it: after a third of the idle time. A peer that does not answer
/// within another third is gone; nobody waits for the last third.
class IdleTimer {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;
    using Milliseconds = std::chrono::milliseconds;

    IdleTimer(Time now, Milliseconds ours) noexcept : received_(now), sent_(now), asked_(now), limit_(limit_of(ours)) {}

    /// The smaller of both sides' values counts; 0 means no limit (RFC 9000, section 10.1). Pings begin here.
    void negotiate(Milliseconds theirs) noexcept {
        const auto limit = limit_of(theirs);
        limit_ = limit_ == limit_.zero() || limit == limit.zero() ? std::max(limit_, limit) : std::min(limit_, limit);
        may_ask_ = true;
    }
    /// Zero for none.
    Duration limit() const noexcept { return limit_; }

    void received(Time now) noexcept {
        received_ = now;
        unanswered_.reset();
    }
    Time last_received() const noexcept { return received_; }
    void sent(Time now) noexcept { sent_ = now; }
    void asked(Time now) noexcept {
        asked_ = now;
        if (!unanswered_) unanswered_ = now;
    }

    bool is_over(Time now) const noexcept { return limit_ != limit_.zero() && now >= end(); }
    bool should_ask(Time now) const noexcept { return limit_ != limit_.zero() && may_ask_ && now >= next_question(); }
    /// When one of the two becomes true next; nothing if neither ever does. `is_asking`: a ping is waiting to be
    /// written, so none is due.
    std::optional<Time> deadline(bool is_asking) const noexcept {
        if (limit_ == limit_.zero()) return std::nullopt;
        return may_ask_ && !is_asking ? std::min(end(), next_question()) : end();
    }

private:
    /// A peer may send any number, and the clock covers only 292 years in nanoseconds.
    static Duration limit_of(Milliseconds said) noexcept {
        constexpr Milliseconds longest = std::chrono::hours(24 * 365);
        return std::clamp(said, Milliseconds(0), longest);
    }
    Time end() const noexcept {
        const Time of_silence = received_ + limit_;
        return unanswered_ ? std::min(of_silence, *unanswered_ + limit_ / 3) : of_silence;
    }
    /// After a third of the time without sending, for the peer's sake, or without receiving, for ours: a peer that only
    /// reads need not send anything by itself.
    Time next_question() const noexcept { return std::min(sent_, std::max(received_, asked_)) + limit_ / 3; }

    Time received_;
    Time sent_;
    Time asked_;
    /// When the first of the pings was written that nothing has followed yet.
    std::optional<Time> unanswered_;
    Duration limit_;
    bool may_ask_ = false;
};

}  // namespace comoq::qmux::detail
