/// \file
/// A workload: some timed code, and the yardstick that its time is divided by.
#pragma once

#include "support/allocations.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <malloc.h>

namespace comoq::bench {

/// A run that only shows that everything works, with small numbers in place of large ones.
inline bool quick = false;
inline std::size_t unless_quick(std::size_t count) noexcept { return quick ? std::min<std::size_t>(count, 200) : count; }

/// How long some operations took together, and how often the measuring thread went to the heap for them.
struct Sample {
    std::chrono::nanoseconds time{};
    std::size_t operations = 0;
    std::size_t allocations = 0;
};

class Stopwatch {
public:
    Sample stop(std::size_t operations) const {
        const auto end = std::chrono::steady_clock::now();
        return Sample{end - begin_, operations, count_.made()};
    }

private:
    test::AllocationCount count_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// The bytes of glibc's malloc that are in use, with its own overhead.
inline std::size_t heap_in_use() noexcept {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

inline std::string path_of(std::size_t number) { return "room/" + std::to_string(number) + "/alice"; }

/// Takes one sample.
using Body = std::function<Sample()>;
/// Sets up the objects of its samples, once and untimed.
using Setup = std::function<Body()>;

struct Yardstick {
    std::string name;
    Setup setup;
};

/// One row of the table. A workload's names are those that the peer prints.
struct Timed {
    std::string workload;
    std::string name;
    Setup setup;
    std::optional<Yardstick> yardstick;
    std::optional<double> target;  // of the ratio; none: to be reported
};

/// A figure that was measured in another way.
struct Figure {
    std::string workload;
    std::string name;
    std::string unit = "ns";
    double value = 0;
    std::optional<double> yardstick;
    std::optional<double> target;
    std::optional<double> allocations;
    std::string yardstick_name = {};
};

struct Workload {
    std::string id;
    std::string title;
    std::vector<Timed> timed;
    std::function<std::vector<Figure>()> report = {};
};

Workload awaiting();
Workload announced_lookup();
Workload on_demand();
Workload requesters();
Workload nobody();
Workload announcing();
Workload group();
Workload fan_out();
Workload latency();
Workload memory();
Workload compiling();
Workload crowds();

/// Runs a coroutine that ends with a sample, and everything it started, to the end.
template <class Awaitable> Sample run(asio::io_context &context, Awaitable &&coroutine) {
    Sample result;
    asio::co_spawn(context, std::forward<Awaitable>(coroutine), [&result](std::exception_ptr failure, Sample sample) {
        if (failure) std::rethrow_exception(failure);
        result = sample;
    });
    context.restart();
    context.run();
    return result;
}

}  // namespace comoq::bench
