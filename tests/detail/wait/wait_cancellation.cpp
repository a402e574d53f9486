// Waits that are cancelled: they take nothing, at whatever moment that is.
#include <comoq/detail/wait/wait_operation.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>

#include <comoq/operation.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/received.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/seeded_executor.hpp"

namespace wait_cancellation_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

const std::error_code aborted = asio::error::operation_aborted;

template <class Handler> auto cancellable(asio::cancellation_signal &signal, asio::io_context &context, Handler handler) {
    return asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(context, std::move(handler)));
}

}  // namespace

TEST_CASE("section 2: each kind of cancellation settles a waiter with operation_aborted and takes nothing",
          "[wait_operation][cancellation]") {
    const auto type = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial,
                               asio::cancellation_type::total, asio::cancellation_type::all);
    asio::io_context context;
    asio::cancellation_signal signal;
    Gate<int> gate;
    Received<int> received, other;
    int held = 1;
    SECTION("while it waits") {
        gate.next().async_wait(cancellable(signal, context, keep(received)));
        gate.next().async_wait(asio::bind_executor(context, keep(other)));
        settle_down(context);
        signal.emit(type);
        CHECK(received.times == 0);
        settle_down(context);
        CHECK(received.failed(aborted));
        CHECK(gate.steps() == 1);
        CHECK(other.times == 0);
        gate.put(1);
        settle_down(context);
        CHECK(other.value == 1);
        held = 0;
    }
    SECTION("that has become ready and has not run") {
        gate.next().async_wait(cancellable(signal, context, keep(received)));
        gate.put(1);
        signal.emit(type);
        settle_down(context);
    }
    SECTION("that was ready from the start") {
        gate.put(1);
        gate.next().async_wait(cancellable(signal, context, keep(received)));
        signal.emit(type);
        settle_down(context);
    }
    SECTION("that becomes ready after it was cancelled and before it runs") {
        gate.next().async_wait(cancellable(signal, context, keep(received)));
        settle_down(context);
        signal.emit(type);
        gate.put(1);
        settle_down(context);
    }
    SECTION("twice, with becoming ready between") {
        gate.next().async_wait(cancellable(signal, context, keep(received)));
        signal.emit(type);
        gate.put(1);
        signal.emit(type);
        settle_down(context);
    }
    CHECK(received.failed(aborted));
    CHECK(gate.held() == static_cast<std::size_t>(held));
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: cancelling after the handler ran does nothing, and the slot is free for the next",
          "[wait_operation][cancellation]") {
    asio::io_context context;
    asio::cancellation_signal signal;
    Gate<int> gate;
    Received<int> first, second, third;
    gate.put(1);
    gate.next().async_wait(cancellable(signal, context, [&](std::error_code code, int value) {
        first.set(code, value);
        CHECK_FALSE(signal.slot().has_handler());
        gate.next().async_wait(cancellable(signal, context, keep(second)));
    }));
    settle_down(context);
    CHECK(first.ok());
    signal.emit(asio::cancellation_type::terminal);
    settle_down(context);
    CHECK(second.failed(aborted));
    CHECK(first.times == 1);
    signal.emit(asio::cancellation_type::terminal);
    gate.put(2);
    gate.next().async_wait(cancellable(signal, context, keep(third)));
    settle_down(context);
    CHECK(third.ok());
    CHECK_FALSE(signal.slot().has_handler());
    signal.emit(asio::cancellation_type::terminal);
    CHECK(third.times == 1);
}

TEST_CASE("section 2: a cancellation signal may go before the wait does", "[wait_operation][cancellation]") {
    asio::io_context context;
    std::optional<asio::cancellation_signal> signal(std::in_place);
    Gate<int> gate;
    Received<int> received;
    gate.next().async_wait(cancellable(*signal, context, keep(received)));
    signal.reset();
    gate.put(1);
    settle_down(context);
    CHECK(received.ok());
}

TEST_CASE("section 2: cancellation type none cancels nothing", "[wait_operation][cancellation]") {
    asio::io_context context;
    asio::cancellation_signal signal;
    Gate<int> gate;
    Received<int> received;
    gate.next().async_wait(cancellable(signal, context, keep(received)));
    signal.emit(asio::cancellation_type::none);
    CHECK(settle_down(context));
    gate.put(1);
    settle_down(context);
    CHECK(received.ok());
}

TEST_CASE("section 2: cancelling a coroutine aborts what it awaits and takes nothing", "[wait_operation][cancellation]") {
    const auto type = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial,
                               asio::cancellation_type::total);
    const bool as_tuple = GENERATE(true, false);
    const bool ready = GENERATE(true, false);
    asio::io_context context;
    asio::cancellation_signal signal;
    Gate<int> gate;
    Received<int> received;
    const auto read = [&]() -> asio::awaitable<void> {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
        if (as_tuple) {
            co_await receive_tuple(gate.next(), received);
        } else {
            co_await receive(gate.next(), received);
        }
    };
    asio::co_spawn(context, read(), asio::bind_cancellation_slot(signal.slot(), asio::detached));
    CHECK(settle_down(context));
    if (ready) {
        gate.put(1);
    }
    signal.emit(type);
    CHECK(received.times == 0);
    CHECK_FALSE(settle_down(context));
    CHECK(received.failed(aborted));
    CHECK(gate.held() == (ready ? 1U : 0U));
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: cancellation that finds its waiter already claimed on another thread loses nothing",
          "[wait_operation][cancellation][stress]") {
    std::mt19937_64 random(seed("wait_operation: cancel against put"));
    asio::io_context context;
    Gate<int> gate;
    constexpr int rounds = 3000;
    int taken = 0, stopped = 0;
    std::atomic<int> allowed{0};
    std::thread writer([&] {
        for (int i = 0; i < rounds; ++i) {
            while (allowed.load(std::memory_order_acquire) <= i) {
                std::this_thread::yield();
            }
            gate.put(i);
        }
    });
    for (int i = 0; i < rounds; ++i) {
        asio::cancellation_signal signal;
        Received<int> received;
        gate.next().async_wait(cancellable(signal, context, keep(received)));
        allowed.store(i + 1, std::memory_order_release);
        for (auto spin = random() % 200; spin != 0; --spin) {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        signal.emit(asio::cancellation_type::terminal);
        settle_down(context);
        // The writer may have claimed it, and not come to wake it yet.
        for (int turns = 0; received.times == 0 && turns < 1'000'000; ++turns) {
            std::this_thread::yield();
            settle_down(context);
        }
        if (received.times != 1) {
            FAIL("a cancelled wait was not settled");
        }
        (received.code ? stopped : taken) += 1;
        if (received.code && received.code != aborted) {
            FAIL("settled with something else");
        }
    }
    writer.join();
    CHECK(gate.held() == static_cast<std::size_t>(rounds - taken));
    CHECK(taken + stopped == rounds);
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: a queued resumption that is destroyed before it runs gives its item back", "[wait_operation]") {
    SeededContext context(3);
    Gate<int> gate;
    Received<int> received, awaited;
    gate.next().async_wait(asio::bind_executor(context.executor(), keep(received)));
    asio::co_spawn(asio::any_io_executor(context.executor()), receive(gate.next(), awaited), asio::detached);
    context.run();
    gate.put(1);
    gate.put(2);
    context.drop();
    CHECK(gate.held() == 2);
    CHECK(gate.steps() == 0);
    CHECK((received.times == 0 && awaited.times == 0));

    // An operation that was ready from the start.
    gate.next().async_wait(asio::bind_executor(context.executor(), keep(received)));
    context.drop();
    CHECK(gate.held() == 2);
    CHECK(gate.steps() == 0);
}

}
