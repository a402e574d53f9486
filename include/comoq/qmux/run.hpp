#pragma once
#include "../detail/task_group.hpp"
#include "../error.hpp"
#include "connection.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
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

/// What records come and go through. One coroutine reads, one writes, at the same time and on one executor; `close()` may
/// come while they do, makes both fail soon, and does nothing when repeated. What `read_record` throws ends the connection:
/// Decode and ProtocolViolation say that the peer sent what is no record, anything else that the channel is lost.
template <class T>
concept Channel = requires(T channel, std::span<const asio::const_buffer> frames) {
    { channel.read_record() } -> std::same_as<asio::awaitable<std::span<const std::byte>>>;
    { channel.write_record(frames) } -> std::same_as<asio::awaitable<void>>;
    { channel.close() } noexcept;
};

/// How long a connection that is closed here usually may take to tell its peer, and to see the peer close the channel.
inline constexpr std::chrono::seconds usual_close_timeout{1};

namespace detail {

/// A connection and its channel while they run.
template <Channel T> class Running {
public:
    Running(std::shared_ptr<Connection> connection, T channel)
        : connection_(std::move(connection)), channel_(std::move(channel)), ticks_(connection_->executor()),
          limit_(connection_->executor()) {}

    /// Until the channel fails. When the connection is closed, whatever the peer still sends is read, and nobody looks at
    /// it: a socket that is closed with something unread takes away from the peer what it has not read.
    static asio::awaitable<void> read(std::shared_ptr<Running> self) {
        try {
            while (true) {
                const auto frames = co_await self->channel_.read_record();
                self->connection_->input(frames);
                self->look_at_deadline();
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

    static asio::awaitable<void> write(std::shared_ptr<Running> self) {
        try {
            OutgoingRecord record;
            while (!self->connection_->is_silent()) {
                co_await self->connection_->output_due();
                if (!self->connection_->output(record)) continue;
                co_await self->channel_.write_record(record.buffers());
                record.clear();
            }
        } catch (...) {
            self->connection_->lost(make_error_code(Error::Transport));
        }
    }

    static asio::awaitable<void> keep_time(std::shared_ptr<Running> self) {
        while ((self->armed_ = self->connection_->deadline())) {
            self->ticks_.expires_after(std::max(*self->armed_ - self->connection_->now(), Connection::Time::duration::zero()));
            std::error_code ignored;
            co_await self->ticks_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            self->connection_->tick();
        }
    }

    /// The connection is over: there is a time for what is left to be done.
    void begin_end(std::chrono::steady_clock::duration timeout) {
        ticks_.cancel();
        // Where nothing is left to be said, the peer knows, or is gone.
        if (!connection_->ends_here()) return channel_.close();
        limit_.expires_after(timeout);
    }
    static asio::awaitable<void> end_in_time(std::shared_ptr<Running> self) {
        co_await self->limit_.async_wait(asio::use_awaitable);
        self->channel_.close();
    }
    /// Whatever still waits ends soon.
    void end() {
        channel_.close();
        ticks_.cancel();
        // Who has yet to begin to wait for it does not wait either.
        limit_.expires_at(std::chrono::steady_clock::time_point::min());
    }

private:
    /// The peer's parameters can make it sooner.
    void look_at_deadline() {
        const auto deadline = connection_->deadline();
        if (deadline && armed_ && *deadline < *armed_) ticks_.cancel();
    }

    const std::shared_ptr<Connection> connection_;
    T channel_;
    asio::steady_timer ticks_;
    std::optional<Connection::Time> armed_;
    asio::steady_timer limit_;
};

}  // namespace detail

/// Moves the connection's records through the channel until the connection is over, and then closes the channel. Spawned on
/// the connection's executor. Cancelled, it ends the connection as lost.
///
/// A connection that is closed here still sends its last record, and waits for the peer to close the channel, for no longer
/// than `close_timeout`.
template <Channel T>
asio::awaitable<void> run(std::shared_ptr<Connection> connection, T channel,
                          std::chrono::steady_clock::duration close_timeout = usual_close_timeout) {
    using Running = detail::Running<T>;
    const auto running = std::make_shared<Running>(connection, std::move(channel));
    comoq::detail::TaskGroup tasks(connection->executor());
    comoq::detail::TaskGroup limit(connection->executor());
    try {
        tasks.spawn(Running::read(running));
        tasks.spawn(Running::write(running));
        tasks.spawn(Running::keep_time(running));
        co_await connection->closed();
        running->begin_end(close_timeout);
        limit.spawn(Running::end_in_time(running));
        co_await tasks.idle();
    } catch (...) {
        connection->lost(make_error_code(Error::Transport));
        running->end();
        throw;
    }
    running->end();
}

/// Makes a connection and runs it on the channel, whose handshakes are done: a Transport for a session. Executor: that of the
/// channel's stream, if none is given.
template <Channel T>
std::shared_ptr<Connection> start(T channel, bool client, ConnectionConfig config, asio::any_io_executor executor) {
    auto connection = std::make_shared<Connection>(executor, client, std::move(config));
    auto running = run(connection, std::move(channel));
    asio::co_spawn(std::move(executor), std::move(running), asio::detached);
    return connection;
}
template <Channel T> std::shared_ptr<Connection> start(T channel, bool client, ConnectionConfig config) {
    auto executor = channel.get_executor();
    return start(std::move(channel), client, std::move(config), std::move(executor));
}

}  // namespace comoq::qmux
