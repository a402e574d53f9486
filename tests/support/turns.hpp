/// \file Time for coroutines on several threads: measured in turns, not in seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace comoq::test {

/// Lets the others go first this many times.
inline asio::awaitable<void> pause(std::uint64_t times) {
    const auto executor = co_await asio::this_coro::executor;
    for (; times != 0; --times) {
        co_await asio::post(executor, asio::use_awaitable);
    }
}

/// Awaits for the time of a few turns. Nothing if it was cancelled then.
template <class T, class Awaitable>
asio::awaitable<std::optional<std::tuple<std::error_code, T>>> try_for(std::uint64_t turns, Awaitable operation) {
    using namespace asio::experimental::awaitable_operators;
    auto either = co_await (std::move(operation).as_tuple() || pause(turns));
    if (either.index() == 1) {
        co_return std::nullopt;
    }
    co_return std::get<0>(std::move(either));
}

}  // namespace comoq::test
