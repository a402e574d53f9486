// Tasks that the tests of task groups share.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/task_group.hpp>

#include "support/every_point.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"

namespace task_group_tests {

using namespace comoq;
using namespace comoq::test;

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

inline asio::awaitable<void> take_one(Gate<int> gate, int &present) {
    const Presence here(present);
    co_await gate.next();
}

/// It ends only by cancellation. Where no allocation fails it waits with a timer of asio's.
inline asio::awaitable<void> sleep_long(int &present, bool with_timer = true) {
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
inline asio::awaitable<void> end_slowly(int &present, bool with_timer = true) {
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

}  // namespace task_group_tests
