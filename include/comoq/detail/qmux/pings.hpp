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

    Pings(Time now, std::chrono::milliseconds ours) noexcept : idle_(now, ours) {}

    /// From here on there may be pings. `theirs` is the peer's idle time.
    void begin(std::chrono::milliseconds theirs) noexcept { idle_.negotiate(theirs); }
    void received(Time now) noexcept { idle_.received(now); }
    void sent(Time now) noexcept { idle_.sent(now); }

    /// Nothing has come for the idle time.
    bool is_over(Time now) const noexcept { return idle_.is_over(now); }
    std::optional<Time> deadline() const noexcept { return idle_.deadline(is_due_); }
    void tick(Time now) noexcept { is_due_ = is_due_ || idle_.should_ask(now); }

    /// What a ping took the last time; zero before that. Asks again if that is long ago.
    Microseconds round_trip(Time now) noexcept {
        const bool is_fresh = is_asking_ || (asked_ && now < *asked_ + lifetime);
        is_due_ = is_due_ || !is_fresh;
        return round_trip_;
    }
    void answered(std::uint64_t sequence, Time now) noexcept {
        if (!is_asking_ || sequence + 1 != next_) return;
        is_asking_ = false;
        round_trip_ = std::max(std::chrono::duration_cast<Microseconds>(now - *asked_), Microseconds(1));
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
        record.add_frame(PingRequest{next_++});
        idle_.asked(now);
        asked_ = now;
        is_asking_ = true;
    }
    void clear() noexcept { answers_.clear(); }

private:
    static constexpr std::size_t most_answers = 16;
    /// A ping a second for who always wants to know is nothing beside media.
    static constexpr std::chrono::seconds lifetime{1};

    IdleTimer idle_;
    bool is_due_ = false;
    bool is_asking_ = false;     // the last one has not been answered
    std::optional<Time> asked_;  // when that was sent
    std::uint64_t next_ = 0;
    Microseconds round_trip_{0};
    std::deque<std::uint64_t> answers_;
};

}  // namespace comoq::qmux::detail
