// The first of several coroutines that is over.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>

#include <comoq/error.hpp>
#include <comoq/first_of.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/gate.hpp"
#include "support/manual_sleep.hpp"
#include "support/run.hpp"

namespace first_of_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

asio::awaitable<int> after(std::size_t count, int value) {
    co_await turns(count);
    co_return value;
}
asio::awaitable<int> refused_after(std::size_t count, Error code) {
    co_await turns(count);
    throw std::system_error(make_error_code(code));
}

/// Available items for the takers, and the taken ones.
struct Takers {
    std::optional<asio::io_context> context{std::in_place};
    Gate<int> one, other;
    int taken = 0;

    asio::awaitable<void> work() {
        auto first = co_await first_of(one.next(), other.next(), ended.next());
        if (first.index() != 2) ++taken;
        auto second = co_await first_of(after(2, 1), one.next());
        if (second.index() == 1) ++taken;
        co_await turns(1);
    }
    void leave() {}
    void check_end() {
        CHECK(one.steps() == 0);
        CHECK(other.steps() == 0);
    }
    Gate<int> ended;
};

}  // namespace

TEST_CASE("first_of: it gives the result of the coroutine that ends first, at that coroutine's place", "[first_of]") {
    asio::io_context context;
    Gate<int> never;
    auto race = [&]() -> asio::awaitable<void> {
        const auto first = co_await first_of(after(3, 1), after(1, 2), never.next());
        CHECK(first.index() == 1);
        CHECK(std::get<1>(first) == 2);
        const auto at_once = co_await first_of(turns(0), after(0, 3));
        CHECK(at_once.index() == 0);
        const auto only = co_await first_of(after(1, 4));
        CHECK(std::get<0>(only) == 4);
    };
    run_to_end(context, race());
    CHECK(never.steps() == 0);
}

TEST_CASE("first_of: it throws the exception of the coroutine that ends first, and none of those that it cancels", "[first_of]") {
    asio::io_context context;
    auto race = [&]() -> asio::awaitable<void> {
        std::error_code code;
        try {
            co_await first_of(after(9, 1), refused_after(2, Error::NotFound), refused_after(3, Error::Old));
        } catch (const std::system_error &error) {
            code = error.code();
        }
        CHECK(code == Error::NotFound);
        const auto first = co_await first_of(after(2, 1), refused_after(3, Error::NotFound));
        CHECK(first.index() == 0);
    };
    run_to_end(context, race());
}

TEST_CASE("first_of: the later coroutine takes nothing, even if both have an item in the same turn", "[first_of]") {
    asio::io_context context;
    Gate<int> one, other;
    std::size_t index = 9;
    auto race = [&]() -> asio::awaitable<void> {
        const auto first = co_await first_of(one.next(), other.next());
        index = first.index();
    };
    Disturbed racing;
    racing.start(context, race());
    settle_down(context);
    one.put(1);
    other.put(2);
    settle_down(context);
    CHECK(racing.is_over());
    CHECK(index == 0);
    CHECK(one.held() == 0);
    CHECK(other.held() == 1);
}

TEST_CASE("first_of: the other coroutines are over when it gives its result", "[first_of]") {
    asio::io_context context;
    ManualSleep time;
    bool is_over = false;
    auto slow = [&]() -> asio::awaitable<void> {
        struct Mark {
            explicit Mark(bool &at) : over(at) {}
            ~Mark() { over = true; }
            bool &over;
        } const mark(is_over);
        try {
            co_await time(std::chrono::hours(1));
        } catch (const std::system_error &) {
        }
    };
    auto race = [&]() -> asio::awaitable<void> {
        const auto first = co_await first_of(slow(), turns(1));
        CHECK(first.index() == 1);
        CHECK(is_over);
    };
    run_to_end(context, race());
}

TEST_CASE("first_of: it ends when it is cancelled at any step, and no cancellation is forgotten", "[first_of][faults]") {
    struct Waiter : Takers {
        asio::awaitable<void> work() {
            co_await Takers::work();
            // Only a cancellation ends this.
            co_await ended.next();
        }
    };
    struct First : Waiter {
        First() { one.put(1); }
    };
    CHECK(cancel_at_every_step<First>(false) > 5);
    CHECK(cancel_at_every_step<Waiter>(false) > 1);
}

TEST_CASE("first_of: if any one allocation fails, nothing is left and nobody waits", "[first_of][faults]") {
    struct First : Takers {
        First() { one.put(1); }
    };
    const auto points = fail_every_allocation<First>();
    CHECK((points > 20 || !allocations_can_fail()));
}

TEST_CASE("first_of: its context may be destroyed at any point", "[first_of][faults]") {
    struct First : Takers {
        First() { one.put(1); }
    };
    CHECK(destroy_at_every_point<First>() > 5);
}

}
