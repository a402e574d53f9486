/// \file Common parts of the tests of schedules.
#pragma once

#include "schedules/scheduler.hpp"
#include "support/catch.hpp"
#include "support/plain_task.hpp"

#include <comoq/operation.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

namespace comoq::schedule {

/// The name by which the running test can be run again.
inline std::string this_test() { return Catch::getResultCapture().getCurrentTestName(); }

/// The outcome of an operation, and how often it came.
template <class T> struct Ended {
    int times = 0;
    std::error_code ec;
    std::optional<T> value;

    bool with(std::error_code code) const { return times == 1 && ec == code; }
    bool well() const { return with({}); }
};

/// Awaits an operation in a coroutine without an executor.
template <class Awaited, class T> test::PlainTask await(Awaited operation, Ended<T> &ended) {
    auto [ec, value] = co_await std::move(operation).as_tuple();
    ++ended.times;
    ended.ec = ec;
    ended.value.emplace(std::move(value));
}

}  // namespace comoq::schedule
