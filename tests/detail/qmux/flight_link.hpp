/// \file
/// A link of this file's making, with a limit of what is on the way: how late data arrives, and how much of it is used.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include <comoq/detail/qmux/flight_limit.hpp>

#include "support/catch.hpp"

namespace comoq::test {

using FlightLimit = qmux::detail::FlightLimit;

/// A link with a buffer before it, and a source whose newest data goes first: what is older than half a second is given
/// up. A frame comes every 20 ms, and another one of control every 100.
struct FlightLink {
    explicit FlightLink(double bytes_per_second, double round_trip_ms, double buffer_bytes, double source_bytes_per_second)
        : rate(bytes_per_second), round_trip(round_trip_ms), buffer(buffer_bytes), source(source_bytes_per_second) {}

    void pass(std::uint64_t milliseconds) {
        for (std::uint64_t i = 0; i < milliseconds; ++i, ++ms) {
            now = FlightLimit::Time() + std::chrono::milliseconds(ms + 1000);
            if (rate_at) rate = rate_at(static_cast<double>(ms));
            could_carry += rate / 1000;
            answer();
            if (ms % 20 == 0 && ms > 0 && source != 0) waiting.push_back({static_cast<double>(ms), source / 50});
            if (ms % 100 == 0) control();
            if (limit.deadline() && now >= *limit.deadline()) limit.tick(now);
            while (!waiting.empty() && static_cast<double>(ms) - waiting.front().born > 500) waiting.pop_front();
            if (queued() < buffer) taken();
            move();
        }
    }

    void answer() {
        while (!answers.empty() && answers.front().at <= static_cast<double>(ms)) {
            if (has_media() && limit.room() == 0) limit.holds(now);
            if (const auto shown = limit.answered(now, answers.front().sequence)) told = *shown;
            answers.pop_front();
        }
    }
    bool has_media() const { return !waiting.empty(); }
    double queued() const { return std::max(0.0, (empty_at - static_cast<double>(ms)) * rate / 1000); }
    void go(std::size_t bytes, bool with_marker) {
        if (with_marker) bytes += 12;
        empty_at = std::max(empty_at, static_cast<double>(ms)) + static_cast<double>(bytes) * 1000 / rate;
        taken();
        limit.goes(now, bytes);
        is_writing = true;
        if (!with_marker) return;
        limit.marked(now, ++markers);
        double at = empty_at + round_trip;
        at += noise() + (delay_back ? delay_back(at) : 0);
        at = std::max(at, answers.empty() ? 0.0 : answers.back().at);
        if (answers_pings) answers.push_back({at, markers});
    }
    void taken() {
        if (std::exchange(is_writing, false)) limit.taken(now);
    }
    /// In milliseconds. An answer in fifty waits for the air.
    double noise() {
        const auto up_to = [this](double most) { return most == 0 ? 0 : std::uniform_real_distribution<>(0, most)(random); };
        return up_to(jitter) + (up_to(1) < 0.02 ? spike : 0);
    }
    void control() { go(80, limit.wants_marker(now, 80)); }
    void move() {
        while (queued() < buffer) {
            const std::size_t room = limit.room();
            if (!has_media() || room == 0) {
                if (!limit.needs_marker()) break;
                go(0, true);
                continue;
            }
            double most = static_cast<double>(std::min<std::size_t>(std::max<std::size_t>(room, 1024), 4096));
            std::size_t bytes = 0;
            std::vector<double> born;
            while (most > 0 && has_media()) {
                auto &newest = waiting.back();
                const double part = std::min(most, newest.left);
                newest.left -= part;
                most -= part;
                bytes += static_cast<std::size_t>(part);
                born.push_back(newest.born);
                if (newest.left > 0) break;
                waiting.pop_back();
            }
            go(bytes, limit.wants_marker(now, bytes));
            carried += static_cast<double>(bytes);
            for (const double each : born) ages.push_back(empty_at + round_trip / 2 - each);
        }
        if (has_media() && limit.room() == 0) limit.holds(now);
    }

    void start_measuring() {
        ages.clear();
        carried = could_carry = 0;
        markers_before = markers;
    }
    double age(double part) {
        REQUIRE_FALSE(ages.empty());
        std::sort(ages.begin(), ages.end());
        return ages[static_cast<std::size_t>(part * static_cast<double>(ages.size() - 1))];
    }

    double rate, round_trip, buffer, source;
    double jitter = 0, spike = 0;
    /// By the time in milliseconds: how long an answer waits behind the peer's own data, and what the link carries.
    std::function<double(double)> delay_back, rate_at;
    bool answers_pings = true, is_writing = false;
    std::mt19937_64 random{1};
    FlightLimit limit;
    FlightLimit::Time now{};
    std::uint64_t ms = 0;
    struct Frame { double born, left; };
    std::deque<Frame> waiting;
    struct Answer { double at; std::uint64_t sequence; };
    std::deque<Answer> answers;
    double empty_at = 0, carried = 0, could_carry = 0, told = 0;
    std::uint64_t markers = 0, markers_before = 0;
    std::vector<double> ages;
};

}  // namespace comoq::test
