// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/wait/failure.hpp"
#include "detail/wait/task_group_state.hpp"
#include "detail/wait/task_result.hpp"
#include "error.hpp"
#include "task_group.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace comoq {

/// Lets time pass: completes after that time, or fails when it is cancelled. An empty one is a timer of asio. Tests
/// supply one with their own time.
using Sleep = std::function<asio::awaitable<void>(std::chrono::milliseconds)>;

/// Waits for `time`, by `sleep`.
asio::awaitable<void> sleep_for(std::chrono::milliseconds time, Sleep sleep = {});

namespace detail {

/// A task and its time limit.
template <class T> struct Deadline {
    explicit Deadline(asio::any_io_executor executor) : group(std::make_shared<TaskGroupState>(std::move(executor))) {}

    const std::shared_ptr<TaskGroupState> group;
    const std::shared_ptr<TaskResult<T>> result = std::make_shared<TaskResult<T>>();
};

asio::awaitable<void> end_with(asio::awaitable<void> task, std::shared_ptr<TaskGroupState> group);

}  // namespace detail

/// Returns or throws the outcome of `task`. If it takes longer than `time`, cancels it, waits until it has ended, and
/// throws `Error::Timeout`; if the task still returns, or fails with a code other than `operation_aborted`, that
/// outcome counts.
///
///     auto group = co_await comoq::with_timeout(track.fetch_group(7), 5s);
///
/// When the awaiting coroutine is cancelled, so is the task, and `operation_aborted` is thrown. Threads: as for
/// TaskGroup.
template <class T>
asio::awaitable<T> with_timeout(asio::awaitable<T> task, std::chrono::milliseconds time, Sleep sleep = {}) {
    const auto executor = co_await asio::this_coro::executor;
    const detail::Deadline<T> deadline(executor);
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(detail::end_with(detail::keep_result(std::move(task), deadline.result), deadline.group));
    tasks.push_back(detail::end_with(sleep_for(time, std::move(sleep)), deadline.group));
    std::exception_ptr failure;
    try {
        co_await detail::TaskGroupState::run(deadline.group, std::move(tasks));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!deadline.result->value) {
        if (failure != nullptr) std::rethrow_exception(failure);
        detail::throw_error(make_error_code(Error::Timeout));
    }
    co_return detail::take_result(*deadline.result);
}

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/with_timeout.ipp"
#endif
