// The functions of a strand, and the tasks of a group, under every schedule.
#include <comoq/fair_strand.hpp>
#include <comoq/origin.hpp>
#include <comoq/task_group.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "schedules/ended.hpp"
#include "schedules/loop.hpp"
#include "schedules/origin_of_test.hpp"
#include "support/catch.hpp"

using namespace comoq;
using namespace comoq::schedule;

namespace {

/// A group whose tasks wait for an announcement each, on a context that one thread runs.
struct Waiting {
    Waiting() {
        auto over = asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr failure) {
            ++told;
            left_behind = present;
            try {
                if (failure != nullptr) std::rethrow_exception(failure);
            } catch (const std::system_error &error) {
                ec = error.code();
            }
        });
        asio::co_spawn(asio::any_io_executor(loop.executor()), with_task_group([this](TaskGroup &group) { return begin(group); }),
                       std::move(over));
    }

    asio::awaitable<void> begin(TaskGroup &group) {
        group.spawn(wait_for("room/alice"));
        group.spawn_on(loop.executor(), wait_for("room/bob"), {});
        co_return;
    }
    asio::awaitable<void> wait_for(const char *path) {
        const struct Present {
            explicit Present(int &in) : number(in) { ++number; }
            ~Present() { --number; }
            int &number;
        } present_here(present);
        co_await origin.consumer().announced_broadcast(path);
    }
    void cancel() {
        asio::post(asio::any_io_executor(loop.executor()), [this] { signal.emit(asio::cancellation_type::terminal); });
    }

    Loop loop;
    Origin origin{same_in_every_run()};
    asio::cancellation_signal signal;
    int present = 0, told = 0, left_behind = 0;
    std::error_code ec;
};

}  // namespace

TEST_CASE("schedules: a fair strand runs each function once, one at a time and in order, whichever threads post and run them",
          "[schedules]") {
    const auto test = [](Run &run) {
        asio::io_context context;
        const auto work = asio::make_work_guard(context);
        const FairStrand strand(context.get_executor(), std::chrono::hours(1));
        std::vector<int> ran;
        bool runs = false;
        const auto post = [&](int number) {
            asio::post(strand, [&, number] {
                run.check(!std::exchange(runs, true), "two functions run at a time");
                if (Run *now = Run::current()) now->point();
                runs = false;
                ran.push_back(number);
            });
        };
        run.thread([&] {
            post(1);
            post(2);
        });
        for (int i = 0; i < 2; ++i) run.thread([&] { context.poll(); });
        run.thread([&] { post(3); });
        run.run();
        context.poll();
        run.check(ran.size() == 3, "a function has not run once");
        std::erase(ran, 3);
        run.check(ran == std::vector{1, 2}, "functions have overtaken each other");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: a group that is cancelled at any moment ends once, and leaves no task behind", "[schedules]") {
    const auto test = [](Run &run) {
        Waiting group;
        auto producer = group.origin.producer();
        std::optional<BroadcastPublish> alice, bob;
        run.server([&] { group.loop.serve(); });
        run.thread([&] { alice.emplace(producer.create_broadcast("room/alice")); });
        run.thread([&] { group.cancel(); });
        run.thread([&] { bob.emplace(producer.create_broadcast("room/bob")); });
        run.run();
        run.check(group.told == 1, "the end was not told once");
        run.check(group.left_behind == 0 && group.present == 0, "a task was left behind");
        run.check(!group.ec || group.ec == asio::error::operation_aborted, "it has failed otherwise");
        run.check(group.origin.stats().watchers == 0, "somebody is still waiting");
    };
    Explorer(this_test()).explore(1, test);
}

TEST_CASE("schedules: a group that is cancelled before its tasks get what they wait for ends without it", "[schedules]") {
    const auto test = [](Run &run) {
        Waiting group;
        run.server([&] { group.loop.serve(); });
        run.thread([&] { group.cancel(); });
        run.run();
        run.check(group.told == 1 && group.ec == asio::error::operation_aborted, "the cancellation was not told once");
        run.check(group.left_behind == 0 && group.present == 0, "a task was left behind");
        run.check(group.origin.stats().watchers == 0, "somebody is still waiting");
    };
    Explorer(this_test()).explore(3, test);
}
