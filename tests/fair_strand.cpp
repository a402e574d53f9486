// A strand for each session: one thing at a time, and a turn that ends.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/defer.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/query.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/fair_strand.hpp>
#include <comoq/task_group.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"

namespace fair_strand_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

// As the docstring promises.
constexpr std::size_t turn = 8;

/// Its turns end by number alone, however slow the machine is.
FairStrand strand_of(asio::io_context &context) { return FairStrand(context.get_executor(), std::chrono::hours(1)); }

asio::awaitable<void> read_all(Gate<int> gate, std::size_t count, std::size_t &read) {
    for (; count != 0; --count) {
        co_await gate.next();
        ++read;
    }
}
asio::awaitable<void> wait_until_cancelled(std::string &log, char name) {
    const Gate<int> never;
    try {
        co_await never.next();
    } catch (const std::system_error &error) {
        if (error.code() == asio::error::operation_aborted) log += name;
        throw;
    }
}

}  // namespace

TEST_CASE("a fair strand gives the context's other work its turn after eight functions", "[fair_strand]") {
    asio::io_context context(1);
    const auto greedy = strand_of(context), modest = strand_of(context);
    std::string log;
    for (std::size_t i = 0; i != 3 * turn; ++i) asio::post(greedy, [&log] { log += 'g'; });
    for (int i = 0; i != 3; ++i) asio::post(modest, [&log] { log += 'm'; });
    asio::post(context, [&log] { log += 'c'; });
    context.run();
    CHECK(log == std::string(turn, 'g') + "mmmc" + std::string(2 * turn, 'g'));
}

TEST_CASE("a fair strand begins no function after its time is over", "[fair_strand]") {
    asio::io_context context(1);
    const FairStrand greedy(context.get_executor(), std::chrono::microseconds(0));
    std::string log;
    for (int i = 0; i != 3; ++i) asio::post(greedy, [&log] { log += 'g'; });
    asio::post(context, [&context, &log] {
        log += 'c';
        asio::post(context, [&log] { log += 'd'; });
    });
    context.run();
    CHECK(log == "gcgdg");
}

TEST_CASE("functions of a fair strand that post further ones get no longer turn for it", "[fair_strand]") {
    asio::io_context context(1);
    const auto greedy = strand_of(context), modest = strand_of(context);
    std::size_t ran = 0, at_most = 0;
    const auto again = [&greedy, &ran](const auto &self) -> void {
        if (++ran < 1000) asio::post(greedy, [&self] { self(self); });
    };
    asio::post(greedy, [&again] { again(again); });
    // Each step of the modest strand may wait for a turn of the greedy one.
    std::size_t before = 0;
    const auto look = [&](const auto &self) -> void {
        at_most = std::max(at_most, ran - before);
        before = ran;
        if (ran < 1000) asio::post(modest, [&self] { self(self); });
    };
    asio::post(modest, [&look] { look(look); });
    context.run();
    CHECK(ran == 1000);
    // The modest strand's own turn runs on without the greedy one, and then has to wait for one turn.
    CHECK(at_most == turn);
}

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

TEST_CASE("a fair strand runs one function at a time, in their order, on any number of threads", "[fair_strand][stress]") {
    asio::io_context context;
    const auto strand = strand_of(context);
    std::atomic<int> inside = 0;
    std::atomic<bool> overlapped = false;
    std::vector<std::vector<int>> seen(3);
    constexpr int each = 3000;
    std::vector<std::thread> threads;
    std::optional work(asio::make_work_guard(context));
    for (int i = 0; i != 3; ++i) threads.emplace_back([&context] { context.run(); });
    std::vector<std::thread> posters;
    for (std::size_t poster = 0; poster != seen.size(); ++poster)
        posters.emplace_back([&, poster] {
            for (int i = 0; i != each; ++i)
                asio::post(strand, [&, poster, i] {
                    if (inside.fetch_add(1) != 0) overlapped = true;
                    seen[poster].push_back(i);
                    inside.fetch_sub(1);
                });
        });
    for (auto &thread : posters) thread.join();
    work.reset();
    for (auto &thread : threads) thread.join();
    CHECK_FALSE(overlapped);
    for (const auto &numbers : seen) {
        REQUIRE(numbers.size() == each);
        for (int i = 0; i != each; ++i) REQUIRE(numbers[static_cast<std::size_t>(i)] == i);
    }
}

TEST_CASE("a function that is dispatched from its fair strand runs at once, and no other does", "[fair_strand]") {
    asio::io_context context(1);
    const auto strand = strand_of(context), other = strand_of(context);
    std::string log;
    asio::post(strand, [&] {
        CHECK(strand.running_in_this_thread());
        CHECK_FALSE(other.running_in_this_thread());
        asio::dispatch(strand, [&log] { log += '1'; });
        asio::dispatch(asio::any_io_executor(strand), [&log] { log += '2'; });
        asio::dispatch(other, [&log] { log += '5'; });
        asio::post(strand, [&log] { log += '4'; });
        asio::defer(strand, [&log] { log += '4'; });
        log += '3';
    });
    asio::dispatch(strand, [&log] { log += '4'; });
    CHECK(log.empty());
    CHECK_FALSE(strand.running_in_this_thread());
    context.run();
    CHECK(log == "1234445");
}

TEST_CASE("copies of a fair strand are the same strand", "[fair_strand]") {
    asio::io_context context;
    const auto strand = strand_of(context);
    const asio::any_io_executor any = strand;
    CHECK(strand == FairStrand(strand));
    CHECK(any == asio::any_io_executor(strand));
    CHECK_FALSE(strand == strand_of(context));
    CHECK_FALSE(any == asio::any_io_executor(strand_of(context)));
    CHECK(&asio::query(any, asio::execution::context) == &context);
    // It lies within any executor: no copy of it allocates.
    const AllocationCount count;
    const asio::any_io_executor copy = any;
    CHECK(count.made() == 0);
}

TEST_CASE("work on a fair strand keeps its context running until the work ends", "[fair_strand]") {
    asio::io_context context(1);
    Gate<int> gate;
    std::size_t read = 0;
    const asio::any_io_executor strand = strand_of(context);
    SECTION("a coroutine that waits") {
        asio::co_spawn(strand, read_all(gate, 1, read), [](std::exception_ptr) {});
        CHECK(settle_down(context));
        gate.put(1);
        CHECK_FALSE(settle_down(context));
        CHECK(read == 1);
    }
    SECTION("a guard") {
        std::optional guard(asio::make_work_guard(strand));
        CHECK(settle_down(context));
        guard.reset();
        CHECK_FALSE(settle_down(context));
    }
}

TEST_CASE("a function of a fair strand that throws does not affect the others", "[fair_strand]") {
    asio::io_context context(1);
    const auto strand = strand_of(context);
    std::string log;
    for (int i = 0; i != 20; ++i)
        asio::post(strand, [&log, i] {
            log += static_cast<char>('a' + i);
            if (i % 5 == 0) throw std::runtime_error("on purpose");
        });
    CHECK(run_past_exceptions<std::runtime_error>(context) == 4);
    CHECK(log == "abcdefghijklmnopqrst");
}

TEST_CASE("a context destroys the functions of its fair strands that it has not run", "[fair_strand]") {
    const auto owned = std::make_shared<int>();
    std::string log;
    {
        asio::io_context context(1);
        // A function that keeps its own strand, one that posts when it is destroyed, and a coroutine that waits.
        struct PostsWhenDestroyed {
            asio::any_io_executor on;
            std::shared_ptr<int> owned;
            PostsWhenDestroyed(asio::any_io_executor executor, std::shared_ptr<int> what)
                : on(std::move(executor)), owned(std::move(what)) {}
            PostsWhenDestroyed(PostsWhenDestroyed &&) noexcept = default;
            ~PostsWhenDestroyed() {
                if (owned != nullptr) asio::post(on, [kept = owned] {});
            }
            void operator()() { owned.reset(); }
        };
        const asio::any_io_executor strand = strand_of(context);
        for (int i = 0; i != 20; ++i) asio::post(strand, [strand, owned] {});
        asio::post(strand, PostsWhenDestroyed(strand, owned));
        asio::co_spawn(strand, wait_until_cancelled(log, 'x'), [owned](std::exception_ptr) {});
        SECTION("before the first turn") {}
        SECTION("in between") { context.run_one(); }
        SECTION("all but the waiting coroutine have run") { context.poll(); }
        CHECK(owned.use_count() > 1);
    }
    CHECK(owned.use_count() == 1);
    CHECK(log.empty());
}

TEST_CASE("a post to a fair strand that finds no memory fails, and functions that were posted before still run",
          "[fair_strand][faults]") {
    if (!allocations_can_fail()) return;
    asio::io_context context(1);
    const auto strand = strand_of(context);
    std::string log;
    asio::post(strand, [&log] { log += 'a'; });
    std::size_t failures = 0;
    for (bool failed = true; failed; failures += failed ? 1 : 0) {
        FailingAllocation failing(failures);
        failed = false;
        try {
            strand.execute([&log] { log += 'b'; });
        } catch (const std::bad_alloc &) {
            failed = true;
        }
        failing.stop();
    }
    CHECK(failures > 0);
    asio::post(strand, [&log] { log += 'c'; });
    context.run();
    CHECK(log == "abc");
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
