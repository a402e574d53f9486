// SPDX-License-Identifier: MIT
#pragma once
#include "code_of.hpp"
#include "failure.hpp"
#include "frame_turn.hpp"
#include "turn_after.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace comoq::detail {

/// Takes one item after the other, by `loop.take(item)`, each from the operation or coroutine that `loop.next()` makes:
/// until that fails, or gives an empty optional, unless `take` has a use for those.
///
/// Want of memory does not end it. The item that found none is lost, or stays where it is, and the loop goes on after the
/// others on the executor had their turn, for which it needs no memory (frame_turn.hpp). Only a source that has that
/// failure ready at each of many attempts is taken to have failed for good.
///
/// After `in_a_row` items the others have their turn, too.
template <unsigned in_a_row = 128, class Loop> asio::awaitable<void> take_each(Loop loop) {
    using Step = decltype(loop.next());
    constexpr unsigned most_failures = 1'000;
    FrameTurn turn;
    TurnAfter<in_a_row> turns;
    bool has_failed = false;
    for (unsigned failures = 0;;) {
        bool was_ready = false;
        std::exception_ptr failure;
        try {
            Step step = loop.next();
            if constexpr (requires { step.ready(); }) was_ready = has_failed && step.ready();
            auto item = co_await std::move(step);
            // The source has given something: what fails now is not the source.
            was_ready = false;
            if constexpr (requires { loop.take(std::move(item)); }) {
                loop.take(std::move(item));
            } else {
                if (!item) co_return;
                loop.take(std::move(*item));
            }
        } catch (...) {
            failure = std::current_exception();
        }
        has_failed = failure != nullptr;
        if (has_failed) {
            failures = was_ready ? failures + 1 : 0;
            if (!is_want_of_memory(failure) || failures == most_failures) std::rethrow_exception(failure);
            // A wait that cannot begin does not notice that.
            const auto cancellation = co_await asio::this_coro::cancellation_state;
            if (cancellation.cancelled() != asio::cancellation_type::none)
                throw_error(asio::error::make_error_code(asio::error::operation_aborted));
        } else if (!turns.is_due()) {
            continue;
        }
        co_await turn.take();
    }
}

}  // namespace comoq::detail
