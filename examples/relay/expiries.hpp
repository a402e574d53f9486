// Which of many things are over at a time that each has. No clock: the time is given.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

// By the clock of the wall, which can be set: tokens have its times. Any thread.
template <class Thing> class Expiries {
public:
    using Time = std::chrono::system_clock::time_point;

    // In the place of another time that the thing has.
    void set(const Thing &thing, Time when) {
        std::lock_guard lock(mutex_);
        remove(thing);
        const auto place = by_time_.emplace(when, thing).first;
        try {
            times_.emplace(thing, when);
        } catch (...) {
            by_time_.erase(place);
            throw;
        }
    }
    void forget(const Thing &thing) {
        std::lock_guard lock(mutex_);
        remove(thing);
    }
    // Those whose time has come; each once.
    std::vector<Thing> take_due(Time now) {
        std::vector<Thing> due;
        std::lock_guard lock(mutex_);
        while (!by_time_.empty() && by_time_.begin()->first <= now) {
            due.push_back(by_time_.begin()->second);
            times_.erase(due.back());
            by_time_.erase(by_time_.begin());
        }
        return due;
    }
    std::size_t size() const {
        std::lock_guard lock(mutex_);
        return times_.size();
    }

private:
    // Under the lock.
    void remove(const Thing &thing) {
        const auto found = times_.find(thing);
        if (found != times_.end()) {
            by_time_.erase({found->second, thing});
            times_.erase(found);
        }
    }

    mutable std::mutex mutex_;
    std::set<std::pair<Time, Thing>> by_time_;
    std::unordered_map<Thing, Time> times_;
};
