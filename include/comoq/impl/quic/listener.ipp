// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/quic/alarm.hpp"
#include "../../detail/quic/attempt.hpp"
#include "../../detail/quic/endpoint.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../detail/wait/turn.hpp"
#include "../../quic/listener.hpp"
#include "../detail/quic/shared_port.ipp"

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <cstdint>
#include <exception>
#include <utility>

namespace comoq::quic {

namespace detail {

/// Bytes of packets that wait at most: of many connections, of one.
inline constexpr std::size_t server_waits = 256 * 1024, client_waits = 64 * 1024;

COMOQ_DECL Endpoint::Endpoint(asio::ip::udp::socket socket, std::optional<ListenerConfig> serves, ServerCredentials credentials,
                              bool has_batches, std::shared_ptr<SharedPort> port, const Share &share)
    : socket_(std::move(socket), has_batches ? DatagramSocket::Means() : DatagramSocket::Means::none()),
      out_(serves ? server_waits : client_waits),
      serves_(std::move(serves)),
      credentials_(std::move(credentials)),
      port_(std::move(port)),
      share_(share),
      tasks_(std::make_shared<comoq::detail::TaskGroupState>(socket_.socket().get_executor())) {
    if (!serves_) return;
    Routes::ResetKey key;
    if (port_ != nullptr)
        key = port_->reset_key;
    else
        serves_->connection.random(key);
    routes_ = std::make_shared<Routes>(key, share_);
    stateless_.emplace(serves_->connection.random, key, port_ != nullptr ? port_->keys : nullptr, share_);
}
COMOQ_DECL Endpoint::~Endpoint() {
    if (port_ != nullptr) port_->leave(share_.index);
}

COMOQ_DECL void Endpoint::begin() {
    comoq::detail::TaskGroupState::spawn(tasks_, receive(shared_from_this()), [](const std::exception_ptr &) {});
}
COMOQ_DECL void Endpoint::begin_there() {
    asio::post(socket_.socket().get_executor(), [self = shared_from_this()] {
        try {
            self->begin();
        } catch (const std::exception &) {
            // Without memory to read what comes, nobody is served.
            self->deaf();
        }
    });
}
COMOQ_DECL void Endpoint::close_there() {
    asio::post(socket_.socket().get_executor(), [self = shared_from_this()] { self->close(); });
}
COMOQ_DECL void Endpoint::add(std::shared_ptr<Connection> connection) {
    only_ = connection;
    drive(std::move(connection), nullptr);
}
COMOQ_DECL void Endpoint::drive(std::shared_ptr<Connection> connection, std::unique_ptr<Routes::Entry> entry) {
    Counted counted(shared_from_this(), &Endpoint::connections_);
    auto driving = drive(shared_from_this(), std::move(connection), std::move(entry), std::move(counted));
    comoq::detail::TaskGroupState::spawn(tasks_, std::move(driving), [](const std::exception_ptr &) {});
}

COMOQ_DECL void Endpoint::close() {
    is_closing_ = true;
    for (const auto &each : std::exchange(arrived_, {})) each->close(0, "the server goes down");
    has_arrived_.fail(make_error_code(asio::error::operation_aborted));
    look_for_end();
}
COMOQ_DECL void Endpoint::deaf() {
    const auto code = make_error_code(Error::Transport);
    if (const auto only = only_.lock()) only->lost(code);
    if (routes_ != nullptr) routes_->each([&](Connection &each) { each.lost(code); });
    close();
}
COMOQ_DECL void Endpoint::look_for_end() {
    if (connections_ != 0 || (serves_ && !is_closing_)) return;
    // Last words.
    flush();
    if (port_ != nullptr) port_->leave(share_.index);
    std::error_code ignored;
    socket_.socket().close(ignored);
}

COMOQ_DECL asio::awaitable<std::shared_ptr<Connection>> Endpoint::next() {
    const auto self = shared_from_this();
    while (self->arrived_.empty()) {
        if (self->is_closing_) comoq::detail::throw_error(make_error_code(asio::error::operation_aborted));
        self->has_arrived_.clear();
        co_await self->has_arrived_.wait();
    }
    auto first = std::move(self->arrived_.front());
    self->arrived_.pop_front();
    co_return first;
}

// Packets that come.

/// One lost packet, or a peer that is not there: no reason to give the socket up.
inline bool is_passing(std::error_code failure) noexcept {
    return failure == asio::error::connection_refused || failure == asio::error::connection_reset ||
           failure == asio::error::host_unreachable || failure == asio::error::network_unreachable ||
           failure == asio::error::message_size || failure == asio::error::no_buffer_space;
}

COMOQ_DECL bool Endpoint::take_some(std::error_code &failure) {
    const auto each = [this](std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from, unsigned ecn) {
        take(datagram, from, ecn);
    };
    return socket_.receive(each, failure);
}

COMOQ_DECL asio::awaitable<void> Endpoint::receive(std::shared_ptr<Endpoint> self) {
    auto &socket = self->socket_.socket();
    // Others on the executor have their turn after this many.
    constexpr std::uint64_t most_at_once = 256;
    try {
        while (socket.is_open()) {
            std::error_code failure;
            co_await socket.async_wait(asio::ip::udp::socket::wait_read, asio::redirect_error(asio::use_awaitable, failure));
            const auto last = self->socket_.counts().received + most_at_once;
            while (!failure && self->socket_.counts().received < last)
                if (!self->take_some(failure)) break;
            if (!failure || failure == asio::error::would_block) continue;
            if (!is_passing(failure)) break;
            // To a client it says that nobody listens there.
            if (const auto only = self->only_.lock(); only != nullptr && only->protocol().empty()) only->lost(failure);
        }
    } catch (const std::exception &) {
        // Without memory to wait for the next packet there is none.
    }
    self->deaf();
}

COMOQ_DECL void Endpoint::take(std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from, unsigned ecn,
                               bool was_passed) {
    const Path path{local(), from};
    const auto give = [&](Connection &connection) {
        try {
            connection.input(datagram, path, ecn);
        } catch (const std::exception &) {
            connection.lost(make_error_code(Error::Transport));
        }
    };
    if (const auto only = only_.lock()) return give(*only);
    if (!serves_) return;
    const auto ids = ids_in(datagram);
    if (!ids) return;
    if (const auto known = routes_->find(ids->to)) return give(*known);
    if (!was_passed && pass_on(datagram, from, ecn)) return;
    if (is_closing_) return;
    try {
        if (ids->wants_version) return answer(stateless_->versions(ids->to, ids->from, now()), from);
        // A short header is of a connection that both sides have had.
        if ((datagram[0] & std::byte{0x80}) == std::byte{}) return answer(stateless_->reset(ids->to, datagram.size(), now()), from);
        greet(datagram, path, ecn);
    } catch (const std::exception &) {
        // Without memory for it, or without a certificate, there is no connection: the client tries again.
    }
}

COMOQ_DECL void Endpoint::greet(std::span<const std::byte> datagram, const Path &path, unsigned ecn) {
    if (connections_ >= serves_->max_connections || handshakes_ >= serves_->max_handshakes) return;
    // Nobody accepts them.
    if (arrived_.size() >= serves_->max_handshakes) return;
    auto greeting = greeting_in(datagram);
    if (!greeting || !has_proof(*greeting, path.remote)) return;
    auto entry = std::make_unique<Routes::Entry>(routes_);
    const asio::any_io_executor executor = serves_->executor ? serves_->executor() : socket_.socket().get_executor();
    const auto connection = std::make_shared<Connection>(executor, serves_->connection, credentials_, *greeting, path,
                                                         entry.get());
    entry->belongs_to(connection);
    connection->input(datagram, path, ecn);
    if (connection->is_silent()) return;
    arrived_.push_back(connection);
    try {
        Counted counted(shared_from_this(), &Endpoint::handshakes_);
        auto watching = watch_handshake(shared_from_this(), connection, std::move(counted));
        comoq::detail::TaskGroupState::spawn(tasks_, std::move(watching), [](const std::exception_ptr &) {});
        drive(connection, std::move(entry));
    } catch (...) {
        std::erase(arrived_, connection);
        connection->lost(make_error_code(Error::Transport));
        throw;
    }
    has_arrived_.set();
}

COMOQ_DECL bool Endpoint::has_proof(Greeting &greeting, const asio::ip::udp::endpoint &from) {
    if (Stateless::claims_proof(greeting)) {
        if (stateless_->verify(greeting, from, now())) return true;
        answer(Stateless::refuse_token(greeting), from);
        return false;
    }
    if (stateless_->knows(greeting, from, now()) || handshakes_ < serves_->retry_above) return true;
    answer(stateless_->ask_for_proof(greeting, from, now()), from);
    return false;
}

COMOQ_DECL void Endpoint::answer(const std::optional<Stateless::Answer> &packet, const asio::ip::udp::endpoint &to) noexcept {
    std::error_code ignored;
    if (packet) socket_.socket().send_to(asio::buffer(packet->buffer.data(), packet->size), to, 0, ignored);
}

// Packets that go.

COMOQ_DECL asio::awaitable<void> Endpoint::watch_handshake(std::shared_ptr<Endpoint> self, std::shared_ptr<Connection> connection,
                                                           Counted) {
    auto ready = connection->ready();
    const auto [code] = co_await std::move(ready).as_tuple();
    if (!code) connection->give_token(self->stateless_->token_for(connection->remote(), self->now()));
}

COMOQ_DECL std::size_t Endpoint::collect(Connection &connection, std::size_t most) {
    std::size_t count = 0;
    for (; count < most; ++count) {
        if (!out_.has_room() && !is_full_) flush();
        if (!out_.has_room() || !connection.output(packet_)) break;
        out_.add(packet_);
    }
    if (count != 0) flush_soon();
    return count;
}

COMOQ_DECL void Endpoint::flush_soon() {
    if (flushes_soon_ || is_full_) return;
    asio::post(socket_.socket().get_executor(), [self = shared_from_this()] {
        self->flushes_soon_ = false;
        if (!self->is_full_) self->flush();
    });
    flushes_soon_ = true;
}

COMOQ_DECL void Endpoint::flush() noexcept {
    const auto failure = socket_.send(out_);
    // Nobody will hear any more.
    if (failure && failure != asio::error::would_block) out_.clear();
    if (failure == asio::error::would_block) {
        try {
            flush_when_possible();
        } catch (const std::exception &) {
            // Without memory to wait for room the packets are lost.
            out_.clear();
        }
    }
    if (out_.has_room()) has_room_.set();
}

COMOQ_DECL void Endpoint::flush_when_possible() {
    socket_.socket().async_wait(asio::ip::udp::socket::wait_write, [self = shared_from_this()](std::error_code) {
        self->is_full_ = false;
        self->flush();
    });
    is_full_ = true;
}

COMOQ_DECL asio::awaitable<void> Endpoint::drive(std::shared_ptr<Endpoint> self, std::shared_ptr<Connection> connection,
                                                 std::unique_ptr<Routes::Entry> entry, Counted counted) {
    std::shared_ptr<Alarm> alarm;
    // Others on the executor have their turn after this many packets.
    constexpr std::size_t most_in_turn = PacketTrains::most_packets;
    try {
        alarm = std::make_shared<Alarm>(self->socket_.socket().get_executor(), connection);
        while (!connection->is_silent()) {
            while (self->collect(*connection, most_in_turn) == most_in_turn) {
                auto turn = comoq::detail::next_turn();
                co_await std::move(turn);
            }
            if (!self->out_.has_room()) {
                self->has_room_.clear();
                co_await self->has_room_.wait();
                continue;
            }
            const auto deadline = connection->deadline();
            if (!deadline) break;
            alarm->set(*deadline);
            co_await connection->output_due();
        }
    } catch (...) {
        connection->lost(make_error_code(Error::Transport));
    }
    if (alarm != nullptr) alarm->cancel();
    entry.reset();
    // Whoever has not accepted it gets one that lives.
    std::erase(self->arrived_, connection);
    counted.end();
    self->look_for_end();
}

}  // namespace detail

COMOQ_DECL Listener::Listener(asio::any_io_executor executor, const asio::ip::udp::endpoint &at, ServerCredentials credentials,
                              ListenerConfig config) {
    asio::ip::udp::socket socket(std::move(executor), at);
    const bool has_batches = config.connection.batches;
    endpoint_ = std::make_shared<detail::Endpoint>(std::move(socket), std::move(config), std::move(credentials), has_batches);
    endpoint_->begin();
}
COMOQ_DECL Listener::~Listener() {
    if (endpoint_ != nullptr) endpoint_->close();
}
COMOQ_DECL detail::Endpoint &Listener::mine() const {
    if (endpoint_ == nullptr) comoq::detail::throw_error(make_error_code(Error::Closed));
    return *endpoint_;
}
COMOQ_DECL asio::ip::udp::endpoint Listener::endpoint() const { return mine().local(); }
COMOQ_DECL SocketCounts Listener::counts() const { return mine().counts(); }
COMOQ_DECL asio::awaitable<std::shared_ptr<Connection>> Listener::accept() { return mine().next(); }
COMOQ_DECL void Listener::use(ServerCredentials credentials) { mine().use(std::move(credentials)); }
COMOQ_DECL void Listener::close() {
    if (endpoint_ != nullptr) endpoint_->close();
}

COMOQ_DECL asio::awaitable<std::shared_ptr<Connection>> connect(asio::ip::udp::endpoint to, std::string server,
                                                                ClientCredentials credentials, ConnectionConfig config) {
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::udp::socket socket(executor, to.protocol());
    // So that the system says when nobody listens there.
    socket.connect(to);
    const Path path{socket.local_endpoint(), to};
    const bool has_batches = config.batches;
    const auto connection = std::make_shared<Connection>(executor, std::move(config), credentials, server, path);
    const auto endpoint = std::make_shared<detail::Endpoint>(std::move(socket), std::nullopt, ServerCredentials(), has_batches);
    detail::Attempt attempt(connection);
    endpoint->add(connection);
    endpoint->begin();
    co_await connection->ready();
    co_return attempt.release();
}

}  // namespace comoq::quic
