// Waits, tasks and I/O on fair strands.

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/task_group.hpp>

#include "fair_strand_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"

namespace fair_strand_waits_tests {

using namespace comoq;
using namespace comoq::test;
using namespace fair_strand_tests;

TEST_CASE("a crowd of waits of one strand that are woken together delays another strand by one turn", "[fair_strand]") {
    asio::io_context context(1);
    const asio::any_io_executor greedy = strand_of(context), modest = strand_of(context);
    Gate<int> crowd, other;
    std::size_t read = 0, when = 0;
    for (int i = 0; i != 1000; ++i) asio::co_spawn(greedy, read_all(crowd, 1, read), [](std::exception_ptr) {});
    other.next().async_wait(asio::bind_executor(modest, [&](std::error_code, int) { when = read; }));
    context.poll();
    for (int i = 0; i != 1000; ++i) crowd.put(i);
    other.put(1);
    context.restart();
    context.poll();
    CHECK(read == 1000);
    CHECK(when <= turn);
}

TEST_CASE("a wait on a fair strand is woken without memory", "[fair_strand]") {
    asio::io_context context(1);
    Gate<int> gate;
    std::size_t read = 0;
    asio::co_spawn(asio::any_io_executor(strand_of(context)), read_all(gate, 100, read), [](std::exception_ptr) {});
    gate.put(0);
    context.poll();
    for (std::size_t i = 1; i != 50; ++i) {
        gate.put(0);
        const AllocationCount count;
        context.restart();
        context.poll();
        // asio's own share of a turn of a coroutine comes from memory that it keeps.
        CHECK(count.made() == 0);
    }
    CHECK(read == 50);
    context.stop();
}

TEST_CASE("a group's tasks on strands of its context end with the group", "[fair_strand][task_group]") {
    asio::io_context context(1);
    std::string log;
    std::optional<bool> aborted;
    const auto body = [&]() -> asio::awaitable<void> {
        TaskGroup group(co_await asio::this_coro::executor);
        std::vector<std::string> failures;
        for (const char name : {'a', 'b', 'c'})
            group.spawn_on(strand_of(context), wait_until_cancelled(log, name), [&failures](const std::exception_ptr &failure) {
                failures.push_back(failure == nullptr ? "" : "failed");
            });
        group.spawn_on(strand_of(context), wait_until_cancelled(log, 'd'), {});
        co_await asio::post(asio::use_awaitable);
        CHECK(group.size() == 4);
        group.cancel();
        co_await group.join();
        CHECK(group.empty());
        CHECK(failures.size() == 3);
        aborted = false;
    };
    run_to_end(context, body());
    CHECK(aborted == false);
    CHECK(log == "abcd");
}

TEST_CASE("a task on a strand that fails ends its group", "[fair_strand][task_group]") {
    asio::io_context context(1);
    std::string log;
    const auto body = [&]() -> asio::awaitable<void> {
        TaskGroup group(co_await asio::this_coro::executor);
        group.spawn(wait_until_cancelled(log, 'a'));
        const auto fail = []() -> asio::awaitable<void> {
            co_await asio::post(asio::use_awaitable);
            throw std::runtime_error("on purpose");
        };
        group.spawn_on(strand_of(context), fail(), {});
        co_await group.join();
    };
    CHECK_THROWS_AS(run_to_end(context, body()), std::runtime_error);
    CHECK(log == "a");
}

TEST_CASE("a task on a strand that is cancelled before it begins ends with operation_aborted", "[fair_strand][task_group]") {
    asio::io_context context(1);
    TaskGroup group(context.get_executor());
    std::vector<std::error_code> codes;
    std::string log;
    const auto ended = [&codes](const std::exception_ptr &failure) {
        try {
            if (failure != nullptr) std::rethrow_exception(failure);
        } catch (const std::system_error &error) {
            codes.push_back(error.code());
        }
    };
    const auto body = [](std::string &into) -> asio::awaitable<void> {
        into += 'x';
        co_return;
    };
    // The context does not run yet: neither task can have begun.
    group.spawn_on(strand_of(context), body(log), ended);
    group.spawn(body(log), ended);
    CHECK(group.size() == 2);
    std::optional<std::size_t> reported;
    group.idle().async_wait(asio::bind_executor(context, [&](std::error_code) { reported = codes.size(); }));
    group.cancel();
    context.run();
    CHECK(reported == 2);
    CHECK(codes == std::vector<std::error_code>(2, asio::error::operation_aborted));
    CHECK(log.empty());
    CHECK(group.empty());
}

TEST_CASE("a task on a strand that finds no memory to begin fails with it, and its group goes on",
          "[fair_strand][task_group][faults]") {
    if (!allocations_can_fail()) return;
    std::size_t refused = 0, failed = 0;
    for (std::size_t point = 0;; ++point) {
        asio::io_context context(1);
        TaskGroup group(context.get_executor());
        std::string log;
        group.spawn(wait_until_cancelled(log, 'w'), [](const std::exception_ptr &) {});
        context.poll();
        const auto held = std::make_shared<int>();
        const auto body = [](std::shared_ptr<int> kept, std::string &into) -> asio::awaitable<void> {
            static_cast<void>(kept);
            into += 'x';
            co_return;
        };
        std::optional<bool> failure;
        auto task = body(held, log);
        TaskGroup::Ended ended = [&failure, &group](const std::exception_ptr &why) {
            failure = why != nullptr;
            CHECK(group.size() == 2);
        };
        const asio::any_io_executor strand = strand_of(context);
        FailingAllocation failing(point);
        bool threw = false;
        try {
            group.spawn_on(strand, std::move(task), std::move(ended));
        } catch (const std::bad_alloc &) {
            threw = true;
        }
        context.restart();
        context.poll();
        const bool was_hit = failing.stop();
        CHECK(held.use_count() == 1);
        CHECK(group.size() == 1);
        CHECK((threw ? !failure.has_value() : failure.has_value()));
        CHECK((threw || *failure ? log.empty() : log == "x"));
        refused += threw ? 1 : 0;
        failed += !threw && *failure ? 1 : 0;
        group.cancel();
        context.restart();
        context.poll();
        CHECK(group.empty());
        if (!was_hit) break;
    }
    CHECK(refused > 0);
    CHECK(failed > 0);
}

TEST_CASE("a completion of I/O on a fair strand allocates nothing once it is warm", "[fair_strand]") {
    asio::io_context context(1);
    const asio::any_io_executor strand = strand_of(context);
    asio::steady_timer timer(strand);
    std::size_t made = 0;
    const auto tick = [&](const auto &self, int left) -> void {
        if (left == 0) return;
        timer.expires_at(asio::steady_timer::time_point::min());
        timer.async_wait([&, left](std::error_code) { self(self, left - 1); });
    };
    tick(tick, 10);
    context.run();
    tick(tick, 1000);
    context.restart();
    {
        const AllocationCount count;
        context.run();
        made = count.made();
    }
    // The first one finds the thread's memory empty.
    CHECK(made <= 8);
}

}
