#pragma once
#include "event.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>

#include <exception>
#include <list>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Coroutines that can be cancelled, and waited for, together. What one throws is its own affair. They go on when the group is
/// gone.
///
/// Threads: made, used and destroyed on the executor that its coroutines run on, which runs one thing at a time.
class TaskGroup {
public:
    explicit TaskGroup(asio::any_io_executor executor) : state_(std::make_shared<State>()), executor_(std::move(executor)) {
        state_->idle.set();
    }
    TaskGroup(const TaskGroup &) = delete;
    TaskGroup &operator=(const TaskGroup &) = delete;

    void spawn(asio::awaitable<void> coroutine) {
        spawn(std::move(coroutine), [](const std::exception_ptr &) {});
    }
    /// `ended` is called with what it threw, if it did, unless the context is destroyed before.
    template <class Ended> void spawn(asio::awaitable<void> coroutine, Ended ended) {
        auto task = std::make_shared<Task>();
        const auto place = state_->tasks.insert(state_->tasks.end(), task);
        state_->idle.clear();
        auto over = [state = state_, place, life = Life(task), ended = std::move(ended)](
                        const std::exception_ptr &failure) mutable {
            ended(failure);
            state->tasks.erase(place);
            if (state->tasks.empty()) state->idle.set();
        };
        const auto slot = task->signal.slot();
        asio::co_spawn(executor_, std::move(coroutine), asio::bind_cancellation_slot(slot, std::move(over)));
    }

    /// All that are under way.
    void cancel() {
        // A coroutine that ends at once takes itself out of the list.
        const std::vector<std::shared_ptr<Task>> tasks(state_->tasks.begin(), state_->tasks.end());
        for (const auto &task : tasks)
            if (task->alive) task->signal.emit(asio::cancellation_type::terminal);
    }

    /// Completes when none is under way.
    Operation<void> idle() const { return state_->idle.wait(); }

private:
    struct Task {
        asio::cancellation_signal signal;
        bool alive = true;
    };
    /// Goes with the coroutine. One that a context destroys leaves a signal behind that leads to what is gone.
    class Life {
    public:
        explicit Life(std::shared_ptr<Task> of) noexcept : task_(std::move(of)) {}
        Life(Life &&) noexcept = default;
        Life &operator=(Life &&) = delete;
        ~Life() {
            if (task_ != nullptr) task_->alive = false;
        }

    private:
        std::shared_ptr<Task> task_;
    };
    struct State {
        std::list<std::shared_ptr<Task>> tasks;
        Event idle;
    };

    const std::shared_ptr<State> state_;
    const asio::any_io_executor executor_;
};

}  // namespace comoq::detail
