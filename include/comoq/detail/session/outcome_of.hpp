// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/code_of.hpp"

#include <asio/awaitable.hpp>

#include <exception>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The failure of a coroutine, as a value; its result is lost.
template <class T> asio::awaitable<std::error_code> outcome_of(asio::awaitable<T> work) {
    std::exception_ptr failure;
    try {
        co_await std::move(work);
    } catch (...) {
        failure = std::current_exception();
    }
    co_return code_of(failure);
}

/// The same, and its result becomes the value of `to`.
template <class T> asio::awaitable<std::error_code> outcome_into(asio::awaitable<T> work, std::optional<T> &to) {
    std::exception_ptr failure;
    try {
        to = co_await std::move(work);
    } catch (...) {
        failure = std::current_exception();
    }
    co_return code_of(failure);
}

/// For a task whose failure concerns nobody else.
inline void its_own_affair(const std::exception_ptr &) noexcept {}

}  // namespace comoq::detail
