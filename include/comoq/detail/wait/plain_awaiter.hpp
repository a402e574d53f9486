// SPDX-License-Identifier: MIT
#pragma once
#include "source.hpp"
#include "sync.hpp"

#include <coroutine>
#include <memory>
#include <new>
#include <optional>

namespace comoq::detail {

/// The wait of a coroutine that has no executor. It outlives the coroutine when a completing call has claimed it, so
/// that destroying the coroutine revokes a resumption that is still queued.
template <class T> class PlainWait final : public Waiter, public Resumption, private Permit {
public:
    PlainWait(AnySource<T> source, std::coroutine_handle<> awaiting) noexcept
        : source_(std::move(source)), awaiting_(awaiting) {}

    /// False if the outcome was ready and the coroutine need not suspend. After true the coroutine may already run.
    bool suspend() noexcept {
        for (;;) {
            if (source_.wait(*this)) return true;
            if (taken_.fill(source_, *this)) return false;
        }
    }

    /// In the resumed coroutine: makes the outcome of the taken value.
    Outcome<T> finish() { return taken_.finish(source_); }
    const AnySource<T> &source() const noexcept { return source_; }

    /// The awaiting side ends: the coroutine was resumed, or is being destroyed while suspended.
    void release() noexcept {
        auto waiting = State::Waiting;
        state_.compare_exchange_strong(waiting, State::Revoked);
        source_.withdraw(*this);
        drop();
    }

    void claimed() noexcept override { references_.fetch_add(1, std::memory_order_relaxed); }
    Waiter *wake(std::size_t) noexcept override {
        Waiter *rest = following();
        ResumeScope::push(*this);
        return rest;
    }

    void resume() override {
        while (state_.load() == State::Waiting) {
            if (taken_.fill(source_, *this)) {
                const auto awaiting = awaiting_;
                drop();
                awaiting.resume();
                return;
            }
            // Another waiter took it, so wait again. The coroutine may be destroyed before this wait is in the list,
            // where that would have found it: look once more after adding it.
            if (source_.wait(*this)) {
                if (state_.load() == State::Revoked) source_.withdraw(*this);
                break;
            }
        }
        drop();
    }

private:
    enum class State { Waiting, Resumed, Revoked };

    /// The one moment of decision between resuming the coroutine and destroying it, under the lock of the awaited
    /// state: a coroutine that is destroyed first takes nothing. If it is asked again after a failed taking, it gives
    /// the same answer.
    bool grant() noexcept override {
        auto state = State::Waiting;
        return state_.compare_exchange_strong(state, State::Resumed) || state == State::Resumed;
    }

    void drop() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    AnySource<T> source_;
    typename AnySource<T>::Taken taken_;
    std::coroutine_handle<> awaiting_;
    Atomic<State> state_{State::Waiting};
    Atomic<int> references_{1};
};

/// The result of `operator co_await` for coroutine types other than `asio::awaitable`. `Tuple` selects the result's
/// form.
template <class T, bool Tuple> class PlainAwaiter {
public:
    explicit PlainAwaiter(AnySource<T> source) noexcept : source_(std::move(source)) {}
    PlainAwaiter(const PlainAwaiter &) = delete;
    PlainAwaiter &operator=(const PlainAwaiter &) = delete;
    ~PlainAwaiter() {
        if (wait_ != nullptr) wait_->release();
    }

    bool await_ready() noexcept { return (outcome_ = source_.poll()).has_value(); }

    bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
        // If the allocation fails, nothing was moved: the source stays here.
        PlainWait<T> *wait = wait_ = new (std::nothrow) PlainWait<T>(std::move(source_), awaiting);
        if (wait != nullptr) return wait->suspend();
        outcome_ = Outcome<T>(std::make_error_code(std::errc::not_enough_memory));
        return false;
    }

    auto await_resume() {
        Outcome<T> outcome = wait_ != nullptr ? wait_->finish() : std::move(*outcome_);
        if constexpr (Tuple) {
            return OutcomeTuple<T>::make(std::move(outcome));
        } else {
            if (outcome.ec) (wait_ != nullptr ? wait_->source() : source_).fail(outcome.ec);
            if constexpr (!std::is_void_v<T>) return std::move(outcome.value);
        }
    }

private:
    AnySource<T> source_;
    std::optional<Outcome<T>> outcome_;
    PlainWait<T> *wait_ = nullptr;
};

}  // namespace comoq::detail
