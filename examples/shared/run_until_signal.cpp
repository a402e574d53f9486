#include "run_until_signal.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <system_error>
#include <utility>

namespace {

// How long a program may take to say goodbye, whatever is lost or stuck.
constexpr std::chrono::seconds longest_end{2};

}  // namespace

void run_until_signal(asio::awaitable<void> program) {
    ProgramPlace place;
    run_until_signal(place, std::move(program));
}

void run_until_signal(ProgramPlace &place, asio::awaitable<void> program) {
    auto &stop = place.stop;
    auto &context = place.context;
    asio::signal_set signals(context, SIGINT, SIGTERM);
    asio::steady_timer limit(context);
    bool stopped = false, is_over = false;
    signals.async_wait([&](std::error_code cancelled, int) {
        // A signal that came in the same moment as the end hides no failure.
        if (cancelled || is_over) {
            return;
        }
        stopped = true;
        // The next signal has its usual effect.
        signals.clear();
        stop.emit(asio::cancellation_type::terminal);
        limit.expires_after(longest_end);
        limit.async_wait([&context](std::error_code in_time) {
            if (!in_time) {
                context.stop();
            }
        });
    });
    std::exception_ptr failure;
    const auto over = [&](const std::exception_ptr &thrown) {
        failure = thrown;
        is_over = true;
        signals.cancel();
        signals.clear();
        limit.cancel();
        context.stop();
    };
    asio::co_spawn(context, std::move(program), asio::bind_cancellation_slot(stop.slot(), over));
    context.run();
    context.restart();
    context.run_for(longest_end);
    if (failure != nullptr && !stopped) {
        std::rethrow_exception(failure);
    }
}
