// SPDX-License-Identifier: MIT
#pragma once
#include "delay_doubt.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace comoq::qmux::detail {

/// Limits how much of a connection's data is on the way to the peer, when the way has become slow: what waits there, in
/// the system or in the network, cannot be overtaken by anything newer. The channel does not show it. Pings do: a marker
/// is a ping at the end of a record, and its answer says when everything before it has arrived.
///
/// Without a limit there is about a marker a second. The limit begins when the answer to one is `late` and data before it
/// went slowly. It lets go of a link that turns out to be fast, or that carries everything for a while, and of a peer that
/// does not answer. It also lets go when the delay is not of its own making: DelayDoubt.
class FlightLimit {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;
    using Milliseconds = std::chrono::milliseconds;

    /// How late an answer begins a limit, and how long data waits on the way under one.
    static constexpr Milliseconds late{300}, queue{200};
    /// In bytes a second, 20 Mbit/s: a link that carries this much has no limit.
    static constexpr double fast = 2'500'000;
    /// In bytes: some packets. A smaller window would make a slow link idle.
    static constexpr std::size_t least_window = 6 * 1024;
    /// A peer must answer each marker, and may answer them all late.
    static constexpr std::size_t most_markers = 8;
    /// How long a limit stays that holds nothing back.
    static constexpr std::chrono::seconds unused{10};
    /// The distance of markers without a limit, and when the last answer was a little late. In bytes: what makes a marker
    /// worth sending, and its distance while the peer does not answer.
    static constexpr Milliseconds seldom{1000}, often{250}, suspicious{50};
    static constexpr std::size_t least_marked = 8 * 1024, silent_marked = 256 * 1024;
    /// Between two measurements of the round trip without data on the way.
    static constexpr std::chrono::seconds drain_every{8};
    /// What a room without a limit has.
    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

    bool is_on() const noexcept { return on_; }
    /// In bytes: how much more media may go now.
    std::size_t room() const noexcept {
        if (!on_) return no_limit;
        const std::size_t most = draining_ ? window() / 4 : window();
        return flight() < most ? static_cast<std::size_t>(most - flight()) : 0;
    }
    /// In bytes a second, as long as there is a limit.
    double rate() const noexcept { return rate_; }

    /// A record of `bytes` should have a marker at its end.
    bool wants_marker(Time now, std::size_t bytes) const noexcept {
        const std::uint64_t since = all_ + bytes - marked_;
        if (is_silent(now)) return since >= silent_marked;
        if (count_ == most_markers) return false;
        if (on_) return since >= window() / 4 || (draining_ && !is_drained_ && is_little(flight() + bytes));
        if (!least_) return count_ == 0 && since >= first_marked;
        if (count_ != 0) {
            const bool is_late = now >= markers_[0].at + *least_ + suspicious;
            return is_late && now >= asked_at_ + often && since >= least_marked / 4;
        }
        return since >= least_marked && now >= asked_at_ + (is_suspicious_ ? often : seldom);
    }
    /// Nothing may go before an answer, and none is due: a marker must go without media.
    bool needs_marker() const noexcept { return on_ && count_ == 0 && room() == 0; }

    /// A record of `bytes` goes to the channel.
    void goes(Time now, std::size_t bytes) noexcept {
        if (all_ == 0) acked_at_ = now;
        if (is_unused(now)) let_go();
        const bool is_short = all_ - marked_ < (on_ ? window() / 4 : least_marked);
        if (is_short && count_ == 0 && least_ && now >= gone_at_ + *least_ + queue) {
            // What went before that has arrived, as it was not much.
            acked_ = all_;
            acked_at_ = now;
            from_idle_ = true;
        }
        if (on_ && !draining_ && now >= drained_at_ + std::max<Duration>(drain_every, 40 * *least_)) drain(now);
        gone_at_ = now;
        all_ += bytes;
        if (!on_ && !silent_) look_at_first(now);
    }
    /// The channel has taken the last record, and is ready for another.
    void taken(Time now) noexcept {
        if (all_ != 0) busy_ += std::max(now - gone_at_, Duration::zero());
    }
    /// The last record had a marker at its end.
    void marked(Time now, std::uint64_t sequence) noexcept {
        if (count_ == most_markers) forget(1);
        const bool shows_least = draining_ && is_little(flight());
        markers_[count_++] = {sequence, now, all_, acked_, acked_at_, from_idle_, shows_least, busy_};
        is_drained_ = is_drained_ || shows_least;
        marked_ = all_;
        asked_at_ = now;
        held_ = false;
    }
    /// Media waits for room.
    void holds(Time now) noexcept {
        if (!draining_) used_at_ = now;
        held_ = true;
    }

    /// The peer has answered a ping, perhaps a marker. Returns what the link carries, in bytes a second, if this answer
    /// shows that.
    std::optional<double> answered(Time now, std::uint64_t sequence) noexcept {
        std::size_t index = 0;
        while (index != count_ && markers_[index].sequence != sequence) ++index;
        if (index == count_) return std::nullopt;
        const Marker marker = markers_[index];
        forget(index + 1);
        silent_ = false;
        const Duration round_trip = std::max(now - marker.at, Duration::zero());
        const bool is_drained = on_ && draining_ && marker.shows_least;
        bool is_proof = is_drained && doubt_.drained(round_trip, recent(), *least_, own(marker));
        learn_least(now, round_trip, marker);
        const Duration too_late = round_trip - *least_;
        is_suspicious_ = too_late >= suspicious;
        const std::uint64_t arrived = marker.position - marker.acked;
        const double carried = rate_of(arrived, now - marker.acked_at - (marker.from_idle ? *least_ : Duration::zero()));
        acked_ = marker.position;
        acked_at_ = now;
        from_idle_ = is_guess_ = false;
        if (on_ && !is_drained && is_of_limit(marker)) is_proof = doubt_.contradicts(now, round_trip, too_late, arrived);
        if (is_proof) {
            let_go();
        } else if (on_) {
            follow(now, carried, too_late, marker);
        } else if (too_late >= late && arrived >= least_window && carried < fast) {
            begin(now, carried, marker);
        }
        const bool was_busy = held_ && !draining_ && !marker.from_idle && is_after_drain(marker);
        return on_ && was_busy && too_late >= queue / 2 ? std::optional(carried) : std::nullopt;
    }

    /// When to call `tick`: a peer that has not answered by then is not waited for.
    std::optional<Time> deadline() const noexcept {
        if (!on_ || count_ == 0) return std::nullopt;
        return std::max(markers_[0].at, acked_at_) + patience();
    }
    void tick(Time now) noexcept {
        if (on_ && count_ != 0 && is_guess_) rate_ = std::min(rate_, most_of_first(now));
        const auto due = deadline();
        if (!due || now < *due) return;
        let_go();
        silent_ = true;
        marked_ = all_;
    }

private:
    struct Marker {
        std::uint64_t sequence;
        Time at;
        std::uint64_t position;  // of its end
        // When it went, the peer had answered for this much, and at this time; or nothing was on the way since then.
        std::uint64_t acked;
        Time acked_at;
        bool from_idle;
        bool shows_least;
        Duration busy;
    };

    std::size_t window() const noexcept {
        const double seconds = std::chrono::duration<double>(least_.value_or(Duration::zero()) + queue).count();
        return std::max(least_window, static_cast<std::size_t>(std::min(rate_ * seconds, most_window)));
    }
    /// While the way drains, nobody knows.
    bool is_unused(Time now) const noexcept { return !draining_ && now >= used_at_ + unused; }
    std::uint64_t flight() const noexcept { return all_ - acked_; }
    bool is_little(std::uint64_t bytes) const noexcept { return bytes <= window() / 4 + least_window / 4; }
    bool is_silent(Time now) const noexcept {
        return silent_ || (!on_ && count_ != 0 && now >= markers_[0].at + silent_after);
    }
    Duration patience() const noexcept {
        const double expected = static_cast<double>(flight()) / rate_ + std::chrono::duration<double>(*least_).count();
        const double most = static_cast<double>(flight()) / slowest;
        return std::min<Duration>(least_patience + milliseconds(2000 * expected), usual_patience + milliseconds(1000 * most));
    }
    static Milliseconds milliseconds(double count) noexcept {
        return Milliseconds(static_cast<std::int64_t>(std::min(count, 100'000.0)));
    }
    static double rate_of(std::uint64_t bytes, Duration time) noexcept {
        return static_cast<double>(bytes) / std::chrono::duration<double>(std::max<Duration>(time, noise)).count();
    }

    /// The oldest markers.
    void forget(std::size_t count) noexcept {
        std::move(markers_.begin() + count, markers_.begin() + count_, markers_.begin());
        count_ -= count;
    }
    /// How long what was on the way before a marker takes, at a link that may be slower than the limit says.
    Duration own(const Marker &marker) const noexcept {
        const double seconds = 2 * static_cast<double>(marker.position - marker.acked) / rate_;
        return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(seconds, 10.0)));
    }
    std::optional<Duration> recent() const noexcept {
        return recent_ == Duration::max() ? std::nullopt : std::optional(recent_);
    }
    void learn_least(Time now, Duration round_trip, const Marker &marker) noexcept {
        // The first one may have waited behind data, too.
        if (!least_) least_ = marker.position < least_marked ? round_trip : std::min<Duration>(round_trip, most_first);
        least_ = std::min(*least_, round_trip);
        recent_ = std::min(recent_, round_trip);
        if (!marker.shows_least || !draining_) return;
        // The way itself may have become longer.
        least_ = recent_;
        recent_ = round_trip;
        draining_ = false;
        used_at_ = std::max(used_at_, used_at_ + (now - drained_at_));
        drained_at_ = now;
        drained_rate_ = rate_;
    }
    /// It went under this limit, behind no more than that lets go: its delay is not that of what was on the way before.
    bool is_of_limit(const Marker &marker) const noexcept {
        return marker.at >= doubt_.begun_at() && marker.position - marker.acked <= 2 * window();
    }
    /// A drain makes the way idle for a part of the time.
    bool is_after_drain(const Marker &marker) const noexcept { return marker.acked_at >= drained_at_ + *least_; }
    /// Does not wait for an answer that is late already: the link carries less than would have been in time.
    void look_at_first(Time now) noexcept {
        if (count_ == 0 || !least_ || now < markers_[0].at + *least_ + late) return;
        const double most = most_of_first(now);
        if (markers_[0].position - acked_ < least_window || most >= fast) return;
        begin(now, most, markers_[0]);
        is_guess_ = on_;
    }
    double most_of_first(Time now) const noexcept {
        return std::max(rate_of(markers_[0].position - acked_, now - markers_[0].at - *least_), 1.0);
    }
    /// Where answers swing, a busy channel shows what the way carries, and they do not.
    double least_rate() const noexcept { return doubt_.is_doubted() ? std::max(busy_rate_, 1.0) : 1.0; }
    /// `late_one`: the marker whose answer is late.
    void begin(Time now, double carried, const Marker &late_one) noexcept {
        const bool busy = DelayDoubt::is_busy(busy_ - late_one.busy, now - late_one.at);
        if (!doubt_.allows(busy)) return;
        doubt_.begins(now, busy);
        on_ = true;
        busy_rate_ = busy ? rate_of(all_ - late_one.position, now - late_one.at) : 1.0;
        rate_ = std::max(carried, least_rate());
        grown_ = all_;
        recent_ = Duration::max();
        used_at_ = now;
        drain(now);
    }
    void let_go() noexcept { on_ = draining_ = false; }
    void drain(Time now) noexcept {
        draining_ = true;
        is_drained_ = false;
        drained_at_ = now;
        drained_rate_ = rate_;
    }
    bool is_in_time(Duration too_late, const Marker &marker) const noexcept {
        return !draining_ && too_late < queue / 2 && is_after_drain(marker);
    }
    void keep_best(Time now, double carried) noexcept {
        if (now >= best_at_ + best_for) {
            best_[1] = now < best_at_ + 2 * best_for ? best_[0] : 0;
            best_[0] = 0;
            best_at_ = now;
        }
        best_[0] = std::max(best_[0], carried);
    }
    void follow(Time now, double carried, Duration too_late, const Marker &marker) noexcept {
        keep_best(now, carried);
        if (carried < rate_ && too_late > queue && (draining_ || is_after_drain(marker))) {
            // Half of the way: an answer may be late for itself. An answer can also wait behind the peer's own data, and
            // then says nothing of this way: what the link has carried lately, it can carry.
            const double low = too_late >= 2 * queue ? carried : (rate_ + carried) / 2;
            rate_ = std::max(std::min(rate_, std::max(low, std::max(best_[0], best_[1]))), least_rate());
            // Either the link, or the way is longer: the round trip without data decides.
            const bool is_odd = 2 * rate_ < drained_rate_ || (too_late > 2 * queue && !doubt_.is_trusted());
            if (!draining_ && is_odd && now >= drained_at_ + hurried) drain(now);
        } else if (held_ && marker.position >= grown_ && (carried > rate_ || is_in_time(too_late, marker))) {
            // On a long way a whole window in a round trip shows less than the rate, even if the link is free.
            rate_ = carried > rate_ ? std::min(carried, rate_ * 1.25) : rate_ * 1.25;
            grown_ = all_;
        }
        if (rate_ >= fast) doubt_.is_fast(now);
        if (rate_ >= fast || is_unused(now)) let_go();
    }

    static constexpr std::size_t first_marked = 64;
    static constexpr double most_window = 1e9;
    static constexpr Milliseconds noise{5}, most_first{150};
    static constexpr std::chrono::seconds least_patience{2}, usual_patience{10}, silent_after{10}, hurried{2};
    /// In bytes a second: nobody waits for an answer behind data that takes longer than it would at this rate.
    static constexpr double slowest = 3'000;
    /// A link that has become slow is taken to be so after once to twice this time. Less would take a free link for slow
    /// whose answers swing.
    static constexpr std::chrono::seconds best_for{2};

    bool on_ = false, silent_ = false, is_suspicious_ = false;
    double rate_ = 1;
    double busy_rate_ = 1;  // what a busy channel took when the limit began
    bool is_guess_ = false;  // the rate, until there is an answer
    std::uint64_t grown_ = 0;  // what had gone when the rate grew
    /// The shortest round trip, and that since the last drain.
    std::optional<Duration> least_;
    Duration recent_ = Duration::max();
    bool draining_ = false, is_drained_ = false;
    Time drained_at_{};
    double drained_rate_ = 1;
    DelayDoubt doubt_;
    Duration busy_{};  // the channel, since the beginning
    /// The most that answers have shown, in this and the last `best_for`.
    std::array<double, 2> best_{};
    Time best_at_{};
    Time used_at_{};
    bool held_ = false;  // since the last marker

    /// In bytes since the beginning: what has gone, up to the last marker, and up to the last one that was answered.
    std::uint64_t all_ = 0, marked_ = 0, acked_ = 0;
    Time gone_at_{}, asked_at_{}, acked_at_{};
    bool from_idle_ = false;
    /// Those without an answer, the oldest first.
    std::array<Marker, most_markers> markers_{};
    std::size_t count_ = 0;
};

}  // namespace comoq::qmux::detail
