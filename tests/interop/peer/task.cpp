#include "task.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <exception>
#include <system_error>
#include <utility>

using asio::awaitable;
using asio::use_awaitable;

std::shared_ptr<asio::cancellation_signal> spawn(asio::any_io_executor executor, awaitable<void> work, EventLog &log) {
    // The coroutine looks at the signal until its very end.
    auto stop = std::make_shared<asio::cancellation_signal>();
    const auto over = [stop, &log](const std::exception_ptr &thrown) {
        try {
            if (thrown != nullptr) {
                std::rethrow_exception(thrown);
            }
        } catch (const std::system_error &error) {
            if (error.code() != asio::error::operation_aborted) {
                log.emit(Event("unhandled").with_error(error.code()));
            }
        } catch (const std::exception &error) {
            log.emit(Event("unhandled").with("error", std::string_view(error.what())));
        }
    };
    asio::co_spawn(std::move(executor), std::move(work), asio::bind_cancellation_slot(stop->slot(), over));
    return stop;
}

awaitable<void> sleep(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(use_awaitable);
}

awaitable<void> breathe() {
    const auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, use_awaitable);
}

Condition::Condition(asio::any_io_executor executor)
    : timer_(std::move(executor), asio::steady_timer::time_point::max()) {}

void Condition::set() {
    is_set_ = true;
    timer_.cancel();
}

awaitable<void> Condition::wait() { return wait_until(asio::steady_timer::time_point::max()); }
awaitable<void> Condition::wait_for(std::chrono::milliseconds longest) {
    return wait_until(std::chrono::steady_clock::now() + longest);
}

awaitable<void> Condition::wait_until(std::chrono::steady_clock::time_point end) {
    timer_.expires_at(end);
    while (!is_set_) {
        std::error_code woken;
        co_await timer_.async_wait(asio::redirect_error(use_awaitable, woken));
        if (!woken) {
            co_return;
        }
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            throw std::system_error(asio::error::make_error_code(asio::error::operation_aborted));
        }
    }
}
