// The one-shot operations, whose outcome all callers that joined share.
#include <comoq/pending.hpp>

#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/origin_fixture.hpp"
#include "support/plain_task.hpp"
#include "support/received.hpp"
#include "support/run.hpp"

namespace pending_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Fixture {
    Origin origin;
    OriginConsumer consumer = origin.consumer();
    OriginDynamic handler = origin.producer().dynamic();
    BroadcastProducer broadcast;
    asio::io_context context;

    Pending<BroadcastConsumer> ask() const { return consumer.request_broadcast("a"); }
};

}  // namespace

TEST_CASE("section 2: a Pending can do everything that an operation can", "[pending]") {
    using Asked = Pending<BroadcastConsumer>;
    STATIC_REQUIRE(std::is_base_of_v<Operation<BroadcastConsumer>, Asked>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Asked>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Asked>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Asked>);
    STATIC_REQUIRE(noexcept(std::declval<const Asked &>().ready()));
}

TEST_CASE("section 2: every requester that joined gets the same outcome, in whatever way it awaits it", "[pending]") {
    Fixture f;
    std::vector<Received<BroadcastConsumer>> all(6);
    asio::co_spawn(f.context, receive(f.ask(), all[0]), asio::detached);
    asio::co_spawn(f.context, receive_tuple(f.ask(), all[1]), asio::detached);
    f.ask().async_wait(asio::bind_executor(f.context, keep(all[2])));
    const auto plain = receive_plainly(f.ask(), all[3]);
    const auto tuple = receive_tuple_plainly(f.ask(), all[4]);
    auto late = f.ask();
    settle_down(f.context);
    auto request = take_request(f.handler);
    REQUIRE(request);
    CHECK_FALSE(take_request(f.handler));
    const bool accepted = GENERATE(true, false);
    if (accepted) {
        request->accept(f.broadcast.consume());
    } else {
        request->reject(app_error(11));
    }
    CHECK(late.ready());
    late.async_wait(asio::bind_executor(f.context, keep(all[5])));
    CHECK_FALSE(settle_down(f.context));
    for (const auto &one : all) {
        CHECK(one.times == 1);
        if (accepted) {
            CHECK((one.ok() && one.value == f.broadcast.consume()));
        } else {
            CHECK(one.failed(app_error(11)));
        }
    }
}

TEST_CASE("section 2: cancelling or destroying a requester that joined leaves the others, even if it was the first",
          "[pending]") {
    Fixture f;
    asio::cancellation_signal signal;
    Received<BroadcastConsumer> cancelled, received;
    std::optional<Pending<BroadcastConsumer>> first = f.ask();
    f.ask().async_wait(
        asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(f.context, keep(cancelled))));
    asio::co_spawn(f.context, receive(f.ask(), received), asio::detached);
    settle_down(f.context);
    first.reset();
    signal.emit(asio::cancellation_type::total);
    settle_down(f.context);
    CHECK(cancelled.failed(asio::error::operation_aborted));
    CHECK(f.origin.stats().pending == 1);
    auto request = take_request(f.handler);
    REQUIRE(request);
    CHECK_FALSE(request->abandoned().ready());
    CHECK(request->accept(f.broadcast.consume()));
    settle_down(f.context);
    CHECK((received.ok() && received.value == f.broadcast.consume()));
}

TEST_CASE("section 2: every way of letting go of a Pending withdraws the request", "[pending]") {
    Fixture f;
    SECTION("destroyed before it is awaited") { static_cast<void>(f.ask()); }
    SECTION("assigned over") {
        auto asked = f.ask();
        asked = f.consumer.request_broadcast("\x01");
        CHECK(f.origin.stats().pending == 0);
    }
    SECTION("its tuple form destroyed") {
        auto form = f.ask().as_tuple();
        CHECK(f.origin.stats().pending == 1);
    }
    SECTION("a plain coroutine destroyed") {
        Received<BroadcastConsumer> never;
        auto task = receive_plainly(f.ask(), never);
        CHECK(f.origin.stats().pending == 1);
        task.destroy();
    }
    SECTION("a wait cancelled") {
        asio::cancellation_signal signal;
        f.ask().async_wait(
            asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(f.context, asio::detached)));
        CHECK(f.origin.stats().pending == 1);
        signal.emit(asio::cancellation_type::terminal);
        settle_down(f.context);
    }
    SECTION("the context of a coroutine destroyed") {
        Received<BroadcastConsumer> never;
        {
            asio::io_context context;
            asio::co_spawn(context, receive(f.ask(), never), asio::detached);
            settle_down(context);
            CHECK(f.origin.stats().pending == 1);
        }
        CHECK(never.times == 0);
    }
    SECTION("the loser of ||") {
        using namespace asio::experimental::awaitable_operators;
        const auto guard = f.origin.producer().create_broadcast("b");
        const auto either = [&]() -> asio::awaitable<std::size_t> {
            auto first = co_await (f.ask() || f.consumer.announced_broadcast("b"));
            co_return first.index();
        };
        CHECK(run_to_end(f.context, either()) == 1);
    }
    CHECK(f.origin.stats().pending == 0);
}

TEST_CASE("section 7: a handler may destroy the object whose call completes its wait", "[pending]") {
    Fixture f;
    auto request = std::make_unique<BroadcastRequest>(
        [&] {
            auto asked = f.ask();
            auto taken = take_request(f.handler);
            return std::move(*taken);
        }());
    Received<BroadcastConsumer> other;
    SECTION("an asio handler comes later") {
        f.ask().async_wait(asio::bind_executor(f.context, [&](std::error_code, BroadcastConsumer) { request.reset(); }));
        run_inside(f.context, [&] {
            CHECK(request->accept(f.broadcast.consume()));
            CHECK(request != nullptr);
        });
        settle_down(f.context);
    }
    SECTION("a plain coroutine comes last") {
        const auto destroy = [&]() -> PlainTask {
            auto outcome = co_await f.ask().as_tuple();
            static_cast<void>(outcome);
            request.reset();
        };
        const auto task = destroy();
        CHECK(request->reject(Error::Timeout));
        CHECK(task.done());
    }
    CHECK(request == nullptr);
    CHECK(f.origin.stats().pending == 0);
}

}
