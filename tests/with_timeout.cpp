// A task with a time limit.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>

#include <comoq/error.hpp>
#include <comoq/with_timeout.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/gate.hpp"
#include "support/manual_sleep.hpp"
#include "support/run.hpp"

namespace with_timeout_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A waiter for a number, for five seconds.
struct Patient {
    std::optional<asio::io_context> context{std::in_place};
    Gate<int> gate;
    ManualSleep time;
    std::optional<int> got;
    std::error_code code;

    asio::awaitable<void> work() {
        try {
            got = co_await with_timeout(gate.next(), 5s, time);
        } catch (const std::system_error &error) {
            code = error.code();
        }
    }
    void leave() {}
    void check_end() {
        CHECK(gate.steps() == 0);
        CHECK(time.sleepers() == 0);
    }

    Disturbed waiting;
    void start() {
        waiting.start(*context, work());
        settle_down(*context);
    }
};

}  // namespace

TEST_CASE("with_timeout: a result that comes in time is given, and no sleep is left", "[with_timeout]") {
    Patient patient;
    patient.start();
    patient.time.advance(4999ms);
    settle_down(*patient.context);
    CHECK_FALSE(patient.waiting.is_over());
    patient.gate.put(3);
    CHECK_FALSE(settle_down(*patient.context));
    CHECK(patient.got == 3);
    patient.check_end();
}

TEST_CASE("with_timeout: a task that does not end in time is cancelled, and Timeout is thrown", "[with_timeout]") {
    Patient patient;
    patient.start();
    patient.time.advance(5s);
    CHECK_FALSE(settle_down(*patient.context));
    CHECK(patient.code == Error::Timeout);
    patient.check_end();
}

TEST_CASE("with_timeout: a step that is too late takes nothing", "[with_timeout]") {
    Patient patient;
    patient.start();
    patient.time.advance(5s);
    patient.gate.put(3);
    CHECK_FALSE(settle_down(*patient.context));
    CHECK(patient.code == Error::Timeout);
    CHECK(patient.gate.held() == 1);
}

TEST_CASE("with_timeout: if a task returns or fails despite its cancellation, that is the outcome", "[with_timeout]") {
    asio::io_context context;
    ManualSleep time;
    Gate<int> gate;
    std::string said;
    auto stubborn = [&](bool fails) -> asio::awaitable<int> {
        try {
            co_await gate.next();
        } catch (const std::system_error &) {
        }
        if (fails) throw std::system_error(make_error_code(Error::NotFound));
        co_return 8;
    };
    auto wait = [&](bool fails) -> asio::awaitable<void> {
        try {
            said = std::to_string(co_await with_timeout(stubborn(fails), 5s, time));
        } catch (const std::system_error &error) {
            said = error.code().message();
        }
    };
    for (const bool fails : {false, true}) {
        Disturbed waiting;
        waiting.start(context, wait(fails));
        settle_down(context);
        time.advance(5s);
        settle_down(context);
        CHECK(waiting.is_over());
        CHECK(said == (fails ? make_error_code(Error::NotFound).message() : "8"));
    }
}

TEST_CASE("with_timeout: without a sleep of its own it uses asio's timer", "[with_timeout]") {
    asio::io_context context;
    Gate<int> gate;
    std::error_code code;
    auto wait = [&]() -> asio::awaitable<void> {
        const auto taken = co_await with_timeout(gate.next(), 1h);
        CHECK(taken == 5);
        try {
            co_await with_timeout(gate.next(), 0ms);
        } catch (const std::system_error &error) {
            code = error.code();
        }
    };
    gate.put(5);
    Disturbed waiting;
    waiting.start(context, wait());
    context.run();
    CHECK(waiting.is_over());
    CHECK(code == Error::Timeout);
}

namespace {

/// The time limit passes at some step.
struct Late : Patient {
    asio::awaitable<void> work() {
        auto late = [this]() -> asio::awaitable<void> {
            co_await turns(3);
            time.advance(5s);
        };
        Disturbed clock;
        clock.start(*context, late());
        auto step = with_timeout(gate.next(), 5s, time);
        try {
            co_await std::move(step);
        } catch (const std::system_error &error) {
            code = error.code();
        }
        // Only a cancellation ends this.
        co_await gate.next();
    }
};

}  // namespace

TEST_CASE("with_timeout: it ends when it is cancelled at any step, and no cancellation is forgotten", "[with_timeout][faults]") {
    CHECK(cancel_at_every_step<Late>(false) > 5);
}
TEST_CASE("with_timeout: if any one allocation fails, nothing is left and nobody waits", "[with_timeout][faults]") {
    const auto points = fail_every_allocation<Late>();
    CHECK((points > 15 || !allocations_can_fail()));
}
TEST_CASE("with_timeout: its context may be destroyed at any point", "[with_timeout][faults]") {
    CHECK(destroy_at_every_point<Late>() > 5);
}

}
