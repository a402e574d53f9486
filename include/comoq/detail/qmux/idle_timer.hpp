#pragma once
#include <algorithm>
#include <chrono>
#include <optional>

namespace comoq::qmux::detail {

/// When a silent peer is given up, and when it is asked whether it is still there.
class IdleTimer {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Milliseconds = std::chrono::milliseconds;

    IdleTimer(Time now, Milliseconds ours) noexcept : received_(now), sent_(now), asked_(now), limit_(limit_of(ours)) {}

    /// The smaller counts of what both sides say; 0 is no limit (RFC 9000, section 10.1). From here on there are pings.
    void negotiate(Milliseconds theirs) noexcept {
        const auto limit = limit_of(theirs);
        limit_ = limit_ == limit_.zero() || limit == limit.zero() ? std::max(limit_, limit) : std::min(limit_, limit);
        may_ask_ = true;
    }
    void received(Time now) noexcept { received_ = now; }
    void sent(Time now) noexcept { sent_ = now; }
    void asked(Time now) noexcept { asked_ = now; }

    bool is_over(Time now) const noexcept { return limit_ != limit_.zero() && now >= received_ + limit_; }
    bool should_ask(Time now) const noexcept { return limit_ != limit_.zero() && may_ask_ && now >= next_question(); }
    /// When one of the two becomes true next; nothing if neither ever does. Without pings if one `is_asking`: it has yet to
    /// be written.
    std::optional<Time> deadline(bool is_asking) const noexcept {
        if (limit_ == limit_.zero()) return std::nullopt;
        const Time end = received_ + limit_;
        return may_ask_ && !is_asking ? std::min(end, next_question()) : end;
    }

private:
    using Duration = std::chrono::steady_clock::duration;

    /// A peer may say any number, and the clock has but 292 years in nanoseconds.
    static Duration limit_of(Milliseconds said) noexcept {
        constexpr Milliseconds longest = std::chrono::hours(24 * 365);
        return std::clamp(said, Milliseconds(0), longest);
    }
    /// After a third of the time without anything sent, for the peer's sake; and without anything received, for ours: who
    /// has nothing to say but to take need not send anything of its own.
    Time next_question() const noexcept { return std::min(sent_, std::max(received_, asked_)) + limit_ / 3; }

    Time received_;
    Time sent_;
    Time asked_;
    Duration limit_;
    bool may_ask_ = false;
};

}  // namespace comoq::qmux::detail
