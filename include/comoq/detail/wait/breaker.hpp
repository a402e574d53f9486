// SPDX-License-Identifier: MIT
#pragma once
#include "outcome.hpp"
#include "source.hpp"
#include "waiter.hpp"

#include <optional>
#include <utility>

namespace comoq::detail {

/// Ends waits by value: from `end()` on, every wait at a source that was made `Breakable` with this object completes, and its
/// coroutine asks why. To race two waits with `first_of` takes a coroutine for each, and an exception for the one that loses.
///
/// Used on the executor of the coroutine that waits. It outlives the sources, of which one at a time waits.
class Breaker {
public:
    Breaker() = default;
    Breaker(const Breaker &) = delete;
    Breaker &operator=(const Breaker &) = delete;

    bool has_ended() const noexcept { return has_ended_; }
    void end() noexcept {
        has_ended_ = true;
        if (wait_ != nullptr) wait_->wake();
    }

private:
    template <class Source> friend class Breakable;

    /// What waits.
    class Wait {
    public:
        virtual void wake() noexcept = 0;

    protected:
        ~Wait() = default;
    };

    Wait *wait_ = nullptr;
    bool has_ended_ = false;
};

/// A source without a value that is ready, too, once its breaker has ended.
template <class Source> class Breakable final : private Breaker::Wait {
public:
    using taken_type = void;

    Breakable(Source source, Breaker &breaker) noexcept : source_(std::move(source)), breaker_(&breaker) {}
    /// One that waits stays where it is.
    Breakable(Breakable &&other) noexcept : source_(std::move(other.source_)), breaker_(other.breaker_) {}
    Breakable &operator=(Breakable &&) = delete;
    ~Breakable() { forget(); }

    bool ready() const noexcept { return breaker_->has_ended() || source_.ready(); }
    std::optional<Outcome<void>> take(Permit *permit) {
        forget();
        if (!breaker_->has_ended()) return source_.take(permit);
        if (permit != nullptr && !permit->grant()) return std::nullopt;
        return Outcome<void>();
    }
    Outcome<void> finish(Outcome<void> &&taken) { return taken; }
    bool wait(Waiter &waiter) noexcept {
        if (breaker_->has_ended()) return false;
        // Before others can see the waiter: afterwards it may be claimed at any moment. It runs on this executor, and so not
        // before this call is over.
        waiter_ = &waiter;
        breaker_->wait_ = this;
        if (source_.wait(waiter)) return true;
        forget();
        return false;
    }
    bool withdraw(Waiter &waiter) noexcept {
        forget();
        return source_.withdraw(waiter);
    }

private:
    void wake() noexcept override {
        Waiter &waiter = *waiter_;
        forget();
        source_.wake(waiter);
    }
    void forget() noexcept {
        if (waiter_ == nullptr) return;
        waiter_ = nullptr;
        breaker_->wait_ = nullptr;
    }

    Source source_;
    Breaker *const breaker_;
    Waiter *waiter_ = nullptr;
};

}  // namespace comoq::detail
