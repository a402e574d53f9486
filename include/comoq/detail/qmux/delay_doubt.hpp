// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace comoq::qmux::detail {

/// Whether late answers to pings say that the way to the peer is slow. They can also wait on the way back, behind what
/// the peer sends, or in the peer. A limit of what is on the way then makes a free link slow, and helps nobody.
///
/// While a limit lasts, an answer proves that the delay was not of this side's making if it is late though little was on
/// the way, and others are not, or if answers go from late to as fast as ever twice in a while. From then on a limit begins
/// only when the channel, too, is busy: it has taken nothing for at least half of the time that the late answer took.
/// Such a limit is beyond doubt.
class DelayDoubt {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;
    using Milliseconds = std::chrono::milliseconds;

    /// A delay beyond what data on the way explains.
    static constexpr Milliseconds some{200}, much{400};
    /// The share of the most that an answer has shown lately which is as fast as ever.
    static constexpr double quick = 0.6;
    /// In which time two turns are a proof, and for how long the most that an answer has shown is remembered.
    static constexpr std::chrono::seconds near{8}, shown_for{4};

    /// How long the channel was busy in the time that an answer has taken until now.
    static bool is_busy(Duration busy, Duration time) noexcept { return 2 * busy >= time; }
    /// Nothing proves that this limit is wrong.
    bool is_trusted() const noexcept { return trusted_; }
    bool is_doubted() const noexcept { return doubted_; }
    /// When the limit began.
    Time begun_at() const noexcept { return begun_at_; }
    bool allows(bool busy) const noexcept { return !doubted_ || busy; }
    void begins(Time now, bool busy) noexcept {
        trusted_ = busy;
        was_late_ = false;
        begun_at_ = now;
    }
    /// An answer under a limit, to a ping behind `bytes` that were on the way. True for a proof.
    bool contradicts(Time now, Duration round_trip, Duration too_late, std::uint64_t bytes) noexcept {
        const double seconds = std::max(std::chrono::duration<double>(round_trip).count(), 0.001);
        const double shows = static_cast<double>(bytes) / seconds;
        const double best = keep(now, shows);
        const auto explained = std::chrono::duration<double>(static_cast<double>(bytes) / std::max(best, 1.0));
        const Duration excess = std::min(too_late, round_trip - std::chrono::duration_cast<Duration>(explained));
        if (excess > much) {
            was_late_ = true;
        } else if (was_late_ && shows >= quick * best) {
            was_late_ = false;
            const bool again = turned_at_ && now < *turned_at_ + near;
            turned_at_ = now;
            if (again) return proves();
        }
        return false;
    }
    /// An answer under a limit when little was on the way: that explains `own` of its delay. `recent` is the shortest round
    /// trip before it since the limit began, or since little was on the way; `least` the shortest before that. True for a
    /// proof.
    bool drained(Duration round_trip, std::optional<Duration> recent, Duration least, Duration own) noexcept {
        if (recent && round_trip > *recent + some + own) return proves();
        const Duration shortest = recent ? std::min(*recent, round_trip) : round_trip;
        return shortest > least + some + own && proves();
    }

    /// The link has turned out to be fast. That is a proof if the limit is young.
    void is_fast(Time now) noexcept {
        if (now < begun_at_ + near) proves();
    }

private:
    bool proves() noexcept {
        doubted_ = true;
        return !trusted_;
    }
    double keep(Time now, double shows) noexcept {
        if (now >= shown_at_ + shown_for) {
            shown_[1] = now < shown_at_ + 2 * shown_for ? shown_[0] : 0;
            shown_[0] = 0;
            shown_at_ = now;
        }
        shown_[0] = std::max(shown_[0], shows);
        return std::max(shown_[0], shown_[1]);
    }

    bool doubted_ = false, trusted_ = false;
    bool was_late_ = false;
    std::optional<Time> turned_at_;
    Time begun_at_{};
    /// In bytes a second: the most that answers have shown, in this and the last `shown_for`.
    std::array<double, 2> shown_{};
    Time shown_at_{};
};

}  // namespace comoq::qmux::detail
