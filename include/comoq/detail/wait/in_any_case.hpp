// SPDX-License-Identifier: MIT
#pragma once
#include "frame_turn.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

namespace comoq::detail {

/// Gives the result of the operation or coroutine that `begin()` makes, whatever happens meanwhile. A cancellation does
/// not end the wait, and is in the cancellation state afterwards. Without memory to wait, it tries again after
/// others had their turn, for which it needs no memory (frame_turn.hpp).
///
/// The call takes all the memory that it cannot do without: make it before the work that the wait is for. A coroutine
/// that may have been cancelled already calls `throw_if_cancelled(false)` before it awaits this.
template <class Begin>
auto in_any_case(Begin begin) -> asio::awaitable<typename std::invoke_result_t<Begin &>::value_type> {
    using T = typename std::invoke_result_t<Begin &>::value_type;
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    for (FrameTurn turn;;) {
        try {
            auto waiting = begin();
            if constexpr (std::is_void_v<T>) {
                co_await std::move(waiting);
                co_await asio::this_coro::throw_if_cancelled(throws);
                co_return;
            } else {
                auto value = co_await std::move(waiting);
                co_await asio::this_coro::throw_if_cancelled(throws);
                co_return value;
            }
        } catch (const std::bad_alloc &) {
        } catch (const std::system_error &error) {
            const auto code = error.code();
            if (code != std::errc::not_enough_memory && code != asio::error::operation_aborted) throw;
        }
        co_await turn.take();
    }
}

}  // namespace comoq::detail
