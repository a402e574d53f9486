// Operations joined by asio's awaitable operators.
#include <comoq/operation.hpp>

#include <chrono>
#include <cstddef>
#include <tuple>
#include <utility>

#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <comoq/error.hpp>

#include "operation_scene.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"

namespace operation_operators_tests {

using namespace comoq;
using namespace comoq::test;
using namespace operation_tests;

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
