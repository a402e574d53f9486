// async_wait with every kind of token, and where handlers run.
#include <comoq/operation.hpp>

#include <future>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <asio/bind_executor.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/parallel_group.hpp>
#include <asio/redirect_error.hpp>
#include <asio/strand.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#if ASIO_VERSION < 102300
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/deferred.hpp>
#else
#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#endif

#include <comoq/error.hpp>

#include "operation_scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/gate.hpp"
#include "support/received.hpp"
#include "support/run.hpp"
#include "support/seeded_executor.hpp"

namespace operation_tokens_tests {

using namespace comoq;
using namespace comoq::test;
using namespace operation_tests;

TEST_CASE("section 2: async_wait takes callbacks", "[operation][tokens]") {
    asio::io_context context;
    Gate<int> gate;
    Gate<std::unique_ptr<int>> owned;
    Received<int> plain, moved;
    int passed_on = 0;
    const bool there = GENERATE(true, false);
    if (there) {
        gate.put(1);
        gate.put(1);
        owned.put(std::make_unique<int>(5));
    }
    gate.next().async_wait(asio::bind_executor(context, keep(plain)));
    gate.next().async_wait(
        asio::bind_executor(context, [own = std::make_unique<int>(2), &moved](std::error_code ec, int value) {
            moved.set(ec, value * *own);
        }));
    owned.next().async_wait(asio::bind_executor(
        context, [&passed_on](std::error_code, std::unique_ptr<int> value) { passed_on = *value; }));
    CHECK((plain.times == 0 && moved.times == 0 && passed_on == 0));
    if (!there) {
        CHECK(settle_down(context));
        gate.put(1);
        gate.put(1);
        owned.put(std::make_unique<int>(5));
    }
    CHECK_FALSE(settle_down(context));
    CHECK((plain.ok() && plain.value == 1));
    CHECK((moved.ok() && moved.value == 2));
    CHECK(passed_on == 5);
}

TEST_CASE("section 2: async_wait takes use_awaitable, and wrapped by as_tuple and redirect_error", "[operation][tokens]") {
    asio::io_context context;
    Gate<int> gate;
    std::vector<int> values;
    std::vector<std::error_code> codes;
    const auto read = [&]() -> asio::awaitable<void> {
        values.push_back(co_await gate.next().async_wait(asio::use_awaitable));
        std::tuple<std::error_code, int> outcome = co_await gate.next().async_wait(as_tuple(asio::use_awaitable));
        codes.push_back(std::get<0>(outcome));
        values.push_back(std::get<1>(outcome));
        std::error_code redirected;
        values.push_back(co_await gate.next().async_wait(asio::redirect_error(asio::use_awaitable, redirected)));
        codes.push_back(redirected);
        try {
            co_await gate.next().async_wait(asio::use_awaitable);
        } catch (const std::system_error &error) {
            codes.push_back(error.code());
        }
    };
    asio::co_spawn(context, read(), asio::detached);
    CHECK(settle_down(context));
    gate.put(4);
    CHECK(settle_down(context));
    gate.put_error(Error::Lagged);
    CHECK(settle_down(context));
    gate.put(6);
    CHECK(settle_down(context));
    gate.put_error(Error::Evicted);
    CHECK_FALSE(settle_down(context));
    CHECK(values == std::vector<int>{4, 0, 6});
    REQUIRE(codes.size() == 3);
    CHECK(codes[0] == Error::Lagged);
    CHECK_FALSE(codes[1]);
    CHECK(codes[2] == Error::Evicted);
}

TEST_CASE("section 2: async_wait takes use_awaitable for other executors than any_io_executor", "[operation][tokens]") {
    asio::io_context context;
    using Executor = asio::io_context::executor_type;
    Gate<int> gate;
    int value = 0;
    const auto read = [&]() -> asio::awaitable<void, Executor> {
        value = co_await gate.next().async_wait(asio::use_awaitable_t<Executor>());
    };
    asio::co_spawn(context, read(), asio::detached);
    CHECK(settle_down(context));
    gate.put(9);
    CHECK_FALSE(settle_down(context));
    CHECK(value == 9);
}

TEST_CASE("section 2: async_wait takes use_future", "[operation][tokens]") {
    Gate<int> gate;
    Gate<void> bare;
    auto value = gate.next().async_wait(asio::use_future);
    gate.put(3);
    CHECK(get_soon(std::move(value)) == 3);
    auto failure = gate.next().async_wait(asio::use_future);
    gate.put_error(Error::Unauthorized);
    CHECK(error_of([&] { return get_soon(std::move(failure)); }) == Error::Unauthorized);
    std::future<void> nothing = bare.next().async_wait(asio::use_future);
    bare.put();
    CHECK_NOTHROW(get_soon(std::move(nothing)));
}

TEST_CASE("section 2: async_wait takes deferred, which owns the request", "[operation][tokens]") {
    asio::io_context context;
    Gate<int> gate;
    Received<int> received;
    auto held = [&gate] { return gate.next().async_wait(deferred); }();
    CHECK(gate.steps() == 1);
    gate.put(5);
    std::move(held)(asio::bind_executor(context, keep(received)));
    settle_down(context);
    CHECK((received.ok() && received.value == 5));
    CHECK(gate.steps() == 0);
    {
        auto dropped = gate.next().async_wait(deferred);
        CHECK(gate.steps() == 1);
    }
    CHECK(gate.steps() == 0);

    // From a named operation, which is empty afterwards and may be destroyed first.
    std::optional<Operation<int>> named(gate.next());
    auto of_named = named->async_wait(deferred);
    named.reset();
    CHECK(gate.steps() == 1);
    Received<int> later;
    std::move(of_named)(asio::bind_executor(context, keep(later)));
    gate.put(6);
    settle_down(context);
    CHECK(later.value == 6);
}

TEST_CASE("section 2: async_wait takes as_tuple around a callback", "[operation][tokens]") {
    asio::io_context context;
    Gate<int> gate;
    std::tuple<std::error_code, int> received;
    gate.put(5);
    gate.next().async_wait(as_tuple(
        asio::bind_executor(context, [&](std::tuple<std::error_code, int> outcome) { received = outcome; })));
    settle_down(context);
    CHECK(received == std::tuple(std::error_code(), 5));
}

TEST_CASE("section 2: async_wait takes detached", "[operation][tokens]") {
    asio::io_context context;
    Gate<int> gate;
    gate.next().async_wait(asio::bind_executor(context, asio::detached));
    CHECK(settle_down(context));
    CHECK(gate.awaited());
    gate.put(1);
    CHECK_FALSE(settle_down(context));
    CHECK(gate.held() == 0);
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: async_wait joins asio's parallel groups, and the operation that loses takes nothing",
          "[operation][tokens]") {
    asio::io_context context;
    Gate<int> winner, loser;
    std::error_code won, lost;
    int value = 0;
    const auto in_group = [&context](const Gate<int> &gate) {
        return [&context, operation = gate.next()](auto handler) mutable {
            return operation.async_wait(asio::bind_executor(context, std::move(handler)));
        };
    };
    asio::experimental::make_parallel_group(
        in_group(winner),
        in_group(loser))
        .async_wait(asio::experimental::wait_for_one(),
                    asio::bind_executor(context, [&](auto, std::error_code a, int v, std::error_code b, int) {
                        won = a;
                        value = v;
                        lost = b;
                    }));
    settle_down(context);
    winner.put(3);
    settle_down(context);
    CHECK_FALSE(won);
    CHECK(value == 3);
    CHECK(lost == asio::error::operation_aborted);
    loser.put(4);
    CHECK(loser.held() == 1);
    CHECK(loser.steps() == 0);
}

TEST_CASE("section 2: the handler's executor runs the handler", "[operation][tokens]") {
    asio::io_context context, other;
    auto strand = asio::make_strand(context);
    Gate<int> gate;
    bool on_strand = false, on_any = false, coroutine_on_strand = false;
    const bool there = GENERATE(true, false);
    if (there) {
        gate.put(0);
        gate.put(0);
        gate.put(0);
    }
    gate.next().async_wait(
        asio::bind_executor(strand, [&](std::error_code, int) { on_strand = strand.running_in_this_thread(); }));
    gate.next().async_wait(asio::bind_executor(asio::any_io_executor(other.get_executor()), [&](std::error_code, int) {
        on_any = other.get_executor().running_in_this_thread();
    }));
    const auto read = [&]() -> asio::awaitable<void> {
        int value = co_await gate.next();
        coroutine_on_strand = strand.running_in_this_thread() && value == 0;
    };
    asio::co_spawn(strand, read(), asio::detached);
    settle_down(context);
    settle_down(other);
    if (!there) {
        CHECK_FALSE((on_strand || on_any || coroutine_on_strand));
        gate.put(0);
        gate.put(0);
        gate.put(0);
    }
    settle_down(context);
    CHECK(on_strand);
    CHECK(coroutine_on_strand);
    settle_down(other);
    CHECK(on_any);
}

TEST_CASE("section 2: without an executor of its own a handler runs on the system executor", "[operation][tokens]") {
    Gate<int> gate;
    const bool there = GENERATE(true, false);
    std::promise<std::thread::id> ran;
    auto where = ran.get_future();
    if (there) {
        gate.put(1);
    }
    gate.next().async_wait([&ran](std::error_code, int) { ran.set_value(std::this_thread::get_id()); });
    if (!there) {
        gate.put(1);
    }
    CHECK(get_soon(std::move(where)) != std::this_thread::get_id());
}

TEST_CASE("section 2: a waiter counts as outstanding work", "[operation]") {
    asio::io_context context;
    Gate<int> gate;
    Received<int> received;
    SECTION("a handler") { gate.next().async_wait(asio::bind_executor(context, keep(received))); }
    SECTION("a handler with the executor's type erased") {
        gate.next().async_wait(
            asio::bind_executor(asio::any_io_executor(context.get_executor()), keep(received)));
    }
    SECTION("a handler on a strand") {
        gate.next().async_wait(asio::bind_executor(asio::make_strand(context), keep(received)));
    }
    SECTION("a coroutine") { asio::co_spawn(context, receive(gate.next(), received), asio::detached); }
    CHECK(settle_down(context));
    // Completed from elsewhere while the context runs: it does not return before the handler ran.
    std::thread other([&] { gate.put(2); });
    context.restart();
    context.run();
    CHECK(received.ok());
    other.join();
    CHECK_FALSE(settle_down(context));
}

}
