// SPDX-License-Identifier: MIT
#pragma once
#include "../../first_of.hpp"
#include "../../task_group.hpp"
#include "../../with_timeout.hpp"
#include "../wait/code_of.hpp"
#include "../wait/event.hpp"
#include "../wait/failure.hpp"
#include "address_race.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace comoq::net::detail {

/// Makes the attempt with that index. What it throws is a failure of this attempt alone.
template <class T> using MakeAttempt = std::function<asio::awaitable<T>(std::size_t index)>;

/// Ends what an attempt has reached and nobody takes: a connection would go on by itself, a socket closes.
template <class T> void give_up(T &reached) {
    if constexpr (requires { reached->close(0, std::string_view()); }) {
        if (reached != nullptr) reached->close(0, {});
    }
}

/// The attempts of one connection: tasks of one group.
template <class T> struct Attempts {
    Attempts(std::size_t count, MakeAttempt<T> make) : attempt(std::move(make)), race(count) {}
    Attempts(const Attempts &) = delete;
    Attempts &operator=(const Attempts &) = delete;
    ~Attempts() {
        if (winner) give_up(*winner);
    }
    const MakeAttempt<T> attempt;
    AddressRace race;
    comoq::detail::Event changed;
    std::optional<T> winner;
};

template <class T> asio::awaitable<void> run_attempt(std::shared_ptr<Attempts<T>> attempts, std::size_t index) {
    std::exception_ptr failure;
    try {
        auto attempt = attempts->attempt(index);
        T reached = co_await std::move(attempt);
        if (!attempts->winner)
            attempts->winner.emplace(std::move(reached));
        else
            give_up(reached);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure != nullptr) attempts->race.failed(comoq::detail::code_of(failure));
    attempts->changed.set();
}

template <class T> asio::awaitable<void> until_changed(std::shared_ptr<Attempts<T>> attempts) { co_await attempts->changed.wait(); }

/// The task of the group. It is a named class because g++ warns of a lambda in a coroutine that is not inline.
template <class T> class RunAttempts {
public:
    RunAttempts(std::shared_ptr<Attempts<T>> attempts, std::chrono::milliseconds head_start, Sleep sleep)
        : attempts_(std::move(attempts)), head_start_(head_start), sleep_(std::move(sleep)) {}
    asio::awaitable<void> operator()(TaskGroup &group) const { return run(group, attempts_, head_start_, sleep_); }

private:
    static asio::awaitable<void> run(TaskGroup &group, std::shared_ptr<Attempts<T>> attempts, std::chrono::milliseconds head_start,
                                     Sleep sleep) {
        while (!attempts->winner && !attempts->race.is_lost()) {
            attempts->changed.clear();
            if (const auto next = attempts->race.begin_next()) group.spawn(run_attempt(attempts, *next));
            auto changed = until_changed(attempts);
            if (!attempts->race.has_next()) {
                co_await std::move(changed);
                continue;
            }
            auto lead = sleep_for(head_start, sleep);
            co_await first_of(std::move(changed), std::move(lead));
        }
        group.cancel();
    }

    const std::shared_ptr<Attempts<T>> attempts_;
    const std::chrono::milliseconds head_start_;
    const Sleep sleep_;
};

/// What the first of `count` attempts has reached (RFC 8305, section 5): each begins when the one before has had its lead, or
/// has failed, and those that have not won are cancelled. Throws the code of the attempt that failed first.
template <class T>
asio::awaitable<T> first_to_succeed(std::size_t count, MakeAttempt<T> attempt, std::chrono::milliseconds head_start, Sleep sleep) {
    const auto attempts = std::make_shared<Attempts<T>>(count, std::move(attempt));
    const RunAttempts<T> body(attempts, head_start, std::move(sleep));
    co_await with_task_group(body);
    if (!attempts->winner) comoq::detail::throw_error(attempts->race.failure());
    co_return std::move(*attempts->winner);
}

}  // namespace comoq::net::detail
