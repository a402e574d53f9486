// Execution contexts that are destroyed while operations wait on them.
#include <comoq/detail/wait/wait_service.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>

#include <comoq/operation.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/received.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/seeded_executor.hpp"

namespace wait_service_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Starts a wait of each kind on `executor`. None of them may ever complete.
template <class Executor> void wait_in_every_way(const Executor &executor, const Gate<int> &gate, Received<int> &out) {
    gate.next().async_wait(asio::bind_executor(executor, keep(out)));
    gate.next().async_wait(asio::bind_executor(asio::any_io_executor(executor), keep(out)));
    gate.next().async_wait(asio::bind_executor(asio::make_strand(executor), keep(out)));
    asio::co_spawn(executor, receive(gate.next(), out), asio::detached);
    asio::co_spawn(executor, receive_tuple(gate.next(), out), asio::detached);
}

}  // namespace

TEST_CASE("section 2: a context destroyed with waiters left destroys them, and their requests are withdrawn",
          "[wait_service]") {
    Gate<int> gate;
    Received<int> received;
    std::weak_ptr<int> alive;
    SECTION("an io_context") {
        asio::io_context context;
        wait_in_every_way(context.get_executor(), gate, received);
        auto owned = std::make_shared<int>();
        alive = owned;
        gate.next().async_wait(asio::bind_executor(context, [own = std::move(owned)](std::error_code, int) {}));
        settle_down(context);
        CHECK(gate.steps() == 6);
    }
    SECTION("an io_context that never ran") {
        asio::io_context context;
        wait_in_every_way(context.get_executor(), gate, received);
    }
    SECTION("an io_context that was stopped, with resumptions queued") {
        asio::io_context context;
        wait_in_every_way(context.get_executor(), gate, received);
        settle_down(context);
        gate.put(1);
        context.stop();
        CHECK(gate.steal());
    }
    SECTION("a pool of threads") {
        asio::thread_pool pool(1);
        wait_in_every_way(pool.get_executor(), gate, received);
        pool.stop();
    }
    SECTION("a context of a user's own") {
        SeededContext context(1);
        gate.next().async_wait(asio::bind_executor(context.executor(), keep(received)));
        asio::co_spawn(asio::any_io_executor(context.executor()), receive(gate.next(), received), asio::detached);
        context.run();
        CHECK(gate.steps() == 2);
    }
    CHECK(gate.steps() == 0);
    CHECK(alive.expired());
    CHECK(received.times == 0);
    gate.put(1);
    CHECK(gate.held() == 1);
}

TEST_CASE("section 2: an item that was ready when its waiter's context was destroyed is still there", "[wait_service]") {
    Gate<int> gate;
    Received<int> received;
    {
        asio::io_context context;
        wait_in_every_way(context.get_executor(), gate, received);
        settle_down(context);
        gate.put(1);
        gate.put(2);
    }
    CHECK(gate.held() == 2);
    CHECK(gate.steps() == 0);
    CHECK(received.times == 0);
}

TEST_CASE("section 2: a wait whose context is gone ignores its cancellation signal", "[wait_service]") {
    asio::cancellation_signal signal;
    Gate<int> gate;
    Received<int> received;
    {
        asio::io_context context;
        gate.next().async_wait(
            asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(context, keep(received))));
    }
    signal.emit(asio::cancellation_type::terminal);
    CHECK(received.times == 0);
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: a handler destroyed with its context may complete others on it", "[wait_service]") {
    struct PutWhenGone {
        explicit PutWhenGone(Gate<int> where) : gate(std::move(where)) {}
        PutWhenGone(PutWhenGone &&other) noexcept : gate(other.gate), armed(std::exchange(other.armed, false)) {}
        ~PutWhenGone() {
            if (armed) {
                gate.put(1);
            }
        }
        void operator()(std::error_code, int) {}
        Gate<int> gate;
        bool armed = true;
    };
    Gate<int> never, others;
    Received<int> received;
    {
        asio::io_context context;
        wait_in_every_way(context.get_executor(), others, received);
        never.next().async_wait(asio::bind_executor(context, PutWhenGone(others)));
        wait_in_every_way(context.get_executor(), others, received);
        settle_down(context);
    }
    CHECK(received.times == 0);
    CHECK(others.held() == 1);
    CHECK(others.steps() == 0);
    CHECK(never.steps() == 0);
}

TEST_CASE("section 2: the end of a context waits for threads that are about to post to it", "[wait_service]") {
    auto context = std::make_unique<asio::io_context>();
    auto &service = asio::use_service<comoq::detail::WaitService>(*context);
    service.posting();
    std::atomic<bool> begun{false}, gone{false};
    std::thread destroyer([&] {
        begun.store(true);
        context.reset();
        gone.store(true);
    });
    while (!begun.load()) {
        std::this_thread::yield();
    }
    for (int i = 0; i < 2000; ++i) {
        std::this_thread::yield();
    }
    const bool too_early = gone.load();
    // A service that did not wait has been freed.
    if (!too_early) {
        service.posted();
    }
    destroyer.join();
    CHECK(!too_early);
}

TEST_CASE("section 2: a context may be destroyed while another thread completes its waiters", "[wait_service][stress]") {
    std::mt19937_64 random(seed("wait_service: destroy against put"));
    constexpr int rounds = 400;
    std::vector<Gate<int>> gates(rounds);
    std::atomic<int> allowed{0};
    std::thread writer([&] {
        for (int i = 0; i < rounds; ++i) {
            while (allowed.load(std::memory_order_acquire) <= i) {
                std::this_thread::yield();
            }
            gates[static_cast<std::size_t>(i)].put(1);
            gates[static_cast<std::size_t>(i)].put(2);
        }
    });
    Received<int> received;
    for (int i = 0; i < rounds; ++i) {
        const auto &gate = gates[static_cast<std::size_t>(i)];
        std::optional<asio::io_context> context(std::in_place);
        wait_in_every_way(context->get_executor(), gate, received);
        // Starts the coroutines; nothing exists that could end one.
        settle_down(*context);
        allowed.store(i + 1, std::memory_order_release);
        for (auto spin = random() % 400; spin != 0; --spin) {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        context.reset();
    }
    writer.join();
    CHECK(received.times == 0);
    for (const auto &gate : gates) {
        if (gate.held() != 2 || gate.steps() != 0) {
            FAIL("a wait that never ran took something, or is left");
        }
    }
}

TEST_CASE("a context's wait service: a thread that remembers one takes it for that context alone, and not for a later one in its place",
          "[wait_service]") {
    using detail::WaitService;
    const auto service_of = [](asio::execution_context &context) {
        WaitService &of = WaitService::of(context);
        REQUIRE(asio::has_service<WaitService>(context));
        CHECK(&of == &asio::use_service<WaitService>(context));
        return &of;
    };
    std::optional<asio::io_context> context(std::in_place);
    asio::io_context other;
    WaitService *const first = service_of(*context);
    CHECK(service_of(*context) == first);
    CHECK(service_of(other) != first);
    CHECK(service_of(*context) == first);
    for (int i = 0; i < 3; ++i) {
        context.emplace();
        service_of(*context);
        service_of(*context);
    }
    // Another thread ends the context that this one remembers.
    std::thread([&] {
        service_of(*context);
        context.emplace();
    }).join();
    service_of(*context);
}

}
