// As out_of_memory.cpp: waits, and what wakes them.

#include <cstddef>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#include <comoq/comoq.hpp>

#include "histories/said.hpp"
#include "out_of_memory_world.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/plain_task.hpp"
#include "support/received.hpp"

namespace out_of_memory_waits_tests {

using namespace comoq;
using namespace comoq::test;
using namespace out_of_memory_tests;

namespace {

/// Keeps the results of `step` until it ends, and begins again where memory ran out. The vector has room for them.
template <class Step, class Outcome> PlainTask insist(Step step, std::vector<Outcome> &outcomes, bool &none) {
    for (;;) {
        std::optional<decltype(step().as_tuple())> operation;
        while (!operation) {
            try {
                operation.emplace(step().as_tuple());
            } catch (const std::bad_alloc &) {
                // A test above checks that it can be repeated.
            }
        }
        auto outcome = co_await std::move(*operation);
        if (std::get<0>(outcome) == std::errc::not_enough_memory) {
            none = true;
            continue;
        }
        const bool over = std::get<0>(outcome) || !std::get<1>(outcome);
        outcomes.push_back(std::move(outcome));
        if (over) {
            co_return;
        }
    }
}

/// `act` wakes the task that insists on `step`, with each of its allocations failing in turn, those of the woken task
/// included.
template <class Step, class Act> void wake_with_each_failing(Step step, Act act, const std::string &item) {
    std::size_t told = 0;
    for (std::size_t after = 0, failed = 1; failed != 0; ++after) {
        INFO("with allocation " << after << " failing");
        World world;
        subscribe_one(world);
        write_group(world);
        CHECK(now(world.reader->read_frames(3)));
        CHECK(now(world.subscriber->next_group()));
        CHECK(now(world.subscriber->recv_group()));
        auto rooted = world.consumer.with_root("on/a")->announced();
        using Value = ValueOf<decltype(step(world, rooted))>;
        std::vector<std::tuple<std::error_code, Value>> outcomes;
        outcomes.reserve(4);
        bool none = false;
        const auto task = insist([&] { return step(world, rooted); }, outcomes, none);
        std::optional<decltype(act(world))> kept;
        {
            FailingAllocation failing(after);
            try {
                kept.emplace(act(world));
            } catch (const std::bad_alloc &) {
            }
            failed = failing.stop() ? 1 : 0;
        }
        if (!kept) {
            CHECK(outcomes.empty());
            kept.emplace(act(world));
        }
        told += none ? 1 : 0;
        REQUIRE(outcomes.size() == 1);
        CHECK(given(std::optional(std::move(outcomes.front()))) == item);
    }
    CHECK(told > 0);
}

}  // namespace

TEST_CASE("out of memory: a wait that cannot begin throws or gets the error, and leaves its item where it is",
          "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    const auto by_callback = [](World &world, Received<BroadcastConsumer> &got, PlainTask &) {
        world.consumer.request_broadcast(long_path).async_wait(asio::bind_executor(world.context, keep(got)));
    };
    const auto by_plain_coroutine = [](World &world, Received<BroadcastConsumer> &got, PlainTask &task) {
        task = receive_tuple_plainly(world.consumer.request_broadcast(long_path), got);
    };
    // Once for the memory that asio keeps for itself, and once more to see whether any is lost.
    const auto check = [](auto wait, bool warm) {
        bool failed = true;
        std::size_t refusals = 0;
        for (std::size_t after = 0; failed; ++after) {
            INFO("with allocation " << after << " failing");
            const auto live = live_allocations();
            {
                World world;
                world.handler.emplace(world.producer.dynamic());
                Received<BroadcastConsumer> got;
                PlainTask task;
                bool refused = false;
                {
                    FailingAllocation failing(after);
                    try {
                        wait(world, got, task);
                        task.done();
                    } catch (const std::bad_alloc &) {
                        refused = true;
                    }
                    failed = failing.stop();
                }
                if (refused) {
                    task.destroy();  // with the operation, which is whole
                }
                world.run();
                refused = refused || got.failed(std::make_error_code(std::errc::not_enough_memory));
                refusals += refused;
                // The failure of a moved-from operation may lack memory, too: nobody is told, and the wait goes on.
                CHECK((failed || !refused));
                CHECK(world.origin.stats().pending == (refused ? 0 : 1));
                CHECK(got.times == (refused && got.code ? 1 : 0));
                if (!refused) {
                    now(world.handler->requested_broadcast())->accept(world.other.consume());
                    world.run();
                    CHECK(got.ok());
                }
            }
            CHECK((!warm || live_allocations() == live));
        }
        CHECK(refusals > (warm ? 2 : 3));
    };
    for (const bool warm : {false, true}) {
        check(by_callback, warm);
        check(by_plain_coroutine, warm);
    }
}

TEST_CASE("out of memory: waiters on an io_context or a thread pool are woken without memory", "[memory][faults]") {
    const auto check = [](auto &context, const auto &executor) {
        Origin origin;
        auto handler = origin.producer().dynamic();
        Received<BroadcastConsumer> got;
        origin.consumer().request_broadcast("a").async_wait(asio::bind_executor(executor, keep(got)));
        auto request = std::move(*now(handler.requested_broadcast()));
        {
            FailingAllocation failing(0);
            request.reject(Error::Unauthorized);
            CHECK_FALSE(failing.stop());
        }
        if constexpr (requires { context.run(); }) {
            context.run();
        } else {
            context.join();
        }
        CHECK(got.failed(Error::Unauthorized));
    };
    asio::io_context context, other_context;
    check(context, context.get_executor());
    check(other_context, asio::any_io_executor(other_context.get_executor()));
    asio::thread_pool pool(1), other_pool(1);
    check(pool, pool.get_executor());
    check(other_pool, asio::any_io_executor(other_pool.get_executor()));
}

TEST_CASE("out of memory: an operation whose tuple form cannot be made stays as it was", "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    Origin origin;
    const auto handler = origin.producer().dynamic();
    auto asked = origin.consumer().request_broadcast("a");
    {
        FailingAllocation failing(0);
        CHECK_THROWS_AS(std::move(asked).as_tuple(), std::bad_alloc);
    }
    CHECK(origin.stats().pending == 1);
    CHECK_FALSE(asked.ready());
    const auto as_tuple = std::move(asked).as_tuple();
    CHECK(origin.stats().pending == 1);
}

TEST_CASE("out of memory: a woken waiter that finds no memory for its item gets the error, and the item next time",
          "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    const auto append = [](World &world) { return world.track->append_group(); };
    wake_with_each_failing([](World &world, auto &) { return world.subscriber->next_group(); }, append, "group 1");
    wake_with_each_failing([](World &world, auto &) { return world.subscriber->recv_group(); }, append, "group 1");
    const auto announce = [](World &world) { return world.producer.publish_broadcast(long_path, world.other.consume()); };
    wake_with_each_failing([](World &, auto &rooted) { return rooted.next(); }, announce,
                           "Active path/that/is/not/short/at/all/nor/ever/was");
    const auto frame = [](World &world) {
        world.group->write_frame(payload("four"));
        return 0;
    };
    wake_with_each_failing([](World &world, auto &) { return world.reader->read_frames(9); }, frame, "frames four");
    wake_with_each_failing([](World &world, auto &) { return world.reader->next_frame(); }, frame, "frame of 4");
}

TEST_CASE("out of memory: a frame that is given back is there for the steps that came meanwhile, and moves no other reader",
          "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    auto subscriber = now(track.consume().subscribe());
    auto group = track.append_group();
    auto frame = group.create_frame(4);
    frame.write(payload("on"));
    frame.write(payload("ly"));
    frame.finish();
    auto reader = group.consume();
    // The only allocation of a step that has its frames: that of the joined payload.
    const auto fail = [](auto operation, const std::function<void()> &meanwhile) {
        auto awaiter = std::move(operation).operator co_await();
        FailingAllocation failing(0, meanwhile);
        REQUIRE(awaiter.await_ready());
        CHECK(failing.stop());
        CHECK(std::get<0>(awaiter.await_resume()) == std::errc::not_enough_memory);
    };
    SECTION("a step of the same group") {
        Received<std::optional<Frame>> other;
        PlainTask waits;
        fail(reader.read_frame().as_tuple(), [&] {
            waits = receive_tuple_plainly(reader.read_frame(), other);
            CHECK(other.times == 0);
        });
        CHECK(other.times == 1);
        CHECK(other.value.value().payload.view() == "only");
    }
    SECTION("a step of another kind of the same subscriber") {
        Received<std::optional<GroupConsumer>> other;
        PlainTask waits;
        fail(subscriber.read_first_frame().as_tuple(), [&] {
            waits = receive_tuple_plainly(subscriber.next_group(), other);
            CHECK(other.times == 0);
        });
        CHECK(other.times == 1);
        CHECK(other.value.value().sequence() == 0);
    }
    SECTION("a subscriber that was moved elsewhere") {
        fail(subscriber.read_first_frame().as_tuple(), [&] { subscriber.start_at(1); });
        CHECK_FALSE(subscriber.next_group().ready());
    }
}

}
