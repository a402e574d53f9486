// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../quic/connection.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

namespace comoq::quic::detail {

/// Tells a connection that time has passed. Most packets move its deadline a little later: the timer is not set again for that,
/// and looks for the new deadline when it goes off. Used on its executor.
class Alarm : public std::enable_shared_from_this<Alarm> {
public:
    Alarm(const asio::any_io_executor &executor, std::shared_ptr<Connection> connection)
        : timer_(executor), connection_(std::move(connection)) {}

    /// At that time at the latest. Throws std::bad_alloc.
    void set(Connection::Time due) {
        if (is_set_ && due_ <= due) return;
        // Ends the wait for a later time, whose handler then finds another turn.
        timer_.expires_after(std::max(due - connection_->now(), Connection::Time::duration::zero()));
        timer_.async_wait([self = shared_from_this(), turn = ++turn_](std::error_code) { self->went_off(turn); });
        due_ = due;
        is_set_ = true;
    }
    void cancel() noexcept {
        ++turn_;
        is_set_ = false;
        try {
            timer_.cancel();
        } catch (const std::exception &) {
            // It goes off, and does nothing.
        }
    }

private:
    void went_off(unsigned turn) noexcept {
        if (turn != turn_) return;
        is_set_ = false;
        try {
            const auto deadline = connection_->deadline();
            if (!deadline) return;
            if (*deadline > connection_->now())
                set(*deadline);
            else
                connection_->tick();
        } catch (const std::exception &) {
            connection_->lost(make_error_code(Error::Transport));
        }
    }

    asio::steady_timer timer_;
    const std::shared_ptr<Connection> connection_;
    Connection::Time due_{};
    unsigned turn_ = 0;
    bool is_set_ = false;
};

}  // namespace comoq::quic::detail
