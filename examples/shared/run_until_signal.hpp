// The life of a program that Ctrl-C may end.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>

// Where a program runs. It outlives what may complete there later, such as the work of another thread. Only its destructor
// destroys what two seconds did not end.
struct ProgramPlace {
    // It outlives its users, which the context destroys.
    asio::cancellation_signal stop;
    asio::io_context context{1};
};

// Runs a program's coroutine until it is over, or SIGINT or SIGTERM ends it, which is not a failure. Throws the
// coroutine's exception. Work that it leaves behind has two seconds to end.
void run_until_signal(ProgramPlace &place, asio::awaitable<void> program);
// The same, for a program that has no other threads.
void run_until_signal(asio::awaitable<void> program);
