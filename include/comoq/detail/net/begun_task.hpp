// SPDX-License-Identifier: MIT
#pragma once
#include "../../operation.hpp"
#include "../wait/code_of.hpp"
#include "../wait/outcome.hpp"
#include "../wait/step.hpp"
#include "../wait/sync.hpp"
#include "../wait/task_group_state.hpp"
#include "../wait/waiter.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::net::detail {

/// A coroutine that has begun, as an operation: destroying the operation cancels the coroutine, which then ends by itself.
template <class T> class BegunTask {
public:
    static Operation<T> begin(const asio::any_io_executor &executor, asio::awaitable<T> task) {
        const auto state = std::make_shared<State>();
        const auto group = std::make_shared<comoq::detail::TaskGroupState>(executor);
        auto owner = std::make_shared<Owner>(executor, group, state);
        comoq::detail::TaskGroupState::spawn(group, run(state, std::move(task)), [state](const std::exception_ptr &failure) {
            if (failure != nullptr) settle(*state, comoq::detail::Outcome<T>(comoq::detail::code_of(failure)));
        });
        return Operation<T>(comoq::detail::Passkey(), comoq::detail::Step(Rule(state, std::move(owner))));
    }

private:
    using Outcome = comoq::detail::Outcome<T>;
    struct State {
        comoq::detail::Mutex mutex;
        comoq::detail::WaitList waits;
        std::optional<Outcome> outcome;
    };
    class Owner {
    public:
        Owner(asio::any_io_executor executor, std::shared_ptr<comoq::detail::TaskGroupState> group, std::shared_ptr<State> state)
            : executor_(std::move(executor)), group_(std::move(group)), state_(std::move(state)) {}
        Owner(const Owner &) = delete;
        Owner &operator=(const Owner &) = delete;
        ~Owner() {
            {
                // The executor may be gone once the task is over.
                comoq::detail::Lock lock(state_->mutex);
                if (state_->outcome) return;
            }
            asio::post(executor_, [group = group_] { group->cancel(); });
        }

    private:
        const asio::any_io_executor executor_;
        const std::shared_ptr<comoq::detail::TaskGroupState> group_;
        const std::shared_ptr<State> state_;
    };
    class Rule {
    public:
        using value_type = T;
        Rule(std::shared_ptr<State> state, std::shared_ptr<Owner> owner) noexcept
            : state_(std::move(state)), owner_(std::move(owner)) {}
        comoq::detail::Mutex &mutex() const noexcept { return state_->mutex; }
        comoq::detail::WaitList &waits() const noexcept { return state_->waits; }
        bool available() const noexcept { return state_->outcome.has_value(); }
        Outcome take() { return std::move(*state_->outcome); }

    private:
        std::shared_ptr<State> state_;
        std::shared_ptr<Owner> owner_;
    };

    static asio::awaitable<void> run(std::shared_ptr<State> state, asio::awaitable<T> task) {
        T value = co_await std::move(task);
        settle(*state, Outcome(std::in_place, std::move(value)));
    }
    static void settle(State &state, Outcome outcome) {
        comoq::detail::WakeList wake;
        comoq::detail::Lock lock(state.mutex);
        if (!state.outcome) state.outcome.emplace(std::move(outcome));
        wake.take(state.waits);
    }
};

}  // namespace comoq::net::detail
