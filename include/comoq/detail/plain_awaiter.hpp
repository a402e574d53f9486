#pragma once
#include "source.hpp"
#include "sync.hpp"

#include <coroutine>
#include <memory>
#include <optional>
#include <thread>

namespace comoq::detail {

/// The wait of a coroutine that has no executor. It outlives the coroutine when a completing call has claimed it, so
/// that destroying the coroutine revokes a resumption that is still queued.
template <class T> class PlainWait final : public Waiter, public Resumption {
public:
    PlainWait(AnySource<T> source, std::coroutine_handle<> awaiting) noexcept
        : source_(std::move(source)), awaiting_(awaiting) {}

    /// False if the outcome is there and the coroutine need not suspend. After true the coroutine may already run.
    bool suspend() noexcept {
        for (;;) {
            if (source_.wait(*this)) return true;
            if ((outcome_ = source_.poll())) return false;
        }
    }

    Outcome<T> take() { return std::move(*outcome_); }

    /// The awaiting side's end: the coroutine was resumed, or is being destroyed while suspended.
    void release() noexcept {
        // A resumer that is between taking an item and resuming must be through first: the item goes to the coroutine
        // or stays where it is, but is not lost. It holds no lock and runs no foreign code in between.
        for (auto state = state_.load(); state != State::Resumed; state = state_.load()) {
            if (state == State::Polling)
                std::this_thread::yield();
            else if (state_.compare_exchange_weak(state, State::Revoked))
                break;
        }
        source_.withdraw(*this);
        drop();
    }

    void claimed() noexcept override { references_.fetch_add(1, std::memory_order_relaxed); }
    void wake() noexcept override { ResumeScope::push(*this); }

    void resume() override {
        for (;;) {
            auto idle = State::Waiting;
            if (!state_.compare_exchange_strong(idle, State::Polling)) break;
            if ((outcome_ = source_.poll())) {
                const auto awaiting = awaiting_;
                state_.store(State::Resumed);
                drop();
                awaiting.resume();
                return;
            }
            // Somebody else took it: wait again. The coroutine may be destroyed meanwhile without finding this wait in
            // the list yet, so look once more after it is there.
            state_.store(State::Waiting);
            if (source_.wait(*this)) {
                if (state_.load() == State::Revoked) source_.withdraw(*this);
                break;
            }
        }
        drop();
    }

private:
    enum class State { Waiting, Polling, Resumed, Revoked };

    void drop() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    AnySource<T> source_;
    std::coroutine_handle<> awaiting_;
    std::optional<Outcome<T>> outcome_;
    Atomic<State> state_{State::Waiting};
    Atomic<int> references_{1};
};

/// What `operator co_await` gives to coroutine types other than `asio::awaitable`. `Tuple` selects the result's form.
template <class T, bool Tuple> class PlainAwaiter {
public:
    explicit PlainAwaiter(AnySource<T> source) noexcept : source_(std::move(source)) {}
    PlainAwaiter(const PlainAwaiter &) = delete;
    PlainAwaiter &operator=(const PlainAwaiter &) = delete;
    ~PlainAwaiter() {
        if (wait_ != nullptr) wait_->release();
    }

    bool await_ready() noexcept { return (outcome_ = source_.poll()).has_value(); }

    bool await_suspend(std::coroutine_handle<> awaiting) {
        PlainWait<T> *wait = wait_ = new PlainWait<T>(std::move(source_), awaiting);
        return wait->suspend();
    }

    auto await_resume() {
        Outcome<T> outcome = wait_ != nullptr ? wait_->take() : std::move(*outcome_);
        if constexpr (Tuple)
            return OutcomeTuple<T>::make(std::move(outcome));
        else
            return value_or_throw(std::move(outcome));
    }

private:
    AnySource<T> source_;
    std::optional<Outcome<T>> outcome_;
    PlainWait<T> *wait_ = nullptr;
};

}  // namespace comoq::detail
