// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../error.hpp"
#include "../../with_timeout.hpp"
#include "../wait/failure.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <system_error>
#include <utility>

namespace comoq::net::detail {

/// As `with_timeout`, with a code of its own for the end of the time.
template <class T>
asio::awaitable<T> in_time(asio::awaitable<T> task, std::chrono::milliseconds time, ConnectError late, Sleep sleep) {
    auto limited = with_timeout(std::move(task), time, std::move(sleep));
    try {
        co_return co_await std::move(limited);
    } catch (const std::system_error &error) {
        if (error.code() != Error::Timeout) throw;
    }
    comoq::detail::throw_error(make_error_code(late));
}

}  // namespace comoq::net::detail
