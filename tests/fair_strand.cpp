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
#include <thread>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/defer.hpp>
#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/query.hpp>

#include <comoq/fair_strand.hpp>

#include "fair_strand_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"

namespace fair_strand_tests {

using namespace comoq;
using namespace comoq::test;

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
    note_two_rounds(context, log);
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

}
