// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/wait/failure.hpp"
#include "../detail/wait/frame_turn.hpp"
#include "../detail/wait/poster.hpp"
#include "../task_group.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// asio terminates if it finds no memory to begin a coroutine. asio keeps the memory that this call gets on the
/// executor, or fails to get, for the next coroutine.
inline void make_room_to_begin(const asio::any_io_executor &executor) {
    const std::array<void *, 16> room{};
    asio::dispatch(executor, [room] { static_cast<void>(room); });
}

inline void refuse_task(asio::awaitable<void> work, const TaskGroupState::Ended &ended) {
    {
        const auto never_begun = std::move(work);
    }
    if (ended) ended(std::make_exception_ptr(std::system_error(asio::error::operation_aborted)));
}

inline bool is_abort(const std::exception_ptr &failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error &error) {
        return error.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

COMOQ_DECL TaskGroupState::Waiting TaskGroupState::place_for(const Pointer &group, Ended ended) {
    auto task = std::make_shared<Task>();
    task->ended = std::move(ended);
    auto place = std::make_shared<std::optional<Place>>();
    place->emplace(group, std::move(task));
    return place;
}

COMOQ_DECL void TaskGroupState::spawn(const Pointer &group, asio::awaitable<void> work, Ended ended) {
    if (group->is_cancelled_) return refuse_task(std::move(work), ended);
    begin(group->executor_, place_for(group, std::move(ended)), std::move(work));
}

COMOQ_DECL void TaskGroupState::spawn_on(const Pointer &group, const asio::any_io_executor &executor, asio::awaitable<void> work,
                                         Ended ended) {
    if (group->is_cancelled_) return refuse_task(std::move(work), ended);
    asio::post(executor, Beginning(executor, place_for(group, std::move(ended)), std::move(work)));
}

COMOQ_DECL void TaskGroupState::Beginning::operator()() {
    const Pointer group = (*place_)->group();
    const auto task = (*place_)->task();
    std::exception_ptr failure;
    try {
        if (!group->is_cancelled_) return begin(executor_, place_, std::move(work_));
        const auto never_begun = std::move(work_);
        failure = std::make_exception_ptr(std::system_error(asio::error::operation_aborted));
    } catch (...) {
        failure = std::current_exception();
    }
    task->end(*group, std::move(failure));
}

COMOQ_DECL void TaskGroupState::begin(const asio::any_io_executor &executor, const Waiting &place, asio::awaitable<void> work) {
    const auto task = (*place)->task();
    auto running = run_task(place, std::move(work));
    // asio's part of the coroutine uses the signal until it calls this. It does not begin a task that is cancelled first.
    auto over = asio::bind_cancellation_slot(task->signal.slot(), [task, place](std::exception_ptr failure) {
        if (!task->has_begun) task->end(*(*place)->group(), std::move(failure));
    });
    make_room_to_begin(executor);
    try {
        asio::co_spawn(executor, std::move(running), std::move(over));
    } catch (const std::bad_alloc &) {
        // A task that has ended before asio ran out of memory has already reported its result.
        if (!task->has_begun) throw;
    }
}

COMOQ_DECL void TaskGroupState::cancel_some() noexcept {
    is_cancelled_ = true;
    if (std::exchange(is_telling_, true)) return;
    for (std::size_t left = std::min(size_, each_turn_); left != 0 && !running_.empty(); --left) {
        const auto task = running_.front()->self.lock();
        running_.remove(*task);
        told_.push_back(*task);
        task->is_told = true;
        try {
            task->signal.emit(asio::cancellation_type::terminal);
        } catch (const std::bad_alloc &) {
            // It is not told: there may be memory for that later.
            if (task->is_over) continue;
            told_.remove(*task);
            running_.push_back(*task);
            task->is_told = false;
        }
    }
    is_telling_ = false;
    if (!misses_a_cancellation() || is_trying_again_) return;
    try_again();
    // Without a later turn nothing waits for one.
    if (each_turn_ != all && !is_trying_again_) cancel();
}

COMOQ_DECL void TaskGroupState::try_again() noexcept {
    try {
        PosterFor<asio::any_io_executor>::type poster(executor_);
        poster(Again(shared_from_this()));
    } catch (const std::bad_alloc &) {
        // An executor that needs memory for it. The end of a task is another chance.
    }
}

COMOQ_DECL void TaskGroupState::fail(std::exception_ptr failure) {
    if (failure_ == nullptr && !(is_cancelled_ && is_abort(failure))) failure_ = std::move(failure);
    if (!is_cancelled_)
        cancel();
    else
        see_to_the_rest();
}

COMOQ_DECL asio::awaitable<void> TaskGroupState::run(Pointer group, std::vector<asio::awaitable<void>> tasks) {
    // Cancellation is not filtered meanwhile, and its state not reset: asio forgets a signal that comes then. The
    // signal only does not end this coroutine early.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    try {
        for (auto &task : tasks) spawn(group, std::move(task), {});
    } catch (...) {
        group->fail(std::current_exception());
    }
    bool aborted = false;
    for (FrameTurn turn;;) {
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            aborted = aborted || !group->has_failed();
            group->cancel();
        }
        // Where the group cannot take a turn for that, this coroutine does.
        const bool tries_again = group->misses_a_cancellation() && !group->is_trying_again_;
        if (tries_again) group->cancel_some();
        if (group->size_ == 0) break;
        bool waits = false;
        try {
            if (!tries_again) {
                auto waiting = group->idle();
                const auto [code] = co_await std::move(waiting).as_tuple();
                waits = code != std::errc::not_enough_memory;
            }
        } catch (const std::bad_alloc &) {
        }
        // Waiting needs memory. While there is none, the tasks may run, and free some.
        if (!waits) co_await turn.take();
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
    if (group->failure_ != nullptr) std::rethrow_exception(group->failure_);
    if (aborted) throw_error(asio::error::make_error_code(asio::error::operation_aborted));
}

COMOQ_DECL asio::awaitable<void> TaskGroupState::run_task(Waiting waiting, asio::awaitable<void> work) {
    const Place place(std::move(**waiting));
    waiting->reset();
    place.task()->has_begun = true;
    std::exception_ptr failure;
    try {
        co_await std::move(work);
    } catch (...) {
        failure = std::current_exception();
    }
    place.task()->end(*place.group(), std::move(failure));
}

COMOQ_DECL asio::awaitable<void> keep_result(asio::awaitable<void> work, std::shared_ptr<TaskResult<void>> result) {
    co_await std::move(work);
    result->value.emplace();
}

}  // namespace comoq::detail
