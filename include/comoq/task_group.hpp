// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/wait/task_group_state.hpp"
#include "detail/wait/task_result.hpp"
#include "operation.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace comoq {

/// Coroutines that run side by side, are cancelled together and are waited for together: no task outlives the coroutine
/// that waits for the group. `with_task_group` makes a group and waits for it.
///
/// The first task that fails cancels the others, and the waiting coroutine gets its failure. A task with an `ended`
/// function keeps its failures to itself.
///
/// Cancellation: tasks get terminal cancellation. A cancelled group begins no further task. A cancelled task may end
/// with `operation_aborted`, which does not count as a failure of the group.
///
/// Out of memory: `spawn` throws `std::bad_alloc`; the task has not begun and is destroyed, and everything else in the
/// group goes on. A task that cannot be cancelled for want of memory is cancelled as soon as there is some: the group
/// tries again in each turn of its executor. (On an executor that needs memory for that, see Operation, it tries again
/// when another task ends, and at the next `cancel()`.)
///
/// Threads: make, use and destroy the group on the executor of its tasks, which must run one thing at a time (a strand,
/// or a context that one thread runs). Only `spawn_on` has tasks elsewhere. The context of a group may be destroyed with
/// tasks left; it destroys them in any order, so the destructors in a task must not use objects that another coroutine
/// owns.
class TaskGroup {
public:
    /// Called on the executor when the task has ended, with its exception, or null. Must not throw.
    using Ended = std::function<void(std::exception_ptr)>;

    /// An empty group whose tasks run on that executor.
    explicit TaskGroup(asio::any_io_executor executor)
        : state_(std::make_shared<detail::TaskGroupState>(std::move(executor))) {}
    TaskGroup(const TaskGroup &) = delete;
    TaskGroup &operator=(const TaskGroup &) = delete;
    /// Cancels the remaining tasks. It cannot wait: they end by themselves.
    ~TaskGroup() { state_->cancel(); }

    /// Begins a task, which may run up to its first wait before this returns. After `cancel()` the task is destroyed
    /// instead.
    void spawn(asio::awaitable<void> task) { detail::TaskGroupState::spawn(state_, std::move(task), {}); }
    /// The same for a task that handles its own failure. `ended` gets `operation_aborted` if the task is cancelled before
    /// it begins, and is not called for a task that its context destroys.
    void spawn(asio::awaitable<void> task, Ended ended) {
        detail::TaskGroupState::spawn(state_, std::move(task), std::move(ended));
    }
    /// The same for a task on another executor, where it begins after this call. That executor runs nothing while the
    /// group's runs something, as a `FairStrand` of the context that one thread runs. A task that is cancelled before it
    /// begins is destroyed there, and `ended` gets `operation_aborted`. If there is no memory to begin the task, `ended` gets
    /// `std::bad_alloc`.
    void spawn_on(const asio::any_io_executor &executor, asio::awaitable<void> task, Ended ended) {
        detail::TaskGroupState::spawn_on(state_, executor, std::move(task), std::move(ended));
    }

    /// Cancels all tasks, including those spawned later. The tasks end in their own time.
    void cancel() { state_->cancel(); }
    /// The same, 32 tasks at once and as many in each later turn of the executor, so that the end of a group of thousands
    /// does not keep others waiting. If the executor has no memory for a turn, all are cancelled at once.
    void cancel_in_turns() { state_->cancel_in_turns(); }
    /// Whether the group was cancelled, by a call or by a failed task.
    bool is_cancelled() const noexcept { return state_->is_cancelled(); }

    /// How many tasks have not ended.
    std::size_t size() const noexcept { return state_->size(); }
    /// True if all tasks have ended.
    bool empty() const noexcept { return state_->size() == 0; }

    /// Waits until no task is left, then throws the first failure. When the awaiting coroutine is cancelled, this
    /// cancels the tasks, still waits for them, and throws `operation_aborted`.
    ///
    /// A coroutine that was cancelled earlier does not get past this `co_await`, as with any other: the group's
    /// destructor then cancels the tasks. Use `with_task_group` if they must have ended in that case as well.
    asio::awaitable<void> join() { return detail::TaskGroupState::run(state_, {}); }
    /// Completes when no task is left. It reports no failures, and cancelling it does not cancel the tasks.
    Operation<void> idle() const { return state_->idle(); }

private:
    template <class Body> friend auto with_task_group(Body body) -> std::invoke_result_t<Body &, TaskGroup &>;

    std::shared_ptr<detail::TaskGroupState> state_;
};

/// Makes a group on the executor of the awaiting coroutine, and runs `body(group)`, an `asio::awaitable<T>`, as its
/// first task. Returns the body's result once the body and all tasks that were spawned meanwhile have ended; throws the
/// first failure of any of them, or `operation_aborted` if the awaiting coroutine was cancelled. The body calls
/// `group.cancel()` to end the other tasks with it.
///
/// Name the body first if it is a lambda with captures: g++ 12 destroys a lambda made inside a `co_await` expression
/// twice.
template <class Body> auto with_task_group(Body body) -> std::invoke_result_t<Body &, TaskGroup &> {
    using T = typename std::invoke_result_t<Body &, TaskGroup &>::value_type;
    const auto executor = co_await asio::this_coro::executor;
    TaskGroup group(executor);
    const auto result = std::make_shared<detail::TaskResult<T>>();
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(detail::keep_result(body(group), result));
    co_await detail::TaskGroupState::run(group.state_, std::move(tasks));
    co_return detail::take_result(*result);
}

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/task_group.ipp"
#endif
