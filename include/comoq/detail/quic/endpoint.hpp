// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../quic/connection.hpp"
#include "../../quic/credentials.hpp"
#include "../../quic/listener.hpp"
#include "../wait/event.hpp"
#include "../wait/task_group_state.hpp"
#include "routes.hpp"
#include "stateless.hpp"

#include <asio/awaitable.hpp>
#include <asio/ip/udp.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::quic::detail {

/// A UDP socket, and the connections that share it. Used on the executor of the socket. A task reads it, and each connection
/// has one that sends and keeps its time; they keep the endpoint alive until the last connection is over.
class Endpoint : public std::enable_shared_from_this<Endpoint> {
public:
    /// Of a server, or of a client's one connection.
    Endpoint(asio::ip::udp::socket socket, std::optional<ListenerConfig> serves, ServerCredentials credentials);

    asio::ip::udp::endpoint local() const;
    /// Begins to read. Call it once.
    void begin();
    /// Takes a client's connection.
    void add(std::shared_ptr<Connection> connection);
    asio::awaitable<std::shared_ptr<Connection>> next();
    void use(ServerCredentials credentials) { credentials_ = std::move(credentials); }
    /// No new connections any more.
    void close();

private:
    /// One more in a number of the endpoint, until this object ends: also with a task that never began.
    class Counted {
    public:
        Counted(std::shared_ptr<Endpoint> endpoint, std::size_t Endpoint::*number) noexcept
            : endpoint_(std::move(endpoint)), number_(number) {
            ++((*endpoint_).*number_);
        }
        Counted(Counted &&) noexcept = default;
        Counted &operator=(Counted &&) = delete;
        ~Counted() { end(); }
        void end() noexcept {
            if (const auto endpoint = std::move(endpoint_)) --((*endpoint).*number_);
        }

    private:
        std::shared_ptr<Endpoint> endpoint_;
        std::size_t Endpoint::*number_;
    };

    static asio::awaitable<void> receive(std::shared_ptr<Endpoint> self);
    static asio::awaitable<void> drive(std::shared_ptr<Endpoint> self, std::shared_ptr<Connection> connection,
                                       std::unique_ptr<Routes::Entry> entry, Counted counted);
    static asio::awaitable<void> watch_handshake(std::shared_ptr<Connection> connection, Counted);
    void take(std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from);
    void greet(std::span<const std::byte> datagram, const Path &path);
    /// False if the client has to prove its address, or could not.
    bool has_proof(Greeting &greeting, const asio::ip::udp::endpoint &from);
    void answer(const std::optional<Stateless::Answer> &packet, const asio::ip::udp::endpoint &to) noexcept;
    Connection::Time now() const { return serves_->connection.clock(); }
    void drive(std::shared_ptr<Connection> connection, std::unique_ptr<Routes::Entry> entry);
    /// No packet comes any more, for whatever reason: everything ends.
    void deaf();
    /// The socket has nothing to do any more.
    void look_for_end();

    asio::ip::udp::socket socket_;
    const std::optional<ListenerConfig> serves_;
    ServerCredentials credentials_;
    /// Of a server.
    std::shared_ptr<Routes> routes_;
    std::optional<Stateless> stateless_;
    /// A client's.
    std::weak_ptr<Connection> only_;
    std::size_t connections_ = 0, handshakes_ = 0;
    bool is_closing_ = false;
    std::deque<std::shared_ptr<Connection>> arrived_;
    comoq::detail::Event has_arrived_;
    const std::shared_ptr<comoq::detail::TaskGroupState> tasks_;
};

}  // namespace comoq::quic::detail
