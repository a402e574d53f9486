// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../quic/socket_counts.hpp"
#include "arrivals.hpp"
#include "packet_trains.hpp"

#include <asio/ip/udp.hpp>

#include <cstddef>
#include <span>
#include <system_error>

namespace comoq::quic::detail {

/// A UDP socket that sends and receives many datagrams in one call, where the system can (Linux: sendmmsg, recvmmsg, UDP_SEGMENT,
/// UDP_GRO), and one by one otherwise. It reads and writes the marks of congestion (ECN) where that is so, and lets no router cut
/// a packet. Used by one thread at a time.
class DatagramSocket {
public:
    /// What it may try. The system may refuse any of it, when the socket is made or later; it does without then.
    struct Means {
        /// Several messages in a call.
        bool batches = true;
        /// Several packets in a message, on their way out and on their way in.
        bool trains = true, joined = true;

        static Means none() noexcept { return {false, false, false}; }
    };

    /// Bound or connected.
    DatagramSocket(asio::ip::udp::socket socket, const Means &wanted);

    asio::ip::udp::socket &socket() noexcept { return socket_; }
    /// As it was at the beginning.
    const asio::ip::udp::endpoint &local() const noexcept { return local_; }
    const SocketCounts &counts() const noexcept { return counts_; }
    /// What is left of them.
    const Means &means() const noexcept { return means_; }

    /// Sends what waits. `would_block`: the rest has to wait until the socket can be written. `bad_descriptor`: it is closed.
    std::error_code send(PacketTrains &packets) noexcept;
    /// Takes what has come, in one call of the system, and gives each datagram to `take(bytes, from, ecn)`; the bytes are valid
    /// during that call. True if there may be more. Throws what `take` throws, and std::bad_alloc.
    template <class Take> bool receive(Take &&take, std::error_code &failure) {
        const BorrowedArrivals arrivals;
        bool has_more = false;
#if defined(COMOQ_QUIC_HAS_BATCHES)
        if (means_.batches) {
            const std::size_t count = receive_batch(*arrivals, has_more, failure);
            for (std::size_t i = 0; i < count; ++i) give((*arrivals)[i], take);
            return has_more;
        }
#endif
        give(receive_one(*arrivals, has_more, failure), take);
        return has_more;
    }

private:
    template <class Take> void give(const Arrival &arrival, Take &take) {
        if (arrival.from.port() == 0) return;
        each_datagram(arrival.bytes, arrival.each, [&](std::span<const std::byte> datagram) {
            ++counts_.received;
            take(datagram, arrival.from, arrival.ecn);
        });
    }
    bool use_option(int level, int name, int value) noexcept;
    void prepare() noexcept;
    /// The packets of the first train. The number of those that the system took; all are gone, unless it takes none now.
    std::size_t send_one_by_one(PacketTrains &packets, std::error_code &failure) noexcept;
    Arrival receive_one(Arrivals &arrivals, bool &has_more, std::error_code &failure) noexcept;
#if defined(COMOQ_QUIC_HAS_BATCHES)
    std::error_code send_batch(PacketTrains &packets) noexcept;
    std::size_t receive_batch(Arrivals &arrivals, bool &has_more, std::error_code &failure) noexcept;
    /// From now on, one packet a call in both directions.
    void give_up_batches() noexcept;
#endif

    asio::ip::udp::socket socket_;
    asio::ip::udp::endpoint local_;
    bool is_connected_ = false;
    Means means_;
    SocketCounts counts_;
};

}  // namespace comoq::quic::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/quic/datagram_socket.ipp"
#endif
