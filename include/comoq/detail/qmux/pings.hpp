// SPDX-License-Identifier: MIT
#pragma once
#include "frames.hpp"
#include "idle_timer.hpp"
#include "outgoing_record.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace comoq::qmux::detail {

/// The pings of a connection: whether the peer is still there, and the round trip.
class Pings {
public:
    using Time = IdleTimer::Time;
    using Microseconds = std::chrono::microseconds;

    Pings(Time now, std::chrono::milliseconds ours) : idle_(now, ours) {}

    /// Pings may be sent from here on. `theirs` is the peer's idle time.
    void begin(std::chrono::milliseconds theirs) noexcept { idle_.negotiate(theirs); }
    void received(Time now) noexcept { idle_.received(now); }
    Time last_received() const noexcept { return idle_.last_received(); }
    void sent(Time now) noexcept { idle_.sent(now); }

    /// The idle time that both sides have agreed on; zero for none.
    IdleTimer::Duration limit() const noexcept { return idle_.limit(); }
    /// Nothing has arrived for the idle time, or since a ping that is too old.
    bool is_over(Time now) const noexcept { return idle_.is_over(now); }
    std::optional<Time> deadline() const noexcept { return idle_.deadline(is_due_); }
    void tick(Time now) noexcept { is_due_ = is_due_ || idle_.should_ask(now); }

    /// The round trip of the latest ping; zero before the first.
    Microseconds round_trip() const noexcept { return round_trip_; }
    /// Pings again if the latest ping is old.
    void measure(Time now) noexcept {
        wanted_ = now;
        const bool is_fresh = asked_ && (asked_->is_out || now < asked_->at + lifetime);
        is_due_ = is_due_ || !is_fresh;
    }
    /// The peer has answered. False for an answer to a ping that was never sent.
    bool answered(std::uint64_t sequence) noexcept {
        if (sequence >= next_) return false;
        if (!is_out() || sequence != asked_->sequence) return true;
        asked_->is_out = false;
        const auto took = idle_.last_received() - asked_->at;
        round_trip_ = std::max(std::chrono::duration_cast<Microseconds>(took), Microseconds(1));
        return true;
    }

    /// The peer pings. False unless the number is above all earlier ones.
    bool answer(std::uint64_t sequence) {
        const bool increases = !last_of_peer_ || sequence > *last_of_peer_;
        last_of_peer_ = sequence;
        // A peer that pings faster than answers can be written needs only the latest answers.
        if (answers_.size() == most_answers) answers_.pop_front();
        answers_.push_back(sequence);
        return increases;
    }

    bool has_news() const noexcept { return is_due_ || !answers_.empty(); }
    /// True if it has written a ping that measures the round trip.
    bool write_news(OutgoingRecord &record, Time now) {
        for (; !answers_.empty(); answers_.pop_front()) record.add_frame(PingResponse{answers_.front()});
        return is_due_ && ask(record, now);
    }
    /// Pings now. True if this ping measures the round trip.
    bool ask(OutgoingRecord &record, Time now) {
        is_due_ = false;
        record.add_frame(PingRequest{next_});
        idle_.asked(now);
        // An outstanding ping is not replaced by a newer one; otherwise no ping would ever be measured when the round
        // trip exceeds the interval.
        const bool measures = !is_out();
        if (measures) asked_ = Asked{next_, now, true};
        ++next_;
        return measures;
    }
    /// Pings for another purpose than this class has. A missing answer does not mean that the peer is gone.
    void mark(OutgoingRecord &record) { record.add_frame(PingRequest{next_++}); }
    /// The number of the next ping.
    std::uint64_t next() const noexcept { return next_; }
    /// A ping that measures the round trip has no answer yet.
    bool is_out() const noexcept { return asked_ && asked_->is_out; }
    /// Somebody wants to know what `measure` is for: he has asked a moment ago.
    bool is_wanted(Time now) const noexcept { return wanted_ && now < *wanted_ + 2 * lifetime; }
    void clear() noexcept { answers_.clear(); }

private:
    static constexpr std::size_t most_answers = 16;
    /// A caller that asks all the time makes one ping a second, which is nothing beside media.
    static constexpr std::chrono::seconds lifetime{1};

    /// The ping that measures the round trip.
    struct Asked {
        std::uint64_t sequence;
        Time at;
        bool is_out;
    };

    IdleTimer idle_;
    bool is_due_ = false;
    std::optional<Asked> asked_;
    std::optional<Time> wanted_;
    std::uint64_t next_ = 0;
    Microseconds round_trip_{0};
    std::optional<std::uint64_t> last_of_peer_;
    std::deque<std::uint64_t> answers_;
};

}  // namespace comoq::qmux::detail
