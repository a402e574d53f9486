// Asynchronous waits: their handlers' executors, allocators and cancellation slots, and when a handler runs.
#include <comoq/detail/wait/wait_operation.hpp>

#include <atomic>
#include <cstddef>
#include <future>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/bind_allocator.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/operation.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/received.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/seeded_executor.hpp"

namespace wait_operation_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

const std::error_code aborted = asio::error::operation_aborted;

/// An executor that runs everything inside the call and can promise nothing else.
struct InlineExecutor {
    std::atomic<int> *ran;

    template <class F> void execute(F function) const {
        ++*ran;
        std::move(function)();
    }
    bool operator==(const InlineExecutor &) const noexcept = default;
};

/// Counts the allocations through it, for all its copies.
struct Tally {
    std::size_t made = 0;
    std::size_t live = 0;
};

template <class T = void> struct TallyAllocator {
    using value_type = T;

    explicit TallyAllocator(Tally &to) noexcept : tally(&to) {}
    template <class U> TallyAllocator(const TallyAllocator<U> &other) noexcept : tally(other.tally) {}
    T *allocate(std::size_t n) {
        ++tally->made;
        ++tally->live;
        return static_cast<T *>(::operator new(n * sizeof(T), std::align_val_t(alignof(T))));
    }
    void deallocate(T *memory, std::size_t) noexcept {
        --tally->live;
        ::operator delete(memory, std::align_val_t(alignof(T)));
    }
    template <class U> bool operator==(const TallyAllocator<U> &other) const noexcept { return tally == other.tally; }

    Tally *tally;
};

/// A handler that names its executor, allocator and slot itself.
struct NamedHandler {
    using executor_type = asio::io_context::executor_type;
    using allocator_type = TallyAllocator<>;
    using cancellation_slot_type = asio::cancellation_slot;

    executor_type get_executor() const noexcept { return executor; }
    allocator_type get_allocator() const noexcept { return TallyAllocator<>(*tally); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
    void operator()(std::error_code code, int value) {
        *live_in_handler = tally->live;
        received->set(code, value);
    }

    executor_type executor;
    Tally *tally;
    asio::cancellation_slot slot;
    Received<int> *received;
    std::size_t *live_in_handler;
};

}  // namespace

TEST_CASE("section 2: a handler never runs inside the completing call", "[wait_operation]") {
    asio::io_context context;
    Gate<int> gate;
    Received<int> received, awaited;
    std::optional<std::size_t> inside;
    SECTION("made before") {
        gate.next().async_wait(asio::bind_executor(context, keep(received)));
        asio::co_spawn(context, receive(gate.next(), awaited), asio::detached);
        settle_down(context);
        run_inside(context, [&] {
            gate.put(1);
            gate.put(2);
            inside = static_cast<std::size_t>(received.times + awaited.times);
        });
    }
    SECTION("async_wait itself is such a call") {
        gate.put(1);
        gate.put(2);
        asio::co_spawn(context, receive(gate.next(), awaited), asio::detached);
        run_inside(context, [&] {
            gate.next().async_wait(asio::bind_executor(context, keep(received)));
            inside = static_cast<std::size_t>(received.times);
        });
    }
    CHECK(inside == 0U);
    settle_down(context);
    CHECK(received.ok());
    CHECK(awaited.ok());
}

TEST_CASE("section 2: a handler never runs with a lock held", "[wait_operation]") {
    // The handler uses the object that completed it. With an executor that runs everything at once a lock would still
    // be held.
    std::atomic<int> ran{0};
    std::promise<int> done;
    auto value = done.get_future();
    Gate<int> gate;
    gate.next().async_wait(asio::bind_executor(InlineExecutor{&ran}, [&](std::error_code, int first) {
        gate.put(first + 1);
        done.set_value(first + static_cast<int>(gate.held()));
    }));
    gate.put(5);
    CHECK(value.get() == 6);
}

TEST_CASE("section 2: an executor that cannot promise to post is reached through the system executor",
          "[wait_operation]") {
    std::atomic<int> ran{0};
    std::promise<std::thread::id> done;
    auto where = done.get_future();
    Gate<int> gate;
    const bool there = GENERATE(true, false);
    if (there) {
        gate.put(1);
    }
    gate.next().async_wait(asio::bind_executor(
        InlineExecutor{&ran}, [&](std::error_code, int) { done.set_value(std::this_thread::get_id()); }));
    if (!there) {
        gate.put(1);
    }
    CHECK(where.get() != std::this_thread::get_id());
    CHECK(ran == 1);
}

TEST_CASE("section 2: a handler's own executor, allocator and cancellation slot are used", "[wait_operation]") {
    asio::io_context context;
    asio::cancellation_signal signal;
    Gate<int> gate;
    Tally tally;
    Received<int> received;
    std::size_t live_in_handler = 99;
    gate.next().async_wait(
        NamedHandler{context.get_executor(), &tally, signal.slot(), &received, &live_in_handler});
    CHECK(tally.made == 1);
    CHECK(settle_down(context));
    SECTION("completed") {
        gate.put(3);
        settle_down(context);
        CHECK(received.value == 3);
    }
    SECTION("cancelled") {
        signal.emit(asio::cancellation_type::terminal);
        CHECK(received.times == 0);
        settle_down(context);
        CHECK(received.failed(aborted));
    }
    CHECK(received.times == 1);
    // The wait's own memory, and its place in the executor's queue.
    CHECK(tally.made >= 2);
    // asio's rule: free again before the handler runs.
    CHECK(live_in_handler == 0);
    CHECK(tally.live == 0);
}

TEST_CASE("section 2: an allocator bound to a handler is used", "[wait_operation]") {
    asio::io_context context;
    Gate<int> gate;
    Tally tally;
    Received<int> received;
    gate.next().async_wait(
        asio::bind_allocator(TallyAllocator<>(tally), asio::bind_executor(context, keep(received))));
    CHECK(tally.made == 1);
    gate.put(3);
    CHECK(tally.made >= 2);
    settle_down(context);
    CHECK(tally.live == 0);
    CHECK(received.ok());
}

TEST_CASE("section 2: a step takes its item when it is resumed, and waits again if another step was faster", "[wait_operation]") {
    asio::io_context context;
    Gate<int> gate;
    Received<int> received, awaited;
    gate.next().async_wait(asio::bind_executor(context, keep(received)));
    asio::co_spawn(context, receive(gate.next(), awaited), asio::detached);
    CHECK(settle_down(context));
    gate.put(1);
    CHECK(gate.held() == 1);
    CHECK(gate.steal());
    CHECK(settle_down(context));
    CHECK((received.times == 0 && awaited.times == 0));
    gate.put(2);
    gate.put(3);
    CHECK_FALSE(settle_down(context));
    CHECK(received.value + awaited.value == 5);
}

TEST_CASE("section 2: operations settle in whatever order a seeded executor resumes them", "[wait_operation][stress]") {
    SeededContext context(seed("wait_operation: resume order"));
    Gate<int> gate;
    constexpr int readers = 50;
    std::vector<Received<int>> received(readers);
    for (auto &one : received) {
        asio::co_spawn(asio::any_io_executor(context.executor()), receive(gate.next(), one), asio::detached);
    }
    context.run();
    for (int i = 0; i < readers; ++i) {
        gate.put(i);
        context.run_one();
    }
    context.run();
    int sum = 0;
    for (const auto &one : received) {
        CHECK(one.ok());
        sum += one.value;
    }
    CHECK(sum == readers * (readers - 1) / 2);
    CHECK(gate.held() == 0);
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: a suspended wait allocates nothing once warm", "[wait_operation][allocations]") {
    asio::io_context context;
    Gate<int> gate;
    std::size_t made = 99;
    int sum = 0;
    // Both ends run on the context's thread, which has asio's memory to recycle.
    const auto read = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 220; ++i) {
            sum += co_await gate.next();
        }
    };
    const auto write = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 100; ++i) {
            gate.put(1);
            co_await asio::post(asio::use_awaitable);
        }
        const AllocationCount count;
        for (int i = 0; i < 100; ++i) {
            gate.put(1);
            co_await asio::post(asio::use_awaitable);
        }
        made = count.made();
        for (int i = 0; i < 20; ++i) {
            gate.put(1);
        }
    };
    asio::co_spawn(context, read(), asio::detached);
    asio::co_spawn(context, write(), asio::detached);
    CHECK_FALSE(settle_down(context));
    CHECK(sum == 220);
    // The gate's own queue allocates a block now and then.
    CHECK(made < 50);
}

TEST_CASE("section 2: waits from several threads are each settled once", "[wait_operation][stress]") {
    asio::thread_pool pool(3);
    Gate<int> gate;
    constexpr int readers = 8, each = 250;
    std::atomic<int> sum{0};
    const auto read = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < each; ++i) {
            const int value = co_await gate.next();
            sum += value;
        }
    };
    for (int i = 0; i < readers; ++i) {
        asio::co_spawn(pool, read(), asio::detached);
    }
    std::thread other([&] {
        for (int i = 0; i < readers * each / 2; ++i) {
            gate.put(1);
        }
    });
    for (int i = 0; i < readers * each / 2; ++i) {
        gate.put(1);
    }
    other.join();
    pool.join();
    CHECK(sum == readers * each);
    CHECK(gate.held() == 0);
    CHECK(gate.steps() == 0);
}

}
