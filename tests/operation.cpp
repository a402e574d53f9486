// What every operation offers: awaiting in asio's coroutines and in others, asynchronous waits with every kind of
// token, and immediate delivery of ready outcomes. detail/wait/wait_operation.cpp has handlers and cancellation,
// detail/wait/wait_service.cpp the end of execution contexts, operation_kinds.cpp each operation of the public
// interface.
#include <comoq/operation.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/bind_executor.hpp>
#include <asio/detached.hpp>

#include <comoq/error.hpp>

#include "operation_scene.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/received.hpp"
#include "support/run.hpp"

namespace operation_tests {

using namespace comoq;
using namespace comoq::test;

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

TEST_CASE("section 2: an operation that has been awaited takes nothing more, and fails with Cancelled", "[operation]") {
    asio::io_context context;
    Gate<int> gate;
    for (const int value : {1, 2, 3}) gate.put(value);
    auto in_asio = gate.next(), in_plain = gate.next();
    // By reference: the awaited objects themselves are looked at again.
    const auto await_once = [](Operation<int> &operation) -> asio::awaitable<void> {
        const int value = co_await std::move(operation);
        CHECK(value == 1);
    };
    asio::co_spawn(context, await_once(in_asio), asio::detached);
    settle_down(context);
    const auto await_twice = [](Operation<int> &operation, Received<int> &again) -> PlainTask {
        const int value = co_await std::move(operation);
        CHECK(value == 2);
        auto outcome = co_await std::move(operation).as_tuple();
        again.set_from(std::move(outcome));
    };
    Received<int> waited, tupled, plain, twice;
    CHECK(await_twice(in_plain, twice).done());

    CHECK_FALSE(in_asio.ready());
    CHECK_FALSE(in_plain.ready());
    in_asio.async_wait(asio::bind_executor(context, keep(waited)));
    asio::co_spawn(context, receive_tuple(std::move(in_asio), tupled), asio::detached);
    settle_down(context);
    CHECK(receive_plainly(std::move(in_asio), plain).done());
    for (const auto *again : {&waited, &tupled, &plain, &twice}) CHECK(again->failed(Error::Cancelled));
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

}
