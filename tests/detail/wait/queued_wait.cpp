// Waits that are woken together are queued together, and no handler notices.
#include <comoq/detail/wait/queued_wait.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <latch>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>

#include <comoq/detail/wait/step.hpp>
#include <comoq/fair_strand.hpp>
#include <comoq/operation.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/seeded_executor.hpp"

namespace queued_wait_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// An event that all waiters get at once, and that can be taken away again.
class Bell {
    struct State {
        detail::Mutex mutex;
        detail::WaitList waits;
        bool rung = false;
    };
    struct Rule {
        using value_type = void;
        std::shared_ptr<State> state;
        detail::Mutex &mutex() const noexcept { return state->mutex; }
        detail::WaitList &waits() const noexcept { return state->waits; }
        bool available() const noexcept { return state->rung; }
        detail::Outcome<void> take() { return {}; }
    };

public:
    Operation<void> heard() const { return Operation<void>(detail::Passkey(), detail::Step(Rule{state_})); }
    void ring() const {
        detail::WakeList wake;
        detail::Lock lock(state_->mutex);
        state_->rung = true;
        wake.take(state_->waits);
    }
    void silence() const {
        detail::Lock lock(state_->mutex);
        state_->rung = false;
    }
    /// Operations that are neither over nor destroyed.
    long waits() const { return state_.use_count() - 1; }

private:
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

std::vector<int> counted(int count) {
    std::vector<int> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

/// `count` waits on `executor`, which note their numbers as their turns come.
template <class Executor> void wait(const Bell &bell, int count, const Executor &executor, std::vector<int> &heard) {
    for (int i = 0; i < count; ++i)
        bell.heard().async_wait(asio::bind_executor(executor, [i, &heard](std::error_code) { heard.push_back(i); }));
}

}  // namespace

TEST_CASE("section 2: many waits on one executor are queued in a few posts, at least eight and of at most 64",
          "[queued_wait]") {
    const auto [waits, posts] = GENERATE(std::pair(1, 1), std::pair(7, 7), std::pair(8, 8), std::pair(15, 15),
                                         std::pair(16, 8), std::pair(100, 9), std::pair(512, 8), std::pair(1000, 16));
    asio::io_context context;
    Bell bell;
    std::vector<int> heard;
    const bool any = GENERATE(false, true);
    if (any)
        wait(bell, waits, asio::any_io_executor(context.get_executor()), heard);
    else
        wait(bell, waits, context.get_executor(), heard);
    bell.ring();
    int ran = 0;
    while (context.poll_one() != 0) ++ran;
    CHECK(ran == posts);
    CHECK(heard == counted(waits));
    CHECK(bell.waits() == 0);
}

TEST_CASE("section 2: waits on an executor that may run them side by side are each queued alone", "[queued_wait]") {
    Bell bell;
    SECTION("a user's own executor") {
        SeededContext context(1);
        std::vector<int> heard;
        wait(bell, 100, asio::any_io_executor(context.executor()), heard);
        wait(bell, 100, context.executor(), heard);
        bell.ring();
        CHECK(context.added() == 200);
        context.run();
        CHECK(heard.size() == 200);
    }
    SECTION("a thread pool, where they block for one another") {
        constexpr int threads = 16;
        asio::thread_pool pool(threads);
        std::latch all(threads);
        for (int i = 0; i < threads; ++i) {
            const auto meet = [&all](std::error_code) { all.arrive_and_wait(); };
            if (i % 2 == 0)
                bell.heard().async_wait(asio::bind_executor(pool, meet));
            else
                bell.heard().async_wait(asio::bind_executor(asio::any_io_executor(pool.get_executor()), meet));
        }
        bell.ring();
        pool.join();
    }
    CHECK(bell.waits() == 0);
}

TEST_CASE("section 2: a wait that begins while its context is being destroyed is destroyed with it", "[queued_wait]") {
    Bell bell, other;
    auto context = std::make_unique<asio::io_context>();
    struct WaitsWhenDestroyed {
        const Bell *on;
        asio::io_context *context;
        std::shared_ptr<int> once = std::make_shared<int>();
        ~WaitsWhenDestroyed() {
            if (once.use_count() == 1) on->heard().async_wait(asio::bind_executor(*context, [](std::error_code) {}));
        }
        void operator()(std::error_code) const {}
        WaitsWhenDestroyed(const Bell &where, asio::io_context &on_context) : on(&where), context(&on_context) {}
        WaitsWhenDestroyed(const WaitsWhenDestroyed &) = default;
    };
    bell.heard().async_wait(asio::bind_executor(*context, WaitsWhenDestroyed(other, *context)));
    CHECK(other.waits() == 0);
    context.reset();
    CHECK(bell.waits() == 0);
    CHECK(other.waits() == 0);
    other.ring();
}

TEST_CASE("section 2: waits on one thread's executor get their turns in the order in which they began", "[queued_wait]") {
    asio::io_context context;
    Bell bell;
    std::vector<int> heard;
    SECTION("an io_context") { wait(bell, 300, context.get_executor(), heard); }
    SECTION("any executor") { wait(bell, 300, asio::any_io_executor(context.get_executor()), heard); }
    SECTION("a strand") { wait(bell, 300, asio::make_strand(context), heard); }
    SECTION("a fair strand") { wait(bell, 300, FairStrand(context.get_executor()), heard); }
    SECTION("any executor, a fair strand") { wait(bell, 300, asio::any_io_executor(FairStrand(context.get_executor())), heard); }
    bell.ring();
    CHECK(heard.empty());
    context.run();
    CHECK(heard == counted(300));
}

TEST_CASE("section 2: each of the waits that are woken together runs on its own executor", "[queued_wait]") {
    asio::io_context one, two;
    auto strand = asio::make_strand(one);
    Bell bell;
    std::vector<int> on_one, on_two, on_strand;
    for (int i = 0; i < 40; ++i) {
        wait(bell, 1, asio::any_io_executor(one.get_executor()), on_one);
        wait(bell, 2, asio::any_io_executor(two.get_executor()), on_two);
        bell.heard().async_wait(asio::bind_executor(asio::any_io_executor(strand), [&](std::error_code) {
            on_strand.push_back(strand.running_in_this_thread() ? 1 : 0);
        }));
    }
    bell.ring();
    two.run();
    CHECK(on_two.size() == 80);
    CHECK(on_one.empty());
    one.run();
    CHECK(on_one.size() == 40);
    CHECK(on_strand == std::vector<int>(40, 1));
}

TEST_CASE("section 2: a handler that throws does not cost another one its turn", "[queued_wait]") {
    asio::io_context context;
    Bell bell;
    std::vector<int> heard;
    for (int i = 0; i < 100; ++i) {
        bell.heard().async_wait(asio::bind_executor(context, [i, &heard](std::error_code) {
            heard.push_back(i);
            if (i % 10 == 3) throw std::runtime_error("on purpose");
        }));
    }
    bell.ring();
    CHECK(run_past_exceptions<std::runtime_error>(context) == 10);
    std::sort(heard.begin(), heard.end());
    CHECK(heard == counted(100));
    CHECK(bell.waits() == 0);
}

TEST_CASE("section 2: of waits that are queued together, one that is cancelled is cancelled alone", "[queued_wait]") {
    asio::io_context context;
    Bell bell;
    std::vector<asio::cancellation_signal> signals(64);
    std::vector<std::error_code> codes(64);
    std::size_t ended = 0;
    for (std::size_t i = 0; i < signals.size(); ++i) {
        const auto end = [&, i](std::error_code code) {
            codes[i] = code;
            ++ended;
            // From within the turn of another wait of the same post: the second is cancelled after it has had its turn.
            if (i == 8) signals[9].emit(asio::cancellation_type::all);
            if (i == 20) signals[19].emit(asio::cancellation_type::all);
        };
        bell.heard().async_wait(asio::bind_cancellation_slot(signals[i].slot(), asio::bind_executor(context, end)));
    }
    bell.ring();
    signals[2].emit(asio::cancellation_type::all);
    context.run();
    CHECK(ended == 64);
    for (std::size_t i = 0; i < codes.size(); ++i) {
        INFO(i);
        CHECK((codes[i] == asio::error::operation_aborted) == (i == 2 || i == 9));
    }
    CHECK(bell.waits() == 0);
}

TEST_CASE("section 2: a wait whose item is gone when its turn comes waits again, whichever waits are queued behind it",
          "[queued_wait]") {
    asio::io_context context;
    Bell bell;
    std::vector<int> heard;
    wait(bell, 100, context.get_executor(), heard);
    bell.ring();
    bell.silence();
    context.poll();
    CHECK(heard.empty());
    CHECK(bell.waits() == 100);
    bell.ring();
    context.run();
    CHECK(heard == counted(100));
}

TEST_CASE("section 2: a context that is destroyed with waits queued together destroys them all", "[queued_wait]") {
    Bell bell;
    std::vector<int> heard;
    auto owned = std::make_shared<int>();
    auto context = std::make_unique<asio::io_context>();
    wait(bell, 50, context->get_executor(), heard);
    wait(bell, 50, asio::make_strand(*context), heard);
    wait(bell, 50, asio::any_io_executor(asio::make_strand(*context)), heard);
    wait(bell, 50, FairStrand(context->get_executor()), heard);
    wait(bell, 50, asio::any_io_executor(FairStrand(context->get_executor())), heard);
    bell.heard().async_wait(asio::bind_executor(*context, [owned](std::error_code) {}));
    SECTION("queued") { bell.ring(); }
    SECTION("one handler has run") {
        bell.ring();
        context->run_one();
        heard.clear();
    }
    SECTION("waiting") {}
    context.reset();
    CHECK(heard.empty());
    CHECK(bell.waits() == 0);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("section 2: threads that run one context share the waits that were woken together", "[queued_wait][stress]") {
    constexpr int rounds = 200, waits = 64;
    asio::thread_pool pool(2);
    for (int round = 0; round < rounds; ++round) {
        Bell bell;
        std::atomic<int> heard{0};
        for (int i = 0; i < waits; ++i)
            bell.heard().async_wait(asio::bind_executor(pool, [&heard](std::error_code) { ++heard; }));
        std::thread ringer([&] { bell.ring(); });
        ringer.join();
        while (heard.load() != waits) std::this_thread::yield();
        CHECK(heard == waits);
    }
    pool.join();
}

TEST_CASE("section 2: waking waiters on an io_context takes nothing from the heap, on any thread", "[queued_wait]") {
    asio::io_context context;
    Bell bell;
    std::vector<int> heard;
    heard.reserve(1000);
    wait(bell, 1000, context.get_executor(), heard);
    const AllocationCount made;
    bell.ring();
    CHECK(made.made() == 0);
    context.run();
    CHECK(heard.size() == 1000);
}

}
