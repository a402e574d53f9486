// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../first_of.hpp"
#include "../../transport.hpp"
#include "../wait/failure.hpp"

#include <asio/awaitable.hpp>

#include <system_error>
#include <utility>
#include <variant>

namespace comoq::detail {

/// Runs `task` until the stream is over, and gives the code of that, or a false one if the task has ended before. It takes two
/// coroutines, and an exception for the one that loses: a GroupOutbox::Item that is told of that takes none.
inline asio::awaitable<std::error_code> end_before(SendStream &stream, asio::awaitable<void> task) {
    auto stopped = stream.stopped();
    const auto first = co_await first_of(std::move(task), std::move(stopped));
    if (first.index() == 0) co_return std::error_code();
    const auto code = std::get<1>(first);
    co_return code ? code : make_error_code(Error::Closed);
}

/// The same, and throws the code.
inline asio::awaitable<void> unless_stopped(SendStream &stream, asio::awaitable<void> task) {
    auto ending = end_before(stream, std::move(task));
    const auto code = co_await std::move(ending);
    if (code) throw_error(code);
}

}  // namespace comoq::detail
