// Which of many things are over at a time that each has. No clock: the time is given.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

// By the clock of the wall, which can be set: tokens have its times. Any thread.
template <class Thing> class Expiries {
public:
    using Time = std::chrono::system_clock::time_point;

    // In the place of another time that the thing has, which stays if there is not the memory for it.
    void set(const Thing &thing, Time when) {
        std::lock_guard lock(mutex_);
        const auto [place, is_new] = by_time_.emplace(when, thing);
        if (!is_new) {
            return;
        }
        const auto known = times_.find(thing);
        if (known != times_.end()) {
            by_time_.erase({known->second, thing});
            known->second = when;
            return;
        }
        try {
            times_.emplace(thing, when);
        } catch (...) {
            by_time_.erase(place);
            throw;
        }
    }
    void forget(const Thing &thing) {
        std::lock_guard lock(mutex_);
        const auto found = times_.find(thing);
        if (found != times_.end()) {
            by_time_.erase({found->second, thing});
            times_.erase(found);
        }
    }
    // Gives a thing whose time has come: the earliest one, each thing once, nothing if there is none. It needs no memory.
    std::optional<Thing> take_due(Time now) {
        std::lock_guard lock(mutex_);
        if (by_time_.empty() || by_time_.begin()->first > now) {
            return std::nullopt;
        }
        const Thing due = by_time_.begin()->second;
        times_.erase(due);
        by_time_.erase(by_time_.begin());
        return due;
    }
    std::size_t size() const {
        std::lock_guard lock(mutex_);
        return times_.size();
    }

private:
    mutable std::mutex mutex_;
    std::set<std::pair<Time, Thing>> by_time_;
    std::unordered_map<Thing, Time> times_;
};
