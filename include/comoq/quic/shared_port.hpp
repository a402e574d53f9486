// SPDX-License-Identifier: MIT
#pragma once
#include "credentials.hpp"
#include "listener.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/ip/udp.hpp>

#include <vector>

namespace comoq::quic {

/// Whether several listeners can share a port here: on Linux.
#if defined(__linux__) && !defined(COMOQ_QUIC_PORTABLE_SOCKETS)
inline constexpr bool ports_can_be_shared = true;
#else
inline constexpr bool ports_can_be_shared = false;
#endif

/// One of the listeners at a port: where it runs, which one thread at a time does, and what it lets in.
struct ListenerPlace {
    ListenerPlace() {}  // GCC 12 destroys an aggregate made inside a co_await expression twice

    /// Where its handlers run, one at a time.
    asio::any_io_executor executor = {};
    /// What it lets in, and its limits.
    ListenerConfig config = {};
};

/// How a packet finds the listener that has its connection.
enum class Steering {
    /// The system reads the connection's id (a classic BPF program). Where it refuses the program: as `Forwarding`.
    System,
    /// The system chooses by the addresses. A listener that gets a packet of another one's connection, because the client's
    /// address has changed, passes it on.
    Forwarding,
};

/// Listens at one UDP port with as many sockets as there are places (SO_REUSEPORT), so that as many threads share the work: each
/// connection is at one of the listeners, and stays there, also when the client's address changes. A new client comes to one by the id
/// that it has chosen at random, or by its address. What comes to the wrong listener is passed on; if more than 512 packets, or 1 MiB
/// of them, wait for one listener, the next ones are lost, as on a bad link (`SocketCounts::passed_on`, `dropped`).
///
/// The limits of each config are that listener's. The listeners have the keys of their tokens in common, so that a client which has
/// a token of one is known to all; the `random` of the first place makes them, on any of the threads.
///
/// Each listener is used, closed and destroyed on its executor, as any is; the call itself may be made on any thread. Close all of
/// them together: the system still gives new clients to one that is closed and has connections, and they are not served. An
/// execution context outlives the threads that run the others, unless its listener was destroyed and the connections are over.
///
/// Port 0 is any that is free. Throws `std::system_error`: `operation_not_supported` for several places where `ports_can_be_shared` is
/// false, `invalid_argument` for none and for more than 256, and what Listener throws, also where the port is another one's who
/// shares it.
std::vector<Listener> listen_together(std::vector<ListenerPlace> places, const asio::ip::udp::endpoint &at,
                                      const ServerCredentials &credentials, Steering steering = Steering::System);

}  // namespace comoq::quic

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/quic/shared_port.ipp"
#endif
