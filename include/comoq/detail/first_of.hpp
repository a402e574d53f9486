#pragma once
#include "event.hpp"
#include "task_group.hpp"
#include "../error.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// What a coroutine failed with; false if it did not. Several failures at once, of which all but one are cancellations, count as
/// one of those.
inline std::error_code code_of(const std::exception_ptr &failure) {
    if (failure == nullptr) return {};
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error &error) {
        return error.code();
    } catch (const std::bad_alloc &) {
        return std::make_error_code(std::errc::not_enough_memory);
    } catch (...) {
        return make_error_code(Error::Cancelled);
    }
}

/// The coroutine that was over first, of several: which, and what it failed with.
struct First {
    std::size_t index = 0;
    std::error_code code;
};

/// Runs coroutines side by side on the executor of the awaiting one until the first of them is over, well or not; cancels the
/// others then, and gives the answer when those are over, too, so that they may use what the awaiting coroutine has. An
/// empty one is left out.
///
/// As the operators || of asio, but that a failure is an answer here, and that it is not a template: those take g++ two
/// seconds each.
inline asio::awaitable<First> first_of(asio::awaitable<void> one, asio::awaitable<void> two,
                                       asio::awaitable<void> three = {}) {
    const auto executor = co_await asio::this_coro::executor;
    TaskGroup all(executor);
    std::optional<First> first;
    Event over;
    std::size_t index = 0;
    for (auto *const each : {&one, &two, &three}) {
        if (each->valid()) {
            all.spawn(std::move(*each), [&first, &over, index](const std::exception_ptr &failure) {
                if (first) return;
                first = First{index, code_of(failure)};
                over.set();
            });
        }
        ++index;
    }
    std::exception_ptr cancelled;
    try {
        co_await over.wait();
    } catch (const std::system_error &) {
        cancelled = std::current_exception();
    }
    // Whatever has happened to this coroutine, those that use what is in its frame are waited for.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    all.cancel();
    co_await all.idle();
    co_await asio::this_coro::reset_cancellation_state();
    if (cancelled != nullptr) std::rethrow_exception(cancelled);
    co_return *first;
}

}  // namespace comoq::detail
