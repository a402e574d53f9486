// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace comoq::qmux::detail {

/// Estimates the capacity of the link from what the channel takes of a connection's records. It knows nothing until
/// something has shown the capacity, and again when that is too long ago: most of the time a connection sends what the
/// application has, and that says nothing about the link.
///
/// Three things show it. While records wait for the channel all the time, and its queue is full, the channel takes what
/// the link takes. If the answer to a ping comes very late, data has piled up on the way, and what has arrived since the
/// last answer is what the link carried. Otherwise a burst with a ping behind it does: the burst cannot have been slower
/// than the ping's answer. Such a sample is only a lower bound. It counts if nothing better is known, and never lowers an
/// estimate.
class DeliveryRate {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    /// How long a busy channel is watched for a sample: much longer than a record takes, also on a slow link. A busy
    /// time that ends early is a sample from `shortest` on.
    static constexpr std::chrono::milliseconds usual{500}, shortest{250};
    /// How long an estimate holds. A burst does not raise one of a busy channel before `hold`: a link may let a burst
    /// pass that it would not take for long.
    static constexpr std::chrono::seconds lifetime{15}, hold{5};
    /// In bytes. Less is not a burst: the noise of a round trip would hide the time that it takes.
    static constexpr std::size_t burst = 2048;
    /// An answer that is later than this has waited in a queue.
    static constexpr std::chrono::milliseconds queued{500};
    /// The noise of a round trip: of coarse clocks on both sides, and of a peer that has other things to do.
    static constexpr std::chrono::milliseconds noise{5};

    /// A record of `bytes` goes to the channel.
    void goes(Time now, std::size_t bytes) noexcept {
        if (is_idle_) {
            burst_begin_ = now;
            burst_bytes_ = 0;
        }
        burst_bytes_ += bytes;
        all_bytes_ += bytes;
        begun_ = now;
        bytes_ = bytes;
    }
    /// The channel has taken that record. `has_more`: another one waits, and nothing but the channel keeps it.
    void taken(Time now, bool has_more) noexcept {
        is_idle_ = !has_more;
        if (since_) {
            busy_bytes_ += bytes_;
            const auto busy = now - *since_;
            if (busy >= usual || (!has_more && busy >= shortest)) {
                sample(now, rate_of(busy_bytes_, busy));
                since_.reset();
            }
        }
        if (!has_more) {
            since_.reset();
        } else if (!since_ && (now > begun_ || was_full_)) {
            // From here on its queue is full, and it takes as much as leaves it.
            since_ = now;
            busy_bytes_ = 0;
        }
        was_full_ = since_.has_value();
    }

    /// True if a ping at the end of a record of `bytes` would show something: it ends a burst.
    bool wants_ping(std::size_t bytes) const noexcept {
        return round_trip_ && !asked_ && bytes + (is_idle_ ? 0 : burst_bytes_) >= burst;
    }
    /// A ping went with the last record.
    void asked() noexcept { asked_ = Asked{burst_begin_, burst_bytes_, all_bytes_}; }
    /// Its answer has come. `round_trip` is the time since the ping went.
    void answered(Time now, Duration round_trip) noexcept {
        if (!asked_) return;
        const Asked asked = *asked_;
        asked_.reset();
        const bool is_burst = asked.bytes >= burst;
        const Duration since = now - std::exchange(answered_at_, now).value_or(now);
        const std::uint64_t arrived = asked.all - std::exchange(answered_bytes_, asked.all);
        // At least half of the time the link was busy. With next to nothing on the way, it was the peer.
        if (round_trip_ && round_trip >= *round_trip_ + queued && 2 * (round_trip - *round_trip_) >= since) {
            if (arrived >= burst) sample(now, rate_of(arrived, std::max<Duration>(since, queued)));
            return;
        }
        // A ping behind a burst does not tell how long the way alone takes, unless it is the fastest so far.
        if (round_trip_ ? round_trip < *round_trip_ : !is_burst) {
            // What was measured with a longer one may be too high.
            if (round_trip_ && round_trip + noise < *round_trip_) bound_.reset();
            round_trip_ = round_trip;
        }
        if (!round_trip_ || !is_burst) return;
        const auto took = std::max<Duration>(now - asked.begin - *round_trip_, noise);
        lower_bound(now, rate_of(asked.bytes, took));
    }

    /// A limit of what is on the way has found that the link carries `bytes` in a second.
    void carried(Time now, double bytes) noexcept {
        sample(now, rate_of(static_cast<std::uint64_t>(bytes), std::chrono::seconds(1)));
    }

    /// In bits per second; nothing if it is not known, and never 0.
    std::optional<std::uint64_t> estimate(Time now) const noexcept {
        const auto busy = busy_rate(now);
        if (!bound_ || now >= bound_at_ + lifetime) return busy;
        return busy ? std::max(*busy, *bound_) : bound_;
    }
    /// The same, of a channel that was busy.
    std::optional<std::uint64_t> busy_rate(Time now) const noexcept {
        if (!rate_ || now >= rate_at_ + lifetime) return std::nullopt;
        return rate_;
    }

private:
    static std::uint64_t rate_of(std::uint64_t bytes, Duration time) noexcept {
        const double seconds = std::chrono::duration<double>(time).count();
        return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(8.0 * static_cast<double>(bytes) / seconds));
    }
    void sample(Time now, std::uint64_t rate) noexcept {
        rate_ = busy_rate(now) ? (*rate_ + rate + 1) / 2 : rate;
        rate_at_ = now;
        // What was a lower bound before is none any more.
        bound_.reset();
    }
    void lower_bound(Time now, std::uint64_t rate) noexcept {
        if (rate_ && now < rate_at_ + hold) return;
        // One burst may meet a peer that is busy: a better one of the last seconds stays.
        if (bound_ && rate < *bound_ && now < bound_at_ + lifetime / 2) return;
        bound_ = rate;
        bound_at_ = now;
    }

    Time begun_{};
    std::size_t bytes_ = 0;  // of the record that the channel is taking
    bool is_idle_ = true;    // nothing waited behind the last one
    bool was_full_ = false;
    std::optional<Time> since_;
    std::uint64_t busy_bytes_ = 0;
    std::optional<std::uint64_t> rate_;
    Time rate_at_{};

    struct Asked {
        Time begin;
        std::uint64_t bytes;
        std::uint64_t all;  // since the beginning
    };
    Time burst_begin_{};
    std::uint64_t burst_bytes_ = 0;
    std::optional<Asked> asked_;
    std::uint64_t all_bytes_ = 0, answered_bytes_ = 0;
    std::optional<Time> answered_at_;
    std::optional<Duration> round_trip_;  // the shortest
    std::optional<std::uint64_t> bound_;
    Time bound_at_{};
};

}  // namespace comoq::qmux::detail
