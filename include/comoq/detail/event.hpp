#pragma once
#include "outcome.hpp"
#include "step.hpp"
#include "sync.hpp"
#include "waiter.hpp"
#include "../operation.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// Something that happens again and again, for coroutines to wait for: once set it stays so until it is cleared.
class Event {
public:
    void set() noexcept {
        const auto state = state_;
        WakeList wake;
        Lock lock(state->mutex);
        state->is_set = true;
        wake.take(state->waits);
    }
    void clear() noexcept {
        Lock lock(state_->mutex);
        state_->is_set = false;
    }
    Operation<void> wait() const { return Operation<void>(Step(Rule(state_))); }

private:
    struct State {
        Mutex mutex;
        WaitList waits;
        bool is_set = false;
    };
    class Rule {
    public:
        using value_type = void;
        explicit Rule(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
        Mutex &mutex() const noexcept { return state_->mutex; }
        WaitList &waits() const noexcept { return state_->waits; }
        bool available() const noexcept { return state_->is_set; }
        Outcome<void> take() { return {}; }

    private:
        std::shared_ptr<State> state_;
    };

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace comoq::detail
