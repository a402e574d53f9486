// A task group that is disturbed at any step, and one without memory.

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/detail/wait/frame_turn.hpp>
#include <comoq/error.hpp>
#include <comoq/task_group.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"
#include "task_group_scene.hpp"

namespace task_group_faults_tests {

using namespace comoq;
using namespace comoq::test;
using namespace task_group_tests;

namespace {

/// Groups within groups, with tasks that wait for all kinds of events and take their time to end.
class Family {
public:
    explicit Family(bool with_timers) : with_timers_(with_timers) {}
    std::optional<asio::io_context> context{std::in_place};

    asio::awaitable<void> work() {
        return with_task_group([this](TaskGroup &group) { return outer(group); });
    }
    void leave() {}
    void check_end() { CHECK(present_ == 0); }

private:
    asio::awaitable<void> outer(TaskGroup &group) {
        const Presence here(present_);
        group.spawn(take_one(gate_, present_));
        group.spawn(inner_group());
        co_await turns(2);
        group.spawn(end_slowly(present_, with_timers_));
        group.spawn(turns(5));
        gate_.put(1);
        group.spawn(inner_group(), [](const std::exception_ptr &) {});
        co_await turns(4);
        group.cancel();
    }
    asio::awaitable<void> inner_group() {
        const Presence here(present_);
        co_await with_task_group([this](TaskGroup &group) { return inner(group); });
    }
    asio::awaitable<void> inner(TaskGroup &group) {
        const Presence here(present_);
        group.spawn(sleep_long(present_, with_timers_));
        co_await turns(1);
        group.spawn(end_slowly(present_, with_timers_));
        co_await sleep_long(present_, with_timers_);
    }

    const bool with_timers_;
    int present_ = 0;
    Gate<int> gate_;
};

/// A wait whose signal finds no memory while there is none.
struct Refusing {
    int &signals;
    template <class Handler> void operator()(Handler handler) const {
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto shared = std::make_shared<Handler>(std::move(handler));
        slot.assign([&signals = signals, shared](asio::cancellation_type_t) {
            ++signals;
            const auto needed = std::make_unique<int>(0);
            const auto executor = asio::get_associated_executor(*shared);
            asio::post(executor, [shared] { (*shared)(asio::error::make_error_code(asio::error::operation_aborted)); });
        });
    }
};

asio::awaitable<void> refuse_signals(int &present, int &signals) {
    const Presence here(present);
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::error_code)>(Refusing{signals}, asio::use_awaitable);
}

}  // namespace

TEST_CASE("task group: when it is cancelled at any step, its waiter is told, and no task is left", "[task_group][faults]") {
    CHECK(cancel_at_every_step<Family>(true, true) > 20);
}

TEST_CASE("task group: if any one allocation fails, no task is left and nobody waits", "[task_group][faults]") {
    const auto points = fail_every_allocation<Family>(false);
    CHECK((points > 50 || !allocations_can_fail()));
}

TEST_CASE("task group: its context may be destroyed at any point", "[task_group][faults]") {
    CHECK(destroy_at_every_point<Family>(true) > 20);
}

TEST_CASE("task group: a task that cannot be spawned for want of memory has not begun, and the others go on",
          "[task_group][faults]") {
    if (!allocations_can_fail()) return;
    for (std::size_t point = 0;; ++point) {
        INFO("at allocation " << point);
        Scene scene;
        bool failed = false, refused = false;
        int ran = 0;
        auto once = [&ran]() -> asio::awaitable<void> {
            ++ran;
            co_return;
        };
        CHECK(scene.outcome_of([&](TaskGroup &group) -> asio::awaitable<void> {
            group.spawn(take_one(scene.gate, scene.present));
            auto work = once();
            {
                FailingAllocation failing(point);
                try {
                    group.spawn(std::move(work));
                } catch (const std::bad_alloc &) {
                    refused = true;
                }
                failed = failing.stop();
            }
            co_await turns(2);
            CHECK(group.size() == 2);
            CHECK(scene.present == 1);
            scene.gate.put(1);
        }) == "well");
        CHECK(ran == (refused ? 0 : 1));
        if (!failed) break;
    }
}

TEST_CASE("task group: a cancellation that finds no memory comes later, also if nothing else ends", "[task_group][faults]") {
    if (!allocations_can_fail()) return;
    for (const int tasks : {1, 3}) {
        for (int point = 0;; ++point) {
            INFO("at allocation " << point << " of " << tasks << " tasks");
            asio::io_context context;
            int present = 0, signals = 0;
            TaskGroup group(context.get_executor());
            for (int i = 0; i < tasks; ++i) group.spawn(refuse_signals(present, signals));
            settle_down(context);
            REQUIRE(present == tasks);
            FailingAllocation failing(static_cast<std::size_t>(point));
            group.cancel();
            const bool failed = failing.stop();
            settle_down(context);
            CHECK(signals == tasks + (failed ? 1 : 0));
            CHECK(present == 0);
            CHECK(group.empty());
            if (failed) continue;
            CHECK(point >= tasks);
            break;
        }
    }
}

TEST_CASE("task group: without memory for a long time, others have their turn between two attempts to cancel or to wait",
          "[task_group][faults]") {
    if (!allocations_can_fail()) return;
    asio::io_context context;
    int present = 0, signals = 0;
    TaskGroup group(context.get_executor());
    group.spawn(refuse_signals(present, signals));
    Disturbed joining;
    auto join = [&]() -> asio::awaitable<void> { co_await group.join(); };
    joining.start(context, join());
    std::optional<NoMemory> none;
    int turns_of_others = 0;
    auto others = [&]() -> asio::awaitable<void> {
        none.emplace();
        for (detail::FrameTurn turn; turns_of_others != 100; ++turns_of_others) {
            if (turns_of_others == 50) group.cancel();
            co_await turn.take();
        }
        none.reset();
    };
    asio::co_spawn(context, others(), asio::detached);
    settle_down(context);
    CHECK(signals > 25);
    CHECK(signals <= 52);
    CHECK(present == 0);
    CHECK(joining.is_over());
}

TEST_CASE("task group: a cancellation in turns lets others run between the tasks", "[task_group]") {
    asio::io_context context(1);
    constexpr int most = 100;
    int present = 0;
    std::vector<int> left;
    {
        TaskGroup group(context.get_executor());
        for (int i = 0; i != most; ++i) group.spawn(sleep_long(present, false));
        settle_down(context);
        REQUIRE(present == most);
        SECTION("on its own") {}
        SECTION("with tasks that end meanwhile") {
            for (int i = 0; i != most; ++i) group.spawn(turns(1));
        }
        group.cancel_in_turns();
        CHECK(group.is_cancelled());
        const auto look = [&](const auto &self) -> void {
            left.push_back(present);
            if (present != 0) asio::post(context, [&self] { self(self); });
        };
        asio::post(context, [&look] { look(look); });
        context.restart();
        context.run();
        CHECK(group.empty());
    }
    CHECK(left.back() == 0);
    // Nobody waits for more than 32 tasks that are cancelled, and as many that end.
    for (std::size_t i = 1; i < left.size(); ++i) CHECK(left[i - 1] - left[i] <= 64);
    CHECK(left.size() >= 4);
}

TEST_CASE("task group: a cancellation in turns becomes one of all when the group is cancelled again", "[task_group]") {
    asio::io_context context(1);
    int present = 0;
    TaskGroup group(context.get_executor());
    for (int i = 0; i != 100; ++i) group.spawn(sleep_long(present, false));
    settle_down(context);
    group.cancel_in_turns();
    group.cancel();
    int when = -1;
    asio::post(context, [&] { when = present; });
    context.restart();
    context.run();
    CHECK(when == 0);
    CHECK(group.empty());
}

}
