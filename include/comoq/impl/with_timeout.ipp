// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/wait/event.hpp"
#include "../with_timeout.hpp"

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <system_error>
#include <utility>

namespace comoq {

COMOQ_DECL asio::awaitable<void> sleep_for(std::chrono::milliseconds time, Sleep sleep) {
    if (sleep) {
        co_await sleep(time);
        co_return;
    }
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, time);
    // Not with `use_awaitable`: if it finds no memory to begin, that ends the program.
    detail::Event over;
    timer.async_wait([over](const std::error_code &) mutable { over.set(); });
    co_await over.wait();
}

namespace detail {

COMOQ_DECL asio::awaitable<void> end_with(asio::awaitable<void> task, std::shared_ptr<TaskGroupState> group) {
    co_await std::move(task);
    group->cancel();
}

}  // namespace detail

}  // namespace comoq
