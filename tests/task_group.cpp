// A group of tasks: it waits for every spawned task, whatever happens.

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
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
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/detail/wait/frame_turn.hpp>
#include <comoq/error.hpp>
#include <comoq/task_group.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"

namespace task_group_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Thrown : std::runtime_error {
    explicit Thrown(const std::string &what) : std::runtime_error(what) {}
};

/// Counts the live coroutines.
class Presence {
public:
    explicit Presence(int &count) : count_(&count) { ++*count_; }
    Presence(const Presence &) = delete;
    Presence &operator=(const Presence &) = delete;
    ~Presence() { --*count_; }

private:
    int *count_;
};

asio::awaitable<void> take_one(Gate<int> gate, int &present) {
    const Presence here(present);
    co_await gate.next();
}
asio::awaitable<void> throw_after(std::size_t count, std::string what) {
    co_await turns(count);
    throw Thrown(what);
}
/// It ends only by cancellation. Where no allocation fails it waits with a timer of asio's.
asio::awaitable<void> sleep_long(int &present, bool with_timer = true) {
    const Presence here(present);
    if (with_timer) {
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer timer(executor, std::chrono::hours(1));
        co_await timer.async_wait(asio::use_awaitable);
    }
    const Gate<int> never;
    co_await never.next();
}
/// Takes some turns to end when it is cancelled.
asio::awaitable<void> end_slowly(int &present, bool with_timer = true) {
    const Presence here(present);
    bool is_cancelled = false;
    try {
        co_await sleep_long(present, with_timer);
    } catch (const std::system_error &) {
        is_cancelled = true;
    }
    if (is_cancelled) {
        co_await asio::this_coro::reset_cancellation_state();
        co_await turns(3);
    }
}

/// Runs a test's coroutine with a group: nothing of it is left when it is over.
struct Scene {
    template <class Body> std::string outcome_of(Body body) {
        try {
            run_to_end(context, with_task_group(std::move(body)));
        } catch (const Thrown &thrown) {
            return thrown.what();
        } catch (const std::system_error &error) {
            return error.code().message();
        }
        return "well";
    }

    asio::io_context context;
    int present = 0;
    Gate<int> gate;
};

}  // namespace

TEST_CASE("task group: a wait for it ends when all tasks are over, with the body's result", "[task_group]") {
    Scene scene;
    auto body = [&scene](TaskGroup &group) -> asio::awaitable<int> {
        group.spawn(take_one(scene.gate, scene.present));
        group.spawn(take_one(scene.gate, scene.present));
        co_return 7;
    };
    std::optional<int> result;
    auto wait = [&]() -> asio::awaitable<void> { result = co_await with_task_group(body); };
    Disturbed waiting;
    waiting.start(scene.context, wait());
    settle_down(scene.context);
    CHECK(scene.present == 2);
    scene.gate.put(1);
    settle_down(scene.context);
    CHECK(scene.present == 1);
    CHECK_FALSE(waiting.is_over());
    scene.gate.put(1);
    settle_down(scene.context);
    CHECK(waiting.is_over());
    CHECK(result == 7);
}

TEST_CASE("task group: the first failure cancels the other tasks, the body too, and is thrown when they are over",
          "[task_group]") {
    Scene scene;
    SECTION("of a task") {
        CHECK(scene.outcome_of([&scene](TaskGroup &group) -> asio::awaitable<void> {
            group.spawn(end_slowly(scene.present));
            group.spawn(throw_after(2, "first"));
            group.spawn(throw_after(4, "second"));
            co_await sleep_long(scene.present);
        }) == "first");
    }
    SECTION("of the body") {
        CHECK(scene.outcome_of([&scene](TaskGroup &group) -> asio::awaitable<void> {
            group.spawn(end_slowly(scene.present));
            co_await throw_after(2, "body");
        }) == "body");
    }
    SECTION("of a task that is cancelled and fails with something else") {
        auto fail_at_last = [](int &present) -> asio::awaitable<void> {
            try {
                co_await sleep_long(present);
            } catch (const std::system_error &) {
                throw Thrown("at last");
            }
        };
        CHECK(scene.outcome_of([&](TaskGroup &group) -> asio::awaitable<void> {
            group.spawn(fail_at_last(scene.present));
            co_await turns(2);
            group.cancel();
        }) == "at last");
    }
    SECTION("of a task that something else has cancelled") {
        auto aborted = []() -> asio::awaitable<void> {
            throw std::system_error(asio::error::make_error_code(asio::error::operation_aborted));
            co_return;
        };
        CHECK(scene.outcome_of([&](TaskGroup &group) -> asio::awaitable<void> {
            group.spawn(aborted());
            co_await sleep_long(scene.present);
        }) == asio::error::make_error_code(asio::error::operation_aborted).message());
    }
    CHECK(scene.present == 0);
}

TEST_CASE("task group: a failure that a task's own function is told of does not fail the group", "[task_group]") {
    Scene scene;
    std::vector<std::string> told;
    CHECK(scene.outcome_of([&](TaskGroup &group) -> asio::awaitable<void> {
        const auto tell = [&told](const std::exception_ptr &failure) { told.push_back(failure ? "failed" : "well"); };
        group.spawn(throw_after(1, "its own"), tell);
        group.spawn(turns(2), tell);
        group.spawn(sleep_long(scene.present), tell);
        co_await turns(4);
        group.cancel();
        group.spawn(turns(1), tell);
    }) == "well");
    CHECK(told == std::vector<std::string>{"failed", "well", "failed", "failed"});
}

TEST_CASE("task group: when it is cancelled, it ends all of its tasks, and begins no other", "[task_group]") {
    Scene scene;
    bool begun = false;
    auto never = [&begun]() -> asio::awaitable<void> {
        begun = true;
        co_return;
    };
    std::size_t most = 0;
    CHECK(scene.outcome_of([&](TaskGroup &group) -> asio::awaitable<void> {
        for (int i = 0; i < 10; ++i) group.spawn(end_slowly(scene.present));
        most = group.size();
        group.cancel();
        CHECK(group.is_cancelled());
        group.spawn(never());
        co_return;
    }) == "well");
    CHECK(most == 11);
    CHECK_FALSE(begun);
    CHECK(scene.present == 0);
}

TEST_CASE("task group: tasks may spawn others, also while they are waited for", "[task_group]") {
    Scene scene;
    int ended = 0;
    struct Tree {
        static asio::awaitable<void> grow(TaskGroup &group, int depth, int &ended) {
            co_await turns(1);
            if (depth != 0) {
                group.spawn(grow(group, depth - 1, ended));
                group.spawn(grow(group, depth - 1, ended));
            }
            ++ended;
        }
    };
    CHECK(scene.outcome_of([&](TaskGroup &group) { return Tree::grow(group, 5, ended); }) == "well");
    CHECK(ended == 63);
}

TEST_CASE("task group: a group that is a member is joined, or cancels its tasks when it is destroyed", "[task_group]") {
    Scene scene;
    auto group = std::make_optional<TaskGroup>(scene.context.get_executor());
    group->spawn(sleep_long(scene.present));
    group->spawn(end_slowly(scene.present));
    settle_down(scene.context);
    CHECK(scene.present == 3);
    SECTION("joined, and cancelled by another") {
        auto join = [&]() -> asio::awaitable<void> { co_await group->join(); };
        Disturbed joining;
        joining.start(scene.context, join());
        settle_down(scene.context);
        CHECK_FALSE(joining.is_over());
        group->cancel();
        settle_down(scene.context);
        CHECK(joining.is_over());
        CHECK_FALSE(joining.was_cancelled());
        CHECK(group->empty());
    }
    SECTION("joined, and cancelled with the coroutine that joins it") {
        auto join = [&]() -> asio::awaitable<void> { co_await group->join(); };
        Disturbed joining;
        joining.start(scene.context, join());
        settle_down(scene.context);
        joining.cancel();
        settle_down(scene.context);
        CHECK(joining.was_cancelled());
        CHECK(group->empty());
    }
    SECTION("waited for by a coroutine that is cancelled alone") {
        auto wait = [&]() -> asio::awaitable<void> { co_await group->idle(); };
        Disturbed waiting;
        waiting.start(scene.context, wait());
        settle_down(scene.context);
        waiting.cancel();
        settle_down(scene.context);
        CHECK(waiting.was_cancelled());
        CHECK(group->size() == 2);
        group->cancel();
        settle_down(scene.context);
    }
    SECTION("gone") {
        group.reset();
        settle_down(scene.context);
    }
    CHECK(scene.present == 0);
}

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

namespace {

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
