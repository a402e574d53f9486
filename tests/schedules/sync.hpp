/// \file Replaces comoq/detail/wait/sync.hpp in the copy of the headers that these tests are built with.
#pragma once

#include "schedules/scheduler.hpp"

#include <mutex>
#include <utility>

namespace comoq::detail {

/// A lock whose operations are switch points.
class Mutex {
public:
    void lock() {
        if (auto *run = schedule::Run::current()) {
            run->point();
            while (locked_) run->wait_for(this);
        }
        locked_ = true;
    }
    void unlock() {
        locked_ = false;
        if (auto *run = schedule::Run::current()) {
            run->wake(this);
            run->point();
        }
    }

private:
    bool locked_ = false;
};

using Lock = std::unique_lock<Mutex>;

/// An atomic whose operations are switch points.
template <class T> class Atomic {
public:
    Atomic() noexcept = default;
    constexpr Atomic(T value) noexcept : value_(value) {}
    Atomic(const Atomic &) = delete;
    Atomic &operator=(const Atomic &) = delete;

    T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
        if (auto *run = schedule::Run::current()) run->look(this);
        return value_;
    }
    void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
        point();
        value_ = value;
    }
    T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
        point();
        return std::exchange(value_, value);
    }
    T fetch_add(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
        point();
        return std::exchange(value_, static_cast<T>(value_ + value));
    }
    T fetch_sub(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
        point();
        return std::exchange(value_, static_cast<T>(value_ - value));
    }
    bool compare_exchange_strong(T &expected, T desired, std::memory_order = std::memory_order_seq_cst,
                                 std::memory_order = std::memory_order_seq_cst) noexcept {
        point();
        if (value_ != expected) {
            expected = value_;
            return false;
        }
        value_ = desired;
        return true;
    }

private:
    static void point() noexcept {
        if (auto *run = schedule::Run::current()) run->point();
    }
    T value_{};
};

}  // namespace comoq::detail
