// SPDX-License-Identifier: MIT
#pragma once
#include "detail/wait/task_group_state.hpp"
#include "task_group.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace comoq {

namespace detail {

template <class T> using ValueOfTask = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// Tasks; the first to end decides.
template <class... T> struct Race {
    using Value = std::variant<ValueOfTask<T>...>;

    explicit Race(asio::any_io_executor executor) : group(std::make_shared<TaskGroupState>(std::move(executor))) {}

    template <std::size_t Index, class... Returned> void won(Returned &&...returned) {
        if (value || group->has_failed()) return;
        value.emplace(std::in_place_index<Index>, std::forward<Returned>(returned)...);
        group->cancel();
    }

    const std::shared_ptr<TaskGroupState> group;
    std::optional<Value> value;
};

template <std::size_t Index, class T, class Race>
asio::awaitable<void> run_in_race(asio::awaitable<T> work, std::shared_ptr<Race> race) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(work);
        race->template won<Index>();
    } else {
        T returned = co_await std::move(work);
        race->template won<Index>(std::move(returned));
    }
}

template <class Race, class... T, std::size_t... Index>
std::vector<asio::awaitable<void>> tasks_of_race(const std::shared_ptr<Race> &race, std::index_sequence<Index...>,
                                                 asio::awaitable<T> &...work) {
    std::vector<asio::awaitable<void>> tasks;
    tasks.reserve(sizeof...(T));
    (tasks.push_back(run_in_race<Index, T>(std::move(work), race)), ...);
    return tasks;
}

}  // namespace detail

/// What `first_of` returns: the value of the task that ended first, at its index; `std::monostate` for a task without one.
template <class... T> using FirstOf = std::variant<detail::ValueOfTask<T>...>;

/// Runs coroutines or operations side by side on the executor of the awaiting coroutine, until the first of them
/// returns or throws. Then cancels the others, waits until they have ended too, and returns the first one's result, at
/// its index (`std::monostate` for void), or throws its exception. So the others may use objects of the awaiting
/// coroutine.
///
///     auto first = co_await comoq::first_of(track.next_group(), stopped.wait());
///     if (first.index() == 1) co_return;
///
/// When the awaiting coroutine is cancelled, so are all of them, and `operation_aborted` is thrown, unless one of them
/// still returns. The result of another one after the first is lost: cancelled steps of this library take nothing.
///
/// It is like `||` of asio's awaitable operators, but a failure decides just as a value does, no cancellation is lost,
/// and it is safe when memory runs out. Threads: as for TaskGroup.
template <class... T> asio::awaitable<FirstOf<T...>> first_of(asio::awaitable<T>... tasks) {
    const auto executor = co_await asio::this_coro::executor;
    const auto race = std::make_shared<detail::Race<T...>>(executor);
    auto runners = detail::tasks_of_race(race, std::index_sequence_for<T...>(), tasks...);
    std::exception_ptr failure;
    try {
        co_await detail::TaskGroupState::run(race->group, std::move(runners));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!race->value) std::rethrow_exception(failure);
    co_return std::move(*race->value);
}

}  // namespace comoq
