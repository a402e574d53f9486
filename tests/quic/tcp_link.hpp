/// \file
/// TCP as far as its readers notice it, on a simulated link: bytes arrive in order, so that what follows a lost packet waits for
/// its repetition. Kinder than the real one: acknowledgements are never lost, each names the packets that came (SACK), and the
/// receiver's window does not end.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "quic/link_faults.hpp"

namespace comoq::test {

/// One direction.
class TcpPipe {
public:
    using Time = std::chrono::steady_clock::time_point;

    TcpPipe(const LinkFaults &faults, std::uint64_t seed) : faults_(faults), random_(seed) {}

    /// How many bytes the system takes now, where it holds at most `goal` that it has not sent: as Linux, twice the window.
    std::size_t room(std::size_t goal) const {
        const std::size_t unsent = data_.size() - (next_ - begin_);
        const std::size_t held = std::max<std::size_t>(static_cast<std::size_t>(2 * window_), 16 * 1024);
        return std::min(held > data_.size() ? held - data_.size() : 0, goal > unsent ? goal - unsent : 0);
    }
    void write(std::span<const std::byte> bytes, Time now) {
        data_.insert(data_.end(), bytes.begin(), bytes.end());
        send(now);
    }
    /// What has arrived, in order.
    std::vector<std::byte> read() { return std::exchange(arrived_, {}); }
    std::optional<Time> next() const {
        std::optional<Time> due = timeout();
        if (!events_.empty() && (!due || events_.top().due < *due)) due = events_.top().due;
        return due;
    }
    void advance(Time now) {
        while (!events_.empty() && events_.top().due <= now) {
            const Event event = events_.top();
            events_.pop();
            event.is_answer ? acknowledged(event, now) : arrives(event);
        }
        if (const auto due = timeout(); due && *due <= now) expired(now);
        send(now);
    }

private:
    static constexpr std::size_t segment_size = 1448;
    struct Segment {
        std::uint64_t begin, order;
        std::size_t size;
        Time sent;
        bool is_lost = false;
    };
    struct Event {
        Time due;
        std::uint64_t order, begin;
        bool is_answer;
        bool operator<(const Event &other) const { return std::pair(due, order) > std::pair(other.due, other.order); }
    };

    std::optional<Time> timeout() const {
        if (flying_.empty()) return std::nullopt;
        return since_ + std::chrono::duration_cast<std::chrono::nanoseconds>((srtt_ + std::max<std::chrono::nanoseconds>(
                            4 * deviation_, std::chrono::milliseconds(200))) * (1 << std::min(backoff_, 6u)));
    }
    void send(Time now) {
        for (auto &[begin, segment] : flying_) {
            if (!segment.is_lost) continue;
            if (!may_send(segment.size)) return;
            segment.is_lost = false;
            transmit(segment, now);
        }
        while (next_ < begin_ + data_.size()) {
            const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(segment_size, begin_ + data_.size() - next_));
            if (!may_send(size)) return;
            Segment &made = flying_[next_] = Segment{next_, 0, size, now};
            next_ += size;
            transmit(made, now);
        }
    }
    bool may_send(std::size_t size) const { return under_way_ == 0 || static_cast<double>(under_way_ + size) <= window_; }
    void transmit(Segment &segment, Time now) {
        if (under_way_ == 0) since_ = now;
        under_way_ += segment.size;
        segment.order = ++orders_;
        segment.sent = now;
        constexpr std::size_t around = 60;
        Time due = now;
        if (faults_.rate != 0) {
            free_ = std::max(free_, now);
            const auto waiting = std::chrono::duration<double>(free_ - now).count() * static_cast<double>(faults_.rate);
            if (waiting > static_cast<double>(faults_.queue)) return;
            free_ += std::chrono::nanoseconds((segment.size + around) * 1'000'000'000 / faults_.rate);
            due = free_;
        }
        if (random_() % 1000 < faults_.lost) return;
        events_.push({due + faults_.delay, segment.order, segment.begin, false});
    }
    void arrives(const Event &event) {
        events_.push({event.due + faults_.delay, event.order, event.begin, true});
        const auto place = flying_.find(event.begin);
        if (place == flying_.end() || event.begin < read_) return;
        held_[event.begin] = place->second.size;
        for (auto first = held_.begin(); first != held_.end() && first->first == read_; first = held_.erase(first)) {
            const auto from = data_.begin() + static_cast<std::ptrdiff_t>(read_ - begin_);
            arrived_.insert(arrived_.end(), from, from + static_cast<std::ptrdiff_t>(first->second));
            read_ += first->second;
        }
    }
    void acknowledged(const Event &event, Time now) {
        const auto place = flying_.find(event.begin);
        if (place != flying_.end()) {
            const Segment &segment = place->second;
            if (segment.order == event.order) follow_round_trip(now - segment.sent);
            if (!segment.is_lost) under_way_ -= segment.size;
            const auto size = static_cast<double>(segment.size);
            window_ += window_ < threshold_ ? size : size * segment_size / window_;
            flying_.erase(place);
            since_ = now;
            backoff_ = 0;
        }
        // Three that were sent later have come.
        for (auto &[begin, segment] : flying_) {
            if (segment.is_lost || segment.order + 3 > event.order) continue;
            lose(segment);
            if (segment.order > reduced_at_) reduce(0.7);
        }
        // What the reader has, and the sender need not repeat, is gone.
        const std::uint64_t kept = flying_.empty() ? next_ : flying_.begin()->first;
        data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(kept - begin_));
        begin_ = kept;
    }
    void expired(Time now) {
        for (auto &[begin, segment] : flying_)
            if (!segment.is_lost) lose(segment);
        reduce(0.5);
        window_ = segment_size;
        ++backoff_;
        since_ = now;
    }
    void lose(Segment &segment) {
        segment.is_lost = true;
        under_way_ -= segment.size;
    }
    void reduce(double to) {
        threshold_ = window_ = std::max(window_ * to, 2.0 * segment_size);
        reduced_at_ = orders_;
    }
    void follow_round_trip(std::chrono::nanoseconds sample) {
        const auto distance = sample > srtt_ ? sample - srtt_ : srtt_ - sample;
        deviation_ = (3 * deviation_ + distance) / 4;
        srtt_ = srtt_.count() == 0 ? sample : (7 * srtt_ + sample) / 8;
    }

    const LinkFaults &faults_;
    std::mt19937_64 random_;
    /// From `begin_` on: what the peer has not acknowledged, and what was not sent, which begins at `next_`.
    std::deque<std::byte> data_;
    std::uint64_t begin_ = 0, next_ = 0, read_ = 0;
    std::map<std::uint64_t, Segment> flying_;
    std::map<std::uint64_t, std::size_t> held_;
    std::vector<std::byte> arrived_;
    std::priority_queue<Event> events_;
    std::uint64_t orders_ = 0, reduced_at_ = 0;
    std::size_t under_way_ = 0;
    double window_ = 10.0 * segment_size, threshold_ = 1e9;
    std::chrono::nanoseconds srtt_{0}, deviation_{0};
    unsigned backoff_ = 0;
    Time free_{}, since_{};
};

}  // namespace comoq::test
