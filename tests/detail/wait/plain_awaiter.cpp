// Coroutines that have no executor: when and where they are resumed, and what happens when they are destroyed.
#include <comoq/detail/wait/plain_awaiter.hpp>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/origin_fixture.hpp"
#include "support/plain_task.hpp"
#include "support/received.hpp"
#include "support/seed.hpp"

namespace plain_awaiter_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

PlainTask relay(Gate<int> from, Gate<int> to, int times) {
    for (int i = 0; i < times; ++i) {
        const int value = co_await from.next();
        to.put(value + 1);
    }
}

/// Runs `then` when `operation` is over, whatever its outcome.
template <class Op, class Then> PlainTask after(Op operation, Then then) {
    auto outcome = co_await std::move(operation).as_tuple();
    static_cast<void>(outcome);
    then();
}

/// A coroutine that outlives every wait: counts how often it is resumed.
class Sleeper {
public:
    Sleeper() : task_(sleep(*this)) {}
    std::coroutine_handle<> handle() const { return handle_; }
    int resumed() const { return resumed_.load(std::memory_order_acquire); }

private:
    struct Sleep {
        Sleeper &self;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) const noexcept { self.handle_ = handle; }
        void await_resume() const noexcept {}
    };
    static PlainTask sleep(Sleeper &self) {
        for (;;) {
            co_await Sleep{self};
            self.resumed_.fetch_add(1, std::memory_order_acq_rel);
        }
    }
    std::coroutine_handle<> handle_;
    std::atomic<int> resumed_{0};
    PlainTask task_;
};

}  // namespace

TEST_CASE("section 2: a coroutine without an executor is resumed by the completing thread, before the call returns",
          "[plain_awaiter]") {
    Gate<int> gate;
    std::thread::id where;
    const auto task = after(gate.next(), [&] { where = std::this_thread::get_id(); });
    std::thread::id other;
    bool done = false;
    std::thread([&] {
        other = std::this_thread::get_id();
        gate.put(1);
        done = task.done();
    }).join();
    CHECK(done);
    CHECK(where == other);
}

TEST_CASE("section 2: a resumption is never nested inside another, however long the chain", "[plain_awaiter]") {
    constexpr int long_chain = 100000;
    SECTION("two that resume each other in turn") {
        Gate<int> there, back;
        const auto one = relay(there, back, long_chain);
        const auto two = relay(back, there, long_chain);
        there.put(0);
        CHECK((one.done() && two.done()));
        CHECK(there.held() == 1);
    }
    SECTION("many in a row") {
        std::vector<Gate<int>> gates(long_chain + 1);
        std::vector<PlainTask> tasks;
        tasks.reserve(long_chain);
        for (std::size_t i = 0; i < long_chain; ++i) {
            tasks.push_back(relay(gates[i], gates[i + 1], 1));
        }
        gates[0].put(0);
        CHECK(gates[long_chain].held() == 1);
        CHECK(tasks.back().done());
    }
    SECTION("none runs inside another") {
        Gate<int> first, second, third;
        int depth = 0, deepest = 0;
        std::vector<int> order;
        const auto enter = [&](int who) {
            deepest = std::max(deepest, ++depth);
            order.push_back(who);
        };
        const auto a = after(first.next(), [&] {
            enter(1);
            second.put(1);
            third.put(1);
            --depth;
        });
        const auto b = after(second.next(), [&] {
            enter(2);
            --depth;
        });
        const auto c = after(third.next(), [&] {
            enter(3);
            --depth;
        });
        first.put(1);
        CHECK(deepest == 1);
        CHECK(order == std::vector<int>{1, 2, 3});
        CHECK((a.done() && b.done() && c.done()));
    }
}

TEST_CASE("section 2: a coroutine without an executor is resumed when no lock is held", "[plain_awaiter]") {
    // Each of these would deadlock, or lock in the wrong order.
    Origin origin;
    auto producer = origin.producer();
    auto consumer = origin.consumer();
    auto watcher = consumer.announced();
    std::size_t announced = 0;
    bool seen = false;
    const auto task = after(watcher.next(), [&] {
        announced = origin.stats().announced;
        auto again = producer.create_broadcast("b");
        static_cast<void>(again.producer().create_track("t"));
        seen = consumer.request_broadcast("a").ready();
    });
    const auto guard = producer.create_broadcast("a");
    CHECK(announced == 1);
    CHECK(seen);
}

TEST_CASE("section 2: a plain coroutine that is destroyed while suspended withdraws its request", "[plain_awaiter]") {
    Gate<int> gate;
    Received<int> received;
    auto task = receive_plainly(gate.next(), received);
    CHECK(gate.steps() == 1);
    CHECK(gate.awaited());
    task.destroy();
    CHECK(gate.steps() == 0);
    CHECK_FALSE(gate.awaited());
    gate.put(1);
    CHECK(gate.held() == 1);
    CHECK(received.times == 0);
}

TEST_CASE("section 2: a resumption that is due is revoked with its coroutine, and gives its item back",
          "[plain_awaiter]") {
    Gate<int> first, second, third;
    Received<int> never;
    auto victim = receive_plainly(second.next(), never);
    auto late = receive_plainly(third.next(), never);
    const auto killer = after(first.next(), [&] {
        // Both become due behind this coroutine; one goes while it is due, and one before.
        second.put(1);
        victim.destroy();
        late.destroy();
        third.put(1);
    });
    first.put(1);
    CHECK(killer.done());
    CHECK(never.times == 0);
    CHECK(second.held() == 1);
    CHECK(third.held() == 1);
    CHECK((second.steps() == 0 && third.steps() == 0));
}

TEST_CASE("section 2: of two coroutines that one call makes due, the first may destroy the second", "[plain_awaiter]") {
    Gate<int> gate;
    Received<int> never;
    PlainTask victim;
    const auto killer = after(gate.next(), [&] { victim.destroy(); });
    victim = receive_plainly(gate.next(), never);
    {
        ::comoq::detail::ResumeScope scope;
        gate.put(1);
        gate.put(2);
    }
    CHECK(killer.done());
    CHECK(never.times == 0);
    CHECK(gate.held() == 1);
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: a plain coroutine whose item somebody else took waits again", "[plain_awaiter]") {
    Gate<int> gate;
    Received<int> received, other;
    const auto task = receive_plainly(gate.next(), received);
    {
        ::comoq::detail::ResumeScope scope;
        gate.put(1);
        CHECK(gate.steal());
    }
    CHECK_FALSE(task.done());
    CHECK(gate.awaited());
    const auto second = receive_plainly(gate.next(), other);
    gate.put(2);
    CHECK(task.done());
    CHECK_FALSE(second.done());
    gate.put(3);
    CHECK(second.done());
    CHECK((received.value == 2 && other.value == 3));
}

TEST_CASE("section 2: a plain coroutine may be destroyed by the very resumption", "[plain_awaiter]") {
    Gate<int> gate;
    // The coroutine never ends: it destroys itself in its last suspension.
    struct GiveUp {
        void await_suspend(std::coroutine_handle<> handle) const noexcept { handle.destroy(); }
        bool await_ready() const noexcept { return false; }
        void await_resume() const noexcept {}
    };
    struct Detached {
        struct promise_type {
            Detached get_return_object() const noexcept { return {}; }
            std::suspend_never initial_suspend() const noexcept { return {}; }
            std::suspend_never final_suspend() const noexcept { return {}; }
            void return_void() const noexcept {}
            void unhandled_exception() const noexcept { std::terminate(); }
        };
    };
    int values = 0;
    const auto read = [](Gate<int> from, int &sum) -> Detached {
        const int value = co_await from.next();
        sum += value;
        co_await GiveUp();
    };
    read(gate, values);
    gate.put(4);
    CHECK(values == 4);
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: a loop over ready operations in a plain coroutine never suspends", "[plain_awaiter]") {
    Gate<int> gate;
    for (int i = 0; i < 10000; ++i) {
        gate.put(1);
    }
    int sum = 0;
    const auto read = [](Gate<int> from, int &into) -> PlainTask {
        for (int i = 0; i < 10000; ++i) {
            into += co_await from.next();
        }
    };
    const auto task = read(gate, sum);
    CHECK(task.done());
    CHECK(sum == 10000);
}

TEST_CASE("section 2: a plain wait may be destroyed while another thread completes it", "[plain_awaiter][stress]") {
    std::mt19937_64 random(seed("plain_awaiter: destroy against put"));
    constexpr int rounds = 3000;
    std::vector<Gate<int>> gates(rounds);
    std::atomic<int> allowed{0}, finished{0};
    std::thread writer([&] {
        for (int i = 0; i < rounds; ++i) {
            while (allowed.load(std::memory_order_acquire) <= i) {
                std::this_thread::yield();
            }
            gates[static_cast<std::size_t>(i)].put(1);
            finished.store(i + 1, std::memory_order_release);
        }
    });
    int resumed = 0;
    for (int i = 0; i < rounds; ++i) {
        const auto &gate = gates[static_cast<std::size_t>(i)];
        // The resumed coroutine is not the owner of the awaiter, as in a task type that returns to a scheduler: so
        // destroying the awaiter at the very moment of the resumption is correct.
        Sleeper sleeper;
        {
            auto awaiter = gate.next().operator co_await();
            if (awaiter.await_ready() || !awaiter.await_suspend(sleeper.handle())) {
                FAIL("nothing was there");
            }
            allowed.store(i + 1, std::memory_order_release);
            for (auto spin = random() % 400; spin != 0; --spin) {
                std::atomic_signal_fence(std::memory_order_seq_cst);
            }
        }
        while (finished.load(std::memory_order_acquire) <= i) {
            std::this_thread::yield();
        }
        const int runs = sleeper.resumed();
        resumed += runs;
        if (runs > 1 || gate.held() != static_cast<std::size_t>(1 - runs) || gate.steps() != 0) {
            FAIL("resumed " << runs << " times, and " << gate.held() << " left");
        }
    }
    writer.join();
    INFO("resumed " << resumed << " of " << rounds);
    CHECK(resumed <= rounds);
}

TEST_CASE("section 2: plain waits that several threads complete are each resumed once", "[plain_awaiter][stress]") {
    constexpr int items = 6000;
    Gate<int> gate;
    std::atomic<int> sum{0};
    std::vector<PlainTask> readers;
    const auto read = [](Gate<int> from, std::atomic<int> &into) -> PlainTask {
        for (int i = 0; i < items / 6; ++i) {
            const int value = co_await from.next();
            into += value;
        }
    };
    for (int i = 0; i < 6; ++i) {
        readers.push_back(read(gate, sum));
    }
    const auto write = [&] {
        for (int i = 0; i < items / 3; ++i) {
            gate.put(1);
        }
    };
    std::thread one(write), two(write);
    write();
    one.join();
    two.join();
    for (const auto &reader : readers) {
        CHECK(reader.done());
    }
    CHECK(sum == items);
    CHECK(gate.held() == 0);
}

}
