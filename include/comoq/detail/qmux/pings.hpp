#pragma once
#include "../../qmux/frames.hpp"
#include "idle_timer.hpp"
#include "outgoing_record.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace comoq::qmux::detail {

/// The pings of a connection: whether the peer is still there, and how long it takes to answer.
class Pings {
public:
    using Time = IdleTimer::Time;
    using Microseconds = std::chrono::microseconds;

    Pings(Time now, std::chrono::milliseconds ours) noexcept : idle_(now, ours), received_(now) {}

    /// From here on there may be pings. `theirs` is the peer's idle time.
    void begin(std::chrono::milliseconds theirs) noexcept { idle_.negotiate(theirs); }
    void received(Time now) noexcept {
        idle_.received(now);
        received_ = now;
    }
    void sent(Time now) noexcept { idle_.sent(now); }

    /// Nothing has come for the idle time.
    bool is_over(Time now) const noexcept { return idle_.is_over(now); }
    std::optional<Time> deadline() const noexcept { return idle_.deadline(is_due_); }
    void tick(Time now) noexcept { is_due_ = is_due_ || idle_.should_ask(now); }

    /// What a ping took the last time; zero before that.
    Microseconds round_trip() const noexcept { return round_trip_; }
    /// Asks again if that is long ago.
    void measure(Time now) noexcept {
        const bool is_fresh = asked_ && (asked_->is_out || now < asked_->at + lifetime);
        is_due_ = is_due_ || !is_fresh;
    }
    /// In what has just come.
    void answered(std::uint64_t sequence) noexcept {
        if (!asked_ || !asked_->is_out || sequence != asked_->sequence) return;
        asked_->is_out = false;
        round_trip_ = std::max(std::chrono::duration_cast<Microseconds>(received_ - asked_->at), Microseconds(1));
    }

    /// The peer asks.
    void answer(std::uint64_t sequence) {
        // Who asks faster than answers can be written learns from the latest what there is to learn.
        if (answers_.size() == most_answers) answers_.pop_front();
        answers_.push_back(sequence);
    }

    bool has_news() const noexcept { return is_due_ || !answers_.empty(); }
    void write_news(OutgoingRecord &record, Time now) {
        for (; !answers_.empty(); answers_.pop_front()) record.add_frame(PingResponse{answers_.front()});
        if (!is_due_) return;
        is_due_ = false;
        record.add_frame(PingRequest{next_});
        idle_.asked(now);
        // One that still is out is not given up for one more: on a long way none would ever count.
        if (!asked_ || !asked_->is_out) asked_ = Asked{next_, now, true};
        ++next_;
    }
    void clear() noexcept { answers_.clear(); }

private:
    static constexpr std::size_t most_answers = 16;
    /// A ping a second for who always wants to know is nothing beside media.
    static constexpr std::chrono::seconds lifetime{1};

    /// What the round trip is measured by.
    struct Asked {
        std::uint64_t sequence;
        Time at;
        bool is_out;
    };

    IdleTimer idle_;
    Time received_;
    bool is_due_ = false;
    std::optional<Asked> asked_;
    std::uint64_t next_ = 0;
    Microseconds round_trip_{0};
    std::deque<std::uint64_t> answers_;
};

}  // namespace comoq::qmux::detail
