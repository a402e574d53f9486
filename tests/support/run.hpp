/// \file Runs asio coroutines as far as they get on one thread, without ever blocking.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

namespace comoq::test {

/// Runs everything that is due on `context`. True if work is left that waits.
inline bool settle_down(asio::io_context &context) {
    context.restart();
    context.poll();
    return !context.stopped();
}

/// Runs `call` inside a handler on `context`, where asio's dispatch would run a function at once.
template <class Call> void run_inside(asio::io_context &context, Call &&call) {
    bool ran = false;
    asio::post(context, [&] {
        call();
        ran = true;
    });
    context.restart();
    while (!ran && context.poll_one() != 0) {
    }
    if (!ran) {
        throw std::logic_error("the call did not run");
    }
}

/// Runs everything on `context`, whatever its handlers throw. How many of them have thrown an `Exception`.
template <class Exception> int run_past_exceptions(asio::io_context &context) {
    for (int thrown = 0;; ++thrown) {
        try {
            context.run();
            return thrown;
        } catch (const Exception &) {
        }
    }
}

/// Runs a coroutine to its end and returns its result, or throws its exception. Throws std::logic_error if it waits.
template <class T> T run_to_end(asio::io_context &context, asio::awaitable<T> coroutine) {
    using Value = std::conditional_t<std::is_void_v<T>, std::nullptr_t, T>;
    struct End {
        bool reached = false;
        std::exception_ptr failure;
        std::optional<Value> value;
    };
    auto end = std::make_shared<End>();
    asio::co_spawn(context, std::move(coroutine), [end](std::exception_ptr failure, auto &&...value) {
        end->reached = true;
        end->failure = failure;
        if (!failure) {
            end->value.emplace(std::forward<decltype(value)>(value)...);
        }
    });
    settle_down(context);
    if (!end->reached) {
        throw std::logic_error("the coroutine still waits");
    }
    if (end->failure) {
        std::rethrow_exception(end->failure);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*end->value);
    }
}

}  // namespace comoq::test
