// What is there already is delivered at once, without a trip, an allocation, or more stack.
#include <comoq/operation.hpp>

#include <algorithm>
#include <cstddef>
#include <future>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include <asio/detached.hpp>
#include <asio/use_awaitable.hpp>
#if ASIO_VERSION < 102300
#include <asio/experimental/as_tuple.hpp>
#else
#include <asio/as_tuple.hpp>
#endif

#include "operation_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/gate.hpp"
#include "support/plain_task.hpp"
#include "support/run.hpp"
#include "support/seeded_executor.hpp"

namespace operation_ready_tests {

using namespace comoq;
using namespace comoq::test;
using namespace operation_tests;

namespace {

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

}  // namespace

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

}
