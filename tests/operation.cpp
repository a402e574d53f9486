// What every operation offers: awaiting in asio's coroutines and in others, asynchronous waits with every kind of
// token, and immediate delivery of ready outcomes. detail/wait/wait_operation.cpp has handlers and cancellation,
// detail/wait/wait_service.cpp the end of execution contexts, operation_kinds.cpp each operation of the public
// interface.
#include <comoq/operation.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/bind_executor.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/parallel_group.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <asio/version.hpp>
#if ASIO_VERSION < 102300
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/deferred.hpp>
#else
#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#endif

#include <comoq/error.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/gate.hpp"
#include "support/plain_task.hpp"
#include "support/received.hpp"
#include "support/run.hpp"
#include "support/seeded_executor.hpp"

namespace operation_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

#if ASIO_VERSION < 102300
using asio::experimental::as_tuple;
using asio::experimental::deferred;
#else
using asio::as_tuple;
using asio::deferred;
#endif

Operation<int> ready_with(int value) {
    return Operation<int>(comoq::detail::Passkey(),
                          comoq::detail::ReadySource<int>(comoq::detail::Outcome<int>(std::in_place, value)));
}

/// Runs `call` on a thread of its own, whose budget of ready operations is new. Exceptions are passed on.
template <class Call> void on_new_thread(Call call) {
    std::promise<void> ended;
    auto end = ended.get_future();
    std::thread([&] {
        try {
            call();
            ended.set_value();
        } catch (...) {
            ended.set_exception(std::current_exception());
        }
    }).join();
    end.get();
}

template <class T> T get_soon(std::future<T> future) {
    if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
        throw std::runtime_error("nothing came");
    }
    return future.get();
}

}  // namespace

TEST_CASE("section 2: an operation is a move-only object", "[operation]") {
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Operation<int>>);
    STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<Operation<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Operation<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Operation<int>>);
    STATIC_REQUIRE(noexcept(std::declval<const Operation<int> &>().ready()));

    Gate<int> gate;
    auto made = gate.next();
    Operation<int> moved(std::move(made));
    CHECK_FALSE(moved.ready());
    gate.put(7);
    CHECK(moved.ready());

    Gate<int> other;
    auto target = other.next();
    target = std::move(moved);
    CHECK(other.steps() == 0);
    CHECK(gate.steps() == 1);
    CHECK(target.ready());
    asio::io_context context;
    CHECK(run_to_end<int>(context, std::move(target)) == 7);
    CHECK(gate.steps() == 0);

    auto same = gate.next();
    auto &itself = same;
    same = std::move(itself);
    gate.put(8);
    CHECK(same.ready());
}

TEST_CASE("section 2: an operation withdraws its request when it is destroyed", "[operation]") {
    Gate<int> gate;
    {
        auto operation = gate.next();
        CHECK(gate.steps() == 1);
    }
    CHECK(gate.steps() == 0);
    {
        auto form = gate.next().as_tuple();
        CHECK(gate.steps() == 1);
    }
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: an operation that was moved from is inert", "[operation]") {
    asio::io_context context;
    Gate<int> gate;
    gate.put(1);
    auto operation = gate.next();
    auto taken = std::move(operation);
    CHECK_FALSE(operation.ready());

    Received<int> waited, tupled, plain;
    operation.async_wait(asio::bind_executor(context, keep(waited)));
    asio::co_spawn(context, receive_tuple(std::move(operation), tupled), asio::detached);
    settle_down(context);
    CHECK(waited.failed(Error::Cancelled));
    CHECK(tupled.failed(Error::Cancelled));

    // An operation whose request an asynchronous wait took.
    auto emptied = gate.next();
    emptied.async_wait(asio::bind_executor(context, asio::detached));
    const auto task = receive_plainly(std::move(emptied), plain);
    CHECK(task.done());
    CHECK(plain.failed(Error::Cancelled));
    operation = gate.next();
    CHECK(gate.held() == 1);
}

TEST_CASE("section 2: ready() says whether co_await would finish without suspending", "[operation]") {
    Gate<int> gate;
    auto operation = gate.next();
    CHECK_FALSE(operation.ready());
    gate.put(1);
    CHECK(operation.ready());
    CHECK(gate.steal());
    CHECK_FALSE(operation.ready());

    Received<int> waits;
    const auto waiting = receive_plainly(gate.next(), waits);
    CHECK_FALSE(waiting.done());
    gate.put(2);
    CHECK(waiting.done());
    gate.put(3);
    Received<int> finishes;
    const auto finished = receive_plainly(gate.next(), finishes);
    CHECK(finished.done());
    CHECK(finishes.value == 3);
    gate.put_error(Error::Dropped);
    CHECK(gate.next().ready());
}

TEST_CASE("section 2: co_await gives the value or throws std::system_error", "[operation]") {
    asio::io_context context;
    Gate<std::string> gate;
    Received<std::string> first, second;
    Received<std::string> plain_first, plain_second;
    SECTION("when it is there") {
        gate.put("one");
        gate.put_error(app_error(7));
        asio::co_spawn(context, receive(gate.next(), first), asio::detached);
        settle_down(context);
        asio::co_spawn(context, receive(gate.next(), second), asio::detached);
        settle_down(context);
        gate.put("one");
        gate.put_error(app_error(7));
        CHECK(receive_plainly(gate.next(), plain_first).done());
        CHECK(receive_plainly(gate.next(), plain_second).done());
    }
    SECTION("when it has to be waited for") {
        asio::co_spawn(context, receive(gate.next(), first), asio::detached);
        CHECK(settle_down(context));
        gate.put("one");
        settle_down(context);
        asio::co_spawn(context, receive(gate.next(), second), asio::detached);
        CHECK(settle_down(context));
        gate.put_error(app_error(7));
        settle_down(context);
        const auto one = receive_plainly(gate.next(), plain_first);
        gate.put("one");
        CHECK(one.done());
        const auto two = receive_plainly(gate.next(), plain_second);
        gate.put_error(app_error(7));
        CHECK(two.done());
    }
    CHECK((first.ok() && first.value == "one"));
    CHECK(second.failed(app_error(7)));
    CHECK((plain_first.ok() && plain_first.value == "one"));
    CHECK(plain_second.failed(app_error(7)));
}

TEST_CASE("section 2: as_tuple gives a code and a value and does not throw", "[operation]") {
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<Operation<int>>().as_tuple().operator co_await().await_resume()),
                                  std::tuple<std::error_code, int>>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<Operation<void>>().as_tuple().operator co_await().await_resume()),
                                  std::tuple<std::error_code>>);
    STATIC_REQUIRE(
        std::is_base_of_v<asio::awaitable<std::tuple<std::error_code, int>>, decltype(ready_with(1).as_tuple())>);

    asio::io_context context;
    Gate<int> gate;
    Gate<void> bare;
    Received<int> there, failed, waited, waited_failed;
    Received<void> nothing;
    SECTION("in asio::awaitable") {
        const auto spawn = [&](Received<int> &out) {
            asio::co_spawn(context, receive_tuple(gate.next(), out), asio::detached);
            settle_down(context);
        };
        gate.put(1);
        spawn(there);
        gate.put_error(Error::Old);
        spawn(failed);
        spawn(waited);
        gate.put(2);
        settle_down(context);
        spawn(waited_failed);
        gate.put_error(Error::Dropped);
        asio::co_spawn(context, receive_tuple(bare.next(), nothing), asio::detached);
        settle_down(context);
        CHECK(nothing.times == 0);
        bare.put();
        settle_down(context);
    }
    SECTION("in a plain coroutine") {
        gate.put(1);
        const auto one = receive_tuple_plainly(gate.next(), there);
        gate.put_error(Error::Old);
        const auto two = receive_tuple_plainly(gate.next(), failed);
        const auto three = receive_tuple_plainly(gate.next(), waited);
        gate.put(2);
        const auto four = receive_tuple_plainly(gate.next(), waited_failed);
        gate.put_error(Error::Dropped);
        const auto five = receive_tuple_plainly(bare.next(), nothing);
        CHECK(nothing.times == 0);
        bare.put();
        CHECK((one.done() && two.done() && three.done() && four.done() && five.done()));
    }
    CHECK((there.ok() && there.value == 1));
    CHECK(failed.failed(Error::Old));
    CHECK((waited.ok() && waited.value == 2));
    CHECK(waited_failed.failed(Error::Dropped));
    CHECK(nothing.ok());
}

TEST_CASE("section 2: an operation without a value completes with void(error_code)", "[operation]") {
    asio::io_context context;
    Gate<void> gate;
    Received<void> awaited, plain, waited, failed;
    const auto put = [&] {
        CHECK(settle_down(context));
        gate.put();
        settle_down(context);
    };
    asio::co_spawn(context, receive(gate.next(), awaited), asio::detached);
    put();
    CHECK(awaited.ok());
    const auto task = receive_plainly(gate.next(), plain);
    gate.put();
    CHECK(task.done());
    CHECK(plain.ok());
    gate.next().async_wait(asio::bind_executor(context, [&](std::error_code ec) { waited.set(ec); }));
    put();
    CHECK(waited.ok());
    gate.put_error(Error::Timeout);
    gate.next().async_wait(asio::bind_executor(context, [&](std::error_code ec) { failed.set(ec); }));
    settle_down(context);
    CHECK(failed.failed(Error::Timeout));
}

TEST_CASE("section 2: the end of a stream is an empty value, which ends a while loop", "[operation]") {
    asio::io_context context;
    Gate<std::optional<int>> gate;
    const auto read = [](Gate<std::optional<int>> stream) -> asio::awaitable<std::vector<int>> {
        std::vector<int> all;
        while (auto item = co_await stream.next()) {
            all.push_back(*item);
        }
        co_return all;
    };
    gate.put(1);
    gate.put(0);
    gate.put(3);
    gate.put(std::nullopt);
    CHECK(run_to_end(context, read(gate)) == std::vector<int>{1, 0, 3});
}

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

TEST_CASE("section 2: an outcome that is there is delivered without a trip through the executor", "[operation][ready]") {
    on_new_thread([] {
        SeededContext context(1);
        int sum = 0;
        std::size_t before = 0, after = 0;
        Gate<int> gate;
        const auto read = [&]() -> asio::awaitable<void> {
            before = context.added();
            for (int i = 0; i < 30; ++i) {
                gate.put(1);
                int value = co_await gate.next();
                gate.put(1);
                std::tuple<std::error_code, int> outcome = co_await gate.next().as_tuple();
                sum += value + std::get<1>(outcome);
            }
            after = context.added();
        };
        asio::co_spawn(asio::any_io_executor(context.executor()), read(), asio::detached);
        context.run();
        CHECK(sum == 60);
        CHECK(after == before);
    });
}

TEST_CASE("section 2: a loop over ready operations lets others run on its executor", "[operation][ready]") {
    asio::io_context context;
    int others = 0;
    int longest = 0;
    bool over = false;
    const auto other = [&]() -> asio::awaitable<void> {
        while (!over) {
            ++others;
            co_await asio::post(asio::use_awaitable);
        }
    };
    const auto loop = [&]() -> asio::awaitable<void> {
        int seen = others;
        int since = 0;
        for (int i = 0; i < 10000; ++i) {
            auto operation = ready_with(i);
            if (!operation.ready()) {
                throw std::logic_error("ready() knows of the budget");
            }
            int value = co_await std::move(operation);
            since = seen == others ? since + 1 : 0;
            longest = std::max(longest, since);
            seen = others;
            static_cast<void>(value);
        }
        over = true;
    };
    asio::co_spawn(context, loop(), asio::detached);
    asio::co_spawn(context, other(), asio::detached);
    settle_down(context);
    CHECK(over);
    CHECK(longest < 1024);
    CHECK(others > 10);
    CHECK(others < 1000);
}

TEST_CASE("section 2: a million ready operations do not overflow the stack", "[operation][ready]") {
    constexpr int many = 1000000;
    const auto add = [](auto &sum) -> asio::awaitable<void> {
        for (int i = 0; i < many; ++i) {
            sum += co_await ready_with(1);
        }
    };
    const auto add_plainly = [](int &sum) -> PlainTask {
        for (int i = 0; i < many; ++i) {
            sum += co_await ready_with(1);
        }
    };
    asio::io_context context;
    int sum = 0;
    run_to_end(context, add(sum));
    CHECK(sum == many);
    int plain_sum = 0;
    const auto task = add_plainly(plain_sum);
    CHECK(task.done());
    CHECK(plain_sum == many);
}

TEST_CASE("section 2: a ready operation allocates nothing once warm", "[operation][ready][allocations]") {
    asio::io_context context;
    std::size_t made = 0;
    int sum = 0;
    const auto loop = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 300; ++i) {
            sum += co_await ready_with(1);
        }
        const AllocationCount count;
        for (int i = 0; i < 1000; ++i) {
            sum += co_await ready_with(1);
        }
        made = count.made();
    };
    run_to_end(context, loop());
    CHECK(sum == 1300);
    CHECK(made == 0);
}

TEST_CASE("section 2: operations join awaitable_operators directly", "[operation]") {
    using namespace asio::experimental::awaitable_operators;
    asio::io_context context;
    Gate<int> left, right;
    asio::steady_timer timer(context, std::chrono::hours(24));

    SECTION("|| with a timer: the operation is first, and the timer is cancelled") {
        std::size_t alternative = 9;
        int value = 0;
        const auto either = [&]() -> asio::awaitable<void> {
            auto first = co_await (left.next() || timer.async_wait(asio::use_awaitable));
            alternative = first.index();
            value = std::get<0>(first);
        };
        const bool there = GENERATE(true, false);
        if (there) {
            left.put(3);
        }
        asio::co_spawn(context, either(), asio::detached);
        settle_down(context);
        if (!there) {
            CHECK(alternative == 9);
            left.put(3);
        }
        CHECK_FALSE(settle_down(context));
        CHECK(alternative == 0);
        CHECK(value == 3);
    }
    SECTION("|| with a timer: the timer is first, and the step takes nothing") {
        asio::steady_timer expired(context, asio::steady_timer::time_point::min());
        std::size_t alternative = 9;
        const auto either = [&]() -> asio::awaitable<void> {
            auto first = co_await (left.next() || expired.async_wait(asio::use_awaitable));
            alternative = first.index();
        };
        asio::co_spawn(context, either(), asio::detached);
        while (settle_down(context)) {
        }
        CHECK(alternative == 1);
        left.put(3);
        CHECK(left.held() == 1);
        CHECK(left.steps() == 0);
    }
    SECTION("|| of two operations, and the loser takes nothing") {
        std::size_t alternative = 9;
        const auto either = [&]() -> asio::awaitable<void> {
            auto first = co_await (left.next() || right.next());
            alternative = first.index();
        };
        asio::co_spawn(context, either(), asio::detached);
        CHECK(settle_down(context));
        right.put(1);
        CHECK_FALSE(settle_down(context));
        CHECK(alternative == 1);
        left.put(2);
        CHECK(left.held() == 1);
        CHECK(left.steps() == 0);
    }
    SECTION("&& of two operations") {
        std::tuple<int, int> values;
        const auto both = [&]() -> asio::awaitable<void> { values = co_await (left.next() && right.next()); };
        asio::co_spawn(context, both(), asio::detached);
        settle_down(context);
        right.put(1);
        CHECK(settle_down(context));
        left.put(2);
        CHECK_FALSE(settle_down(context));
        CHECK(values == std::tuple(2, 1));
    }
    SECTION("&& is over when one fails, and the other takes nothing") {
        bool failed = false;
        const auto both = [&]() -> asio::awaitable<void> {
            try {
                co_await (left.next() && right.next());
            } catch (const std::exception &) {
                failed = true;
            }
        };
        asio::co_spawn(context, both(), asio::detached);
        settle_down(context);
        right.put_error(Error::Closed);
        CHECK_FALSE(settle_down(context));
        CHECK(failed);
        left.put(1);
        CHECK(left.held() == 1);
    }
    SECTION("on a strand") {
        std::size_t alternative = 9;
        asio::thread_pool pool(2);
        const auto either = [&]() -> asio::awaitable<void> {
            auto first = co_await (left.next() || right.next());
            alternative = first.index();
        };
        auto done = asio::co_spawn(asio::make_strand(pool), either(), asio::use_future);
        left.put(1);
        get_soon(std::move(done));
        CHECK(alternative == 0);
        pool.join();
    }
}

}
