// SPDX-License-Identifier: MIT
#pragma once
#include "outcome.hpp"
#include "step.hpp"
#include "sync.hpp"
#include "waiter.hpp"
#include "../../operation.hpp"

#include <memory>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// A repeated event that coroutines wait for: once set, it stays set until it is cleared.
class Event {
public:
    void set() noexcept {
        const auto state = state_;
        WakeList wake;
        Lock lock(state->mutex);
        state->is_set = true;
        wake.take(state->waits);
    }
    /// It will not be set any more: every wait ends with `code`, unless it is set.
    void fail(std::error_code code) noexcept {
        const auto state = state_;
        WakeList wake;
        Lock lock(state->mutex);
        state->failure = code;
        wake.take(state->waits);
    }
    void clear() noexcept {
        Lock lock(state_->mutex);
        state_->is_set = false;
    }
    bool is_set() const noexcept {
        Lock lock(state_->mutex);
        return state_->is_set;
    }
    Operation<void> wait() const { return Operation<void>(Passkey(), Step(Rule(state_))); }

private:
    struct State {
        Mutex mutex;
        WaitList waits;
        bool is_set = false;
        std::error_code failure;
    };
    class Rule {
    public:
        using value_type = void;
        explicit Rule(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
        Mutex &mutex() const noexcept { return state_->mutex; }
        WaitList &waits() const noexcept { return state_->waits; }
        bool available() const noexcept { return state_->is_set || state_->failure; }
        Outcome<void> take() { return state_->is_set ? Outcome<void>() : Outcome<void>(state_->failure); }

    private:
        std::shared_ptr<State> state_;
    };

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace comoq::detail
