// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../operation.hpp"
#include "../wait/code_of.hpp"
#include "../wait/outcome.hpp"
#include "../wait/post_room.hpp"
#include "../wait/poster.hpp"
#include "../wait/step.hpp"
#include "../wait/sync.hpp"
#include "../wait/task_group_state.hpp"
#include "../wait/waiter.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::net::detail {

/// A coroutine that has begun, as an operation: destroying the operation cancels the coroutine, which then ends by itself.
/// The operation may outlive the coroutine's context: if that destroys the coroutine, the outcome is Cancelled. `subject` is
/// what the operation's exception names.
template <class T> class BegunTask {
public:
    static Operation<T> begin(const asio::any_io_executor &executor, asio::awaitable<T> task, std::string subject) {
        const auto state = std::make_shared<State>();
        state->subject = std::move(subject);
        const auto group = std::make_shared<comoq::detail::TaskGroupState>(executor);
        auto owner = std::make_shared<Owner>(executor, group, state);
        auto running = run(AtLast(state), std::move(task));
        comoq::detail::TaskGroupState::spawn(group, std::move(running), [](const std::exception_ptr &) {});
        return Operation<T>(comoq::detail::Passkey(), comoq::detail::Step(Rule(state, std::move(owner))));
    }

private:
    using Outcome = comoq::detail::Outcome<T>;
    struct State {
        comoq::detail::Mutex mutex;
        comoq::detail::WaitList waits;
        std::optional<Outcome> outcome;
        std::string subject;
        comoq::detail::PostRoom room;  // for a Cancel
    };
    /// Settles what nobody has settled, also of a coroutine that its context destroys.
    class AtLast {
    public:
        explicit AtLast(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
        AtLast(AtLast &&) noexcept = default;
        AtLast &operator=(AtLast &&) = delete;
        ~AtLast() {
            if (state_ != nullptr) settle(*state_, Outcome(make_error_code(Error::Cancelled)));
        }
        State &state() const noexcept { return *state_; }

    private:
        std::shared_ptr<State> state_;
    };
    /// Cancels the coroutine, on its executor. Its memory is a part of the state.
    class Cancel {
    public:
        Cancel(std::shared_ptr<comoq::detail::TaskGroupState> group, std::shared_ptr<State> state) noexcept
            : group_(std::move(group)), state_(std::move(state)) {}
        void operator()() { group_->cancel(); }
        comoq::detail::PostRoom::Allocator<std::byte> room() const noexcept {
            return comoq::detail::PostRoom::Allocator<std::byte>(state_->room);
        }

    private:
        std::shared_ptr<comoq::detail::TaskGroupState> group_;
        std::shared_ptr<State> state_;
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
            try {
                const comoq::detail::PosterFor<asio::any_io_executor>::type poster(executor_);
                poster(Cancel(group_, state_));
            } catch (const std::bad_alloc &) {
                // An executor that needs memory for it. The coroutine ends in its own time, and nobody takes its outcome.
            }
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
        std::string subject() const { return state_->subject; }

    private:
        std::shared_ptr<State> state_;
        std::shared_ptr<Owner> owner_;
    };

    static asio::awaitable<void> run(AtLast at_last, asio::awaitable<T> task) {
        try {
            T value = co_await std::move(task);
            settle(at_last.state(), Outcome(std::in_place, std::move(value)));
        } catch (...) {
            settle(at_last.state(), Outcome(comoq::detail::code_of(std::current_exception())));
        }
    }
    static void settle(State &state, Outcome outcome) {
        comoq::detail::WakeList wake;
        comoq::detail::Lock lock(state.mutex);
        if (!state.outcome) state.outcome.emplace(std::move(outcome));
        wake.take(state.waits);
    }
};

}  // namespace comoq::net::detail
