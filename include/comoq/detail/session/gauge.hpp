// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <cstdint>

namespace comoq::detail {

/// A number that one executor changes, and that any thread may read. A change is a load and a store, and no more.
class Gauge {
public:
    Gauge() = default;
    Gauge(const Gauge &) = delete;
    Gauge &operator=(const Gauge &) = delete;

    /// Any thread.
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }
    Gauge &operator+=(std::uint64_t more) noexcept {
        value_.store(get() + more, std::memory_order_relaxed);
        return *this;
    }
    Gauge &operator++() noexcept { return *this += 1; }
    Gauge &operator--() noexcept { return *this += ~std::uint64_t{0}; }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// One of what a gauge counts, which outlives this.
class Counted {
public:
    explicit Counted(Gauge &by) noexcept : by_(by) { ++by_; }
    Counted(const Counted &) = delete;
    Counted &operator=(const Counted &) = delete;
    ~Counted() { --by_; }

private:
    Gauge &by_;
};

}  // namespace comoq::detail
