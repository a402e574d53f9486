// Coroutines of the peer, all on one thread.
#pragma once

#include "events.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <memory>

// Runs a coroutine of its own; its exception is printed as the event "unhandled". The owner of the returned object can
// cancel it.
std::shared_ptr<asio::cancellation_signal> spawn(asio::any_io_executor executor, asio::awaitable<void> work,
                                                 EventLog &log);

asio::awaitable<void> sleep(std::chrono::milliseconds time);
// Lets everything else that is ready run first.
asio::awaitable<void> breathe();

// A condition that can be waited for.
class Condition {
public:
    explicit Condition(asio::any_io_executor executor);

    void set();
    void clear() { is_set_ = false; }
    bool is_set() const { return is_set_; }
    // Waits until it is true, or the time is over.
    asio::awaitable<void> wait();
    asio::awaitable<void> wait_for(std::chrono::milliseconds longest);

private:
    asio::awaitable<void> wait_until(std::chrono::steady_clock::time_point end);

    asio::steady_timer timer_;
    bool is_set_ = false;
};
