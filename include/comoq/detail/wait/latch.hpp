// SPDX-License-Identifier: MIT
#pragma once
#include "outcome.hpp"
#include "step.hpp"
#include "sync.hpp"
#include "waiter.hpp"
#include "../../operation.hpp"

#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// A value that is set once, and that coroutines wait for. Copies are the same latch. Threads: any.
template <class T> class Latch {
public:
    /// The first value counts.
    void set(T value) {
        const auto state = state_;
        WakeList wake;
        Lock lock(state->mutex);
        if (state->value) return;
        state->value.emplace(std::move(value));
        wake.take(state->waits);
    }
    /// No value will come any more: every wait ends with `code`, unless there is a value.
    void fail(std::error_code code) noexcept {
        const auto state = state_;
        WakeList wake;
        Lock lock(state->mutex);
        if (state->failure) return;
        state->failure = code;
        wake.take(state->waits);
    }
    /// The value, if it was set.
    std::optional<T> peek() const {
        Lock lock(state_->mutex);
        return state_->value;
    }
    Operation<T> wait() const { return Operation<T>(Passkey(), Step(Rule(state_))); }

private:
    struct State {
        mutable Mutex mutex;
        WaitList waits;
        std::optional<T> value;
        std::error_code failure;
    };
    class Rule {
    public:
        using value_type = T;
        explicit Rule(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
        Mutex &mutex() const noexcept { return state_->mutex; }
        WaitList &waits() const noexcept { return state_->waits; }
        bool available() const noexcept { return state_->value.has_value() || state_->failure; }
        Outcome<T> take() {
            return state_->value ? Outcome<T>(std::in_place, *state_->value) : Outcome<T>(state_->failure);
        }

    private:
        std::shared_ptr<State> state_;
    };

    const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace comoq::detail
