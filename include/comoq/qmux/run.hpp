// SPDX-License-Identifier: MIT
#pragma once
#include "../error.hpp"
#include "../task_group.hpp"
#include "../detail/qmux/connection.hpp"
#include "../detail/wait/context_turn.hpp"
#include "../detail/wait/turn.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::qmux {

/// A channel carries records in both directions. One coroutine reads and one writes, at the same time and on one
/// executor. `close()` may be called meanwhile; it makes both fail soon, and does nothing when repeated. An exception
/// of `read_record` ends the connection: Decode and ProtocolViolation mean that the peer sent something that is not a
/// record, any other that the channel is lost.
///
/// A channel may have `limit_unsent(std::size_t bytes)`, too: how many bytes should wait below it, in the system, before
/// `write_record` does. It is called when a link turns out to be slow, and again when it is not any more, then with the
/// greatest number there is.
///
/// A channel may have `bool write_now(std::span<const asio::const_buffer> frames)`, too, which writes as much of a record as
/// goes without a wait, and returns true if that is all of it. If not, `write_record` is called next, with the same frames, to
/// write the rest.
///
/// A channel that answers when its peer closes it, or breaks a rule, may have `is_answering()` and `answered()`: whether
/// such an answer still waits, behind a record that is being written, say, and a coroutine that completes when none does.
/// The connection is over at once, and the channel stays open for the answer until `run`'s `close_timeout` at most.
template <class T>
concept Channel = requires(T channel, std::span<const asio::const_buffer> frames) {
    { channel.read_record() } -> std::same_as<asio::awaitable<std::span<const std::byte>>>;
    { channel.write_record(frames) } -> std::same_as<asio::awaitable<void>>;
    { channel.close() } noexcept;
};

/// How long a connection that is closed here may take by default to tell its peer and to see the peer close the
/// channel.
inline constexpr std::chrono::seconds usual_close_timeout{1};

namespace detail {

/// A connection and its channel while they run.
template <Channel T> class Running {
public:
    Running(std::shared_ptr<Connection> connection, T channel)
        : connection_(std::move(connection)), channel_(std::move(channel)), ticks_(connection_->executor()),
          limit_(connection_->executor()) {}

    /// Runs until both directions of the channel are finished. Then `end()` ends the rest.
    static asio::awaitable<void> serve(std::shared_ptr<Running> self, comoq::TaskGroup &tasks,
                                       std::chrono::steady_clock::duration close_timeout) {
        tasks.spawn(read(self));
        tasks.spawn(write(self));
        tasks.spawn(keep_time(self));
        co_await self->connection_->closed();
        begin_end(self, close_timeout);
    }

    /// Every pending wait ends soon.
    void end() {
        is_ending_ = true;
        channel_.close();
        ticks_.cancel();
        limit_.cancel();
    }

private:
    /// Reads until the channel fails. After the connection is closed, this still reads the peer's records and drops
    /// them: a socket that is closed with unread bytes takes away bytes that the peer has not read.
    static asio::awaitable<void> read(std::shared_ptr<Running> self) {
        co_await read_records(self);
        if constexpr (answers) co_await self->channel_.answered();
    }
    static asio::awaitable<void> read_records(std::shared_ptr<Running> self) {
        try {
            for (Turns turns;;) {
                auto frames = co_await self->channel_.read_record();
                do {
                    const std::size_t before = frames.size();
                    frames = self->connection_->input(frames, most_frames);
                    self->look_at_deadline();
                    if (!turns.is_over(before - frames.size()) && frames.empty()) break;
                    auto turn = comoq::detail::next_turn();
                    co_await std::move(turn);
                } while (!frames.empty());
            }
        } catch (const std::system_error &error) {
            if (error.code() == Error::Decode || error.code() == Error::ProtocolViolation)
                self->connection_->malformed();
            else
                self->connection_->lost(error.code());
        } catch (...) {
            self->connection_->lost(make_error_code(Error::Transport));
        }
    }

    /// A record can contain thousands of frames. Each may open a stream, or wake somebody.
    static constexpr std::size_t most_frames = 64;
    static constexpr bool answers = requires(T channel) { channel.answered(); };
    /// The share of a peer's bytes that is read before others on the executor have their turn: a channel may have a lot
    /// at hand.
    class Turns {
    public:
        bool is_over(std::size_t size) noexcept {
            bytes_ += size;
            if (bytes_ < most_bytes && ++records_ < most_records) return false;
            *this = Turns();
            return true;
        }

    private:
        static constexpr std::size_t most_bytes = 16 * 1024;
        static constexpr unsigned most_records = 16;
        std::size_t bytes_ = 0;
        unsigned records_ = 0;
    };

    /// A record with little media in it waits for the other work of the context, which may add to it: a relay would send the end of
    /// one group and the beginning of the next, which came together, in two records. What is woken in the first of these turns
    /// has its place behind the writer in the second.
    ///
    /// With 100 viewers of groups of one frame of 200 bytes, a relay calls `sendmsg` half as often, and takes 12 % less CPU time
    /// (the median of three pairs of runs, over TCP).
    static constexpr unsigned turns_for_more = 2;

    static asio::awaitable<void> write(std::shared_ptr<Running> self) {
        try {
            OutgoingRecord record;
            comoq::detail::ContextTurn turn;
            // Every second record of a row takes a trip through the executor, so that others have their turn.
            for (bool may_be_now = true;;) {
                if (!self->connection_->output(record)) {
                    if (self->connection_->is_silent()) break;
                    auto due = self->connection_->output_due();
                    co_await std::move(due);
                    for (unsigned turns = 0; turns != turns_for_more && self->connection_->has_little(); ++turns)
                        co_await turn.take();
                    may_be_now = true;
                    continue;
                }
                self->look_at_deadline();
                self->follow_link();
                const bool is_written = may_be_now && self->write_now(record.buffers());
                if (!is_written) {
                    auto written = self->channel_.write_record(record.buffers());
                    co_await std::move(written);
                }
                may_be_now = !is_written;
                record.clear();
            }
        } catch (...) {
            self->connection_->lost(make_error_code(Error::Transport));
        }
    }

    bool write_now(std::span<const asio::const_buffer> frames) {
        if constexpr (requires { channel_.write_now(frames); })
            return channel_.write_now(frames);
        else
            return false;
    }
    void follow_link() {
        if constexpr (requires { channel_.limit_unsent(std::size_t{}); }) {
            const std::size_t goal = connection_->queue_goal();
            if (goal != queue_goal_) channel_.limit_unsent(goal);
            queue_goal_ = goal;
        }
    }

    static asio::awaitable<void> keep_time(std::shared_ptr<Running> self) {
        while (!self->is_ending_) {
            self->armed_ = self->connection_->deadline();
            if (self->armed_) {
                const auto left = *self->armed_ - self->connection_->now();
                self->ticks_.expires_after(std::max(left, Connection::Time::duration::zero()));
            } else {
                // There may be a deadline later: without an idle time, that of a marker.
                self->ticks_.expires_at(Connection::Time::max());
            }
            std::error_code ignored;
            co_await self->ticks_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            self->connection_->tick();
        }
    }

    /// The connection is over: limits the time for the rest.
    static void begin_end(const std::shared_ptr<Running> &self, std::chrono::steady_clock::duration timeout) {
        self->is_ending_ = true;
        self->ticks_.cancel();
        // If nothing is left to send, the peer already knows, or is gone.
        if (!self->connection_->ends_here() && !self->is_answering()) return self->channel_.close();
        self->limit_.expires_after(timeout);
        self->limit_.async_wait([self](std::error_code in_time) {
            if (!in_time) self->channel_.close();
        });
    }
    bool is_answering() const noexcept {
        if constexpr (answers) return channel_.is_answering();
        return false;
    }
    /// The peer's parameters, or an outgoing ping, can bring the deadline forward, or make the first one.
    void look_at_deadline() {
        if (!connection_->takes_sooner()) return;
        const auto deadline = connection_->deadline();
        if (deadline && (!armed_ || *deadline < *armed_)) ticks_.cancel();
    }

    const std::shared_ptr<Connection> connection_;
    T channel_;
    asio::steady_timer ticks_;
    std::optional<Connection::Time> armed_;
    bool is_ending_ = false;
    std::size_t queue_goal_ = SendAhead::no_limit;
    asio::steady_timer limit_;
};

}  // namespace detail

/// Moves the connection's records through the channel until the connection is over, and then closes the channel. Spawn
/// it on the connection's executor. When cancelled, it ends the connection as lost. No part of it keeps running after
/// it returns.
///
/// A connection that is closed here still sends its last record, and waits at most `close_timeout` for the peer to
/// close the channel. One that the peer has closed waits as long for the channel's own answer.
template <Channel T>
asio::awaitable<void> run(std::shared_ptr<Connection> connection, T channel,
                          std::chrono::steady_clock::duration close_timeout = usual_close_timeout) {
    using Running = detail::Running<T>;
    const auto running = std::make_shared<Running>(connection, std::move(channel));
    const auto serve = [running, close_timeout](comoq::TaskGroup &tasks) {
        return Running::serve(running, tasks, close_timeout);
    };
    try {
        co_await comoq::with_task_group(serve);
    } catch (...) {
        connection->lost(make_error_code(Error::Transport));
        running->end();
        throw;
    }
    running->end();
}

/// Makes a connection and runs it on the channel, whose handshakes must be complete: a Transport for a session.
/// Executor: that of the channel's stream, unless one is given.
///
/// The coroutine that runs it keeps the connection alive, also when nobody else does, and continues until either side
/// closes the connection, or it is lost. `Connection::done()` completes when that coroutine is over. Use `run` to make it
/// a task of your own.
template <Channel T>
std::shared_ptr<Connection> start(T channel, bool client, ConnectionConfig config, asio::any_io_executor executor) {
    auto connection = std::make_shared<Connection>(std::move(executor), client, std::move(config));
    auto running = run(connection, std::move(channel));
    connection->begin(std::move(running));
    return connection;
}
template <Channel T> std::shared_ptr<Connection> start(T channel, bool client, ConnectionConfig config) {
    auto executor = channel.get_executor();
    return start(std::move(channel), client, std::move(config), std::move(executor));
}

}  // namespace comoq::qmux
