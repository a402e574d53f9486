/// \file A stream that a test fills by hand, made only of the library's own parts.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <system_error>
#include <utility>

#include <comoq/detail/wait/step.hpp>
#include <comoq/operation.hpp>

namespace comoq::test {

/// Outcomes in a queue. Steps take them in turn; any number of steps may wait. Safe to use from several threads.
template <class T> class Gate {
    struct State {
        detail::Mutex mutex;
        std::deque<detail::Outcome<T>> held;
        detail::WaitList waits;
    };

    struct Rule {
        using value_type = T;
        std::shared_ptr<State> state;

        detail::Mutex &mutex() const noexcept { return state->mutex; }
        detail::WaitList &waits() const noexcept { return state->waits; }
        bool available() const noexcept { return !state->held.empty(); }
        detail::Outcome<T> take() {
            auto outcome = std::move(state->held.front());
            state->held.pop_front();
            return outcome;
        }
    };

public:
    Gate() : state_(std::make_shared<State>()) {}

    /// Adds an outcome; the arguments make its value.
    template <class... Args> void put(Args &&...args) {
        detail::WakeList wake;
        detail::Lock lock(state_->mutex);
        state_->held.emplace_back(std::in_place, std::forward<Args>(args)...);
        wake.take(state_->waits);
    }
    void put_error(std::error_code code) {
        detail::WakeList wake;
        detail::Lock lock(state_->mutex);
        state_->held.emplace_back(code);
        wake.take(state_->waits);
    }

    /// Takes an outcome away as another reader would, if there is one.
    bool steal() {
        detail::Lock lock(state_->mutex);
        if (state_->held.empty()) {
            return false;
        }
        state_->held.pop_front();
        return true;
    }

    auto step() const { return detail::Step(Rule{state_}); }
    detail::AnySource<T> source() const { return step(); }
    Operation<T> next() const { return Operation<T>(detail::Passkey(), source()); }

    /// Outcomes that no step has taken.
    std::size_t held() const {
        detail::Lock lock(state_->mutex);
        return state_->held.size();
    }
    /// True if a step is in the list of waiters.
    bool awaited() const {
        detail::Lock lock(state_->mutex);
        return !state_->waits.empty();
    }
    /// Steps that have not been withdrawn. Only valid while no other thread makes or destroys one.
    std::size_t steps() const { return static_cast<std::size_t>(state_.use_count()) - 1; }

private:
    const std::shared_ptr<State> state_;
};

}  // namespace comoq::test
