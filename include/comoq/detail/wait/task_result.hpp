// SPDX-License-Identifier: MIT
#pragma once
#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace comoq::detail {

/// Where a task leaves its result, for the coroutine that waits for its group.
template <class T> struct TaskResult {
    std::optional<T> value;
};
template <> struct TaskResult<void> {
    std::optional<std::monostate> value;
};

template <class T> asio::awaitable<void> keep_result(asio::awaitable<T> work, std::shared_ptr<TaskResult<T>> result) {
    result->value.emplace(co_await std::move(work));
}
asio::awaitable<void> keep_result(asio::awaitable<void> work, std::shared_ptr<TaskResult<void>> result);

template <class T> T take_result(TaskResult<T> &result) { return std::move(*result.value); }
inline void take_result(TaskResult<void> &) noexcept {}

}  // namespace comoq::detail
