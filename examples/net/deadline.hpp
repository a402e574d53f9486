// A time limit for work on a socket: the socket is closed when the time is over.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

class Deadline {
public:
    // `socket` stays in place for as long as this lives; all on one thread, or strand.
    Deadline(asio::ip::tcp::socket &socket, std::chrono::milliseconds time);
    ~Deadline();
    Deadline(const Deadline &) = delete;
    Deadline &operator=(const Deadline &) = delete;

    // Throws timed_out if it has passed.
    void check() const;
    // Throws the exception that is being handled, or timed_out if the deadline caused it.
    [[noreturn]] void rethrow() const;

private:
    struct State {
        asio::ip::tcp::socket *socket;
        bool passed = false;
    };
    std::shared_ptr<State> state_;
    asio::steady_timer timer_;
};

// Awaits `work`, which uses `socket`, and throws timed_out if the deadline ended it.
template <class T>
asio::awaitable<T> within(asio::ip::tcp::socket &socket, std::chrono::milliseconds time, asio::awaitable<T> work) {
    const Deadline deadline(socket, time);
    try {
        co_return co_await std::move(work);
    } catch (const std::system_error &) {
        deadline.rethrow();
    }
}
