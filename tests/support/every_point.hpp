/// \file
/// One coroutine that is disturbed at every point where it can be: cancelled at each of its steps, with each of its
/// allocations failing, with its context destroyed.
///
/// A World is made anew for each point. It has
///   std::optional<asio::io_context> context, whose handlers are the steps;
///   asio::awaitable<void> work(), the coroutine;
///   void leave(), after which nobody else in the world has a reason to stay;
///   void check_end(), which checks what must hold when the coroutine is over and the others have left.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>

#include <comoq/detail/wait/turn.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace comoq::test {

/// Lets the others go first this many times.
inline asio::awaitable<void> turns(std::size_t times) {
    for (; times != 0; --times) co_await detail::next_turn();
}

/// A coroutine that can be cancelled, and how it ended.
class Disturbed {
public:
    void start(asio::io_context &context, asio::awaitable<void> work) {
        auto never_begun = [state = state_](std::exception_ptr failure) {
            if (!state->is_over) state->failure = std::move(failure);
            state->is_over = true;
        };
        auto slot = state_->stop.slot();
        asio::co_spawn(context, run(state_, std::move(work)), asio::bind_cancellation_slot(slot, std::move(never_begun)));
    }
    /// Cancels once; does nothing if the coroutine is over.
    void cancel() {
        if (!state_->is_over) state_->stop.emit(asio::cancellation_type::terminal);
    }
    bool is_over() const { return state_->is_over; }
    bool was_cancelled() const {
        try {
            if (state_->failure) std::rethrow_exception(state_->failure);
        } catch (const std::system_error &error) {
            return error.code() == asio::error::operation_aborted;
        } catch (...) {
        }
        return false;
    }

private:
    struct State {
        asio::cancellation_signal stop;
        bool is_over = false;
        std::exception_ptr failure;
    };
    /// asio may run out of memory when it is about to call a handler.
    static asio::awaitable<void> run(std::shared_ptr<State> state, asio::awaitable<void> work) {
        try {
            co_await std::move(work);
        } catch (...) {
            state->failure = std::current_exception();
        }
        state->is_over = true;
    }
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Runs up to `most` handlers that are due. Returns their number. If a handler throws for want of memory, the loop
/// catches it and goes on, as any program that runs a context must.
inline std::size_t run_handlers(asio::io_context &context, std::size_t most = static_cast<std::size_t>(-1)) {
    std::size_t ran = 0;
    context.restart();
    while (ran != most) {
        try {
            if (context.poll_one() == 0) break;
        } catch (const std::bad_alloc &) {
        }
        context.restart();
        ++ran;
    }
    return ran;
}

/// Nothing is left that waits, or that holds on to the world.
template <class World> void check_all_have_left(World &world) {
    world.leave();
    run_handlers(*world.context);
    CHECK(world.context->stopped());
    world.check_end();
}

/// Returns the number of steps. `ends_anyway` says that the coroutine ends by itself when it is not cancelled.
template <class World, class... Args> std::size_t cancel_at_every_step(bool ends_anyway, Args &&...args) {
    for (std::size_t step = 0;; ++step) {
        INFO("cancelled at step " << step);
        World world(args...);
        Disturbed work;
        work.start(*world.context, world.work());
        const auto ran = run_handlers(*world.context, step);
        const bool was_over = work.is_over();
        work.cancel();
        run_handlers(*world.context);
        CHECK(work.is_over());
        // The last steps of a coroutine that ends by itself are those after which nothing can be cancelled any more.
        if (!ends_anyway) CHECK((was_over || work.was_cancelled()));
        check_all_have_left(world);
        if (ran < step || was_over) return step;
    }
}

/// Live allocations grow by no more than asio keeps for a thread.
template <class Point> std::size_t at_each_point(Point point) {
    point(std::size_t{0});
    const auto live = live_allocations();
    for (std::size_t number = 0;; ++number) {
        INFO("at point " << number);
        const bool there_was_one = point(number);
        if (allocations_can_fail()) CHECK(live_allocations() <= live + 16);
        if (!there_was_one) return number;
    }
}

/// If asio's allocation for beginning an operation of its own with `use_awaitable` fails, the program ends: a World
/// waits with the operations of this library, and with `turns`. Returns the number of allocations.
template <class World, class... Args> std::size_t fail_every_allocation(Args &&...args) {
    if (!allocations_can_fail()) return 0;
    return at_each_point([&](std::size_t point) {
        World world(args...);
        Disturbed work;
        work.start(*world.context, world.work());
        bool failed = false;
        {
            FailingAllocation failing(point);
            run_handlers(*world.context);
            failed = failing.stop();
        }
        run_handlers(*world.context);
        work.cancel();
        run_handlers(*world.context);
        CHECK(work.is_over());
        check_all_have_left(world);
        return failed;
    });
}

/// Returns the number of points.
template <class World, class... Args> std::size_t destroy_at_every_point(Args &&...args) {
    return at_each_point([&](std::size_t point) {
        World world(args...);
        Disturbed work;
        work.start(*world.context, world.work());
        const auto ran = run_handlers(*world.context, point);
        world.context.reset();
        world.leave();
        world.check_end();
        return ran == point;
    });
}

}  // namespace comoq::test
