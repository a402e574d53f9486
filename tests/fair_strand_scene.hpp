// What the tests of fair strands share.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <comoq/fair_strand.hpp>

#include "support/gate.hpp"

namespace fair_strand_tests {

using namespace comoq;
using namespace comoq::test;

// As the docstring promises.
inline constexpr std::size_t turn = 8;

/// Its turns end by number alone, however slow the machine is.
inline FairStrand strand_of(asio::io_context &context) { return FairStrand(context.get_executor(), std::chrono::hours(1)); }

/// Notes 'c' in the next round of the context, and 'd' in the one after it.
inline void note_two_rounds(asio::io_context &context, std::string &log) {
    asio::post(context, [&context, &log] {
        log += 'c';
        asio::post(context, [&log] { log += 'd'; });
    });
}

inline asio::awaitable<void> read_all(Gate<int> gate, std::size_t count, std::size_t &read) {
    for (; count != 0; --count) {
        co_await gate.next();
        ++read;
    }
}

inline asio::awaitable<void> wait_until_cancelled(std::string &log, char name) {
    const Gate<int> never;
    try {
        co_await never.next();
    } catch (const std::system_error &error) {
        if (error.code() == asio::error::operation_aborted) log += name;
        throw;
    }
}

}  // namespace fair_strand_tests
