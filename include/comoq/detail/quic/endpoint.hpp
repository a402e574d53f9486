// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../quic/connection.hpp"
#include "../../quic/credentials.hpp"
#include "../../quic/listener.hpp"
#include "../wait/event.hpp"
#include "../wait/task_group_state.hpp"
#include "datagram_socket.hpp"
#include "own_ids.hpp"
#include "packet_trains.hpp"
#include "routes.hpp"
#include "shared_port.hpp"
#include "stateless.hpp"

#include <asio/awaitable.hpp>
#include <asio/ip/udp.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::quic::detail {

/// A UDP socket, and the connections that share it. Used on the executor of the socket. A task reads it, and each connection
/// has one that makes its packets and keeps its time; they keep the endpoint alive until the last connection is over. What the
/// connections make in a turn of the executor goes out together after it.
class Endpoint : public std::enable_shared_from_this<Endpoint> {
public:
    /// Of a server, or of a client's one connection.
    Endpoint(asio::ip::udp::socket socket, std::optional<ListenerConfig> serves, ServerCredentials credentials, bool has_batches,
             std::shared_ptr<SharedPort> port = nullptr, const Share &share = {});
    ~Endpoint();
    Endpoint(const Endpoint &) = delete;
    Endpoint &operator=(const Endpoint &) = delete;

    const asio::ip::udp::endpoint &local() const noexcept { return socket_.local(); }
    /// Begins to read. Call it once.
    void begin();
    /// The same, and `close`, called on any thread: they happen on the endpoint's executor.
    void begin_there();
    void close_there();
    /// Takes a client's connection.
    void add(std::shared_ptr<Connection> connection);
    asio::awaitable<std::shared_ptr<Connection>> next();
    void use(ServerCredentials credentials) { credentials_ = std::move(credentials); }
    /// No new connections any more.
    void close();
    SocketCounts counts() const noexcept {
        SocketCounts all = socket_.counts();
        all.passed_on = passed_on_;
        all.dropped = dropped_;
        return all;
    }
    /// What came to other endpoints at the port.
    void take_passed();

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
    static asio::awaitable<void> watch_handshake(std::shared_ptr<Endpoint> self, std::shared_ptr<Connection> connection, Counted);
    /// What one call of the socket gives. False if there is nothing more now. Not in `receive`: with the bodies in a file of their
    /// own, g++ 12 warns of a lambda in a coroutine's frame.
    bool take_some(std::error_code &failure);
    void take(std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from, unsigned ecn, bool was_passed = false);
    /// True if it belongs to another endpoint at the port: that one gets it, or it is lost.
    bool pass_on(std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from, unsigned ecn);
    void greet(std::span<const std::byte> datagram, const Path &path, unsigned ecn);
    /// False if the client has to prove its address, or could not.
    bool has_proof(Greeting &greeting, const asio::ip::udp::endpoint &from);
    void answer(const std::optional<Stateless::Answer> &packet, const asio::ip::udp::endpoint &to) noexcept;
    Connection::Time now() const { return serves_->connection.clock(); }
    void drive(std::shared_ptr<Connection> connection, std::unique_ptr<Routes::Entry> entry);
    /// Up to `most` packets of the connection join those that wait. Returns their number.
    std::size_t collect(Connection &connection, std::size_t most);
    /// What waits goes out when what is queued on the executor now has run.
    void flush_soon();
    void flush() noexcept;
    /// After the socket took no more.
    void flush_when_possible();
    /// No packet comes any more, for whatever reason: everything ends.
    void deaf();
    /// The socket has nothing to do any more.
    void look_for_end();

    DatagramSocket socket_;
    PacketTrains out_;
    Packet packet_;  // one that is being made
    /// There is room for a packet again.
    comoq::detail::Event has_room_;
    bool flushes_soon_ = false, is_full_ = false;
    const std::optional<ListenerConfig> serves_;
    ServerCredentials credentials_;
    /// Of one that shares its port.
    const std::shared_ptr<SharedPort> port_;
    const Share share_;
    std::uint64_t passed_on_ = 0, dropped_ = 0;
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
