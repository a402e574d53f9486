// A group of tasks: it waits for every spawned task, whatever happens.

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>

#include <comoq/error.hpp>
#include <comoq/task_group.hpp>

#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/run.hpp"
#include "task_group_scene.hpp"

namespace task_group_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

asio::awaitable<void> throw_after(std::size_t count, std::string what) {
    co_await turns(count);
    throw Thrown(what);
}

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

}
