// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../detail/containers/random_bits.hpp"
#include "../time.hpp"
#include "key_log.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace comoq::quic {

class AddressTokens;

/// Fills the octets with random ones, that nobody can guess.
using RandomSource = std::function<void(std::span<std::byte>)>;

/// The system's.
RandomSource default_random();

/// What one side of a connection over QUIC brings: its limits, its protocols, its clock and its randomness.
struct ConnectionConfig {
    // Not an aggregate: GCC 12 destroys an aggregate made inside a co_await expression twice.
    ConnectionConfig() {}

    // Numbers that a packet cannot carry become the largest that it can: 2^62 - 1, 2^60 streams. A time is at most a century.

    /// The protocols of this side, the best first.
    std::vector<std::string> protocols = {"moq-lite-06", "moq-lite-05"};
    /// How many bytes the peer may send that this side has not read yet. It bounds the memory that a peer can make the
    /// connection use, and with the round trip how fast it can send.
    std::uint64_t max_data = 4 * 1024 * 1024;
    /// The same on one stream.
    std::uint64_t max_stream_data = 256 * 1024;
    /// How many bidirectional streams the peer may have open at a time. Each costs about a kilobyte.
    std::uint64_t max_streams_bidi = 1024;
    /// The same of unidirectional ones.
    std::uint64_t max_streams_uni = 1024;
    /// The largest DATAGRAM frame that the peer may send, in bytes; 0 for none. A datagram of moq-lite has at most 1,200.
    std::uint64_t max_datagram_frame_size = 1500;
    /// A peer that is silent for this long is gone. A connection that has nothing to say pings after a third of the smaller
    /// of both sides' times, and at most twice a second. 0: this side sets no limit.
    std::chrono::milliseconds idle_timeout = std::chrono::seconds(30);
    /// A handshake that takes longer fails with Timeout. 0: every handshake does.
    std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);
    /// The largest UDP payload that is tried, in bytes, from 1,200 to `Packet::most`: the connection begins with 1,200 and
    /// finds out what the path carries.
    std::size_t max_packet_size = 1452;
    /// Whether the endpoint uses the system's calls for many packets at a time, where there are any: Linux has sendmmsg, recvmmsg,
    /// UDP_SEGMENT and UDP_GRO. What the system or the network card refuses is not used in any case. Marks of congestion (ECN)
    /// are read and written in these calls alone.
    bool batches = true;
    /// Whether the streams of the protocol "h3" are HTTP/3's, for `webtransport::accept` and `webtransport::connect`. If not,
    /// they come as they are, as with any other protocol.
    bool http3 = true;
    /// Every time that the connection knows. It must not go back. A coarse clock would spoil the round trip.
    Clock clock = [] { return std::chrono::steady_clock::now(); };
    /// For the numbers of the connection and its packets. TLS has a source of its own.
    RandomSource random = default_random();
    /// Of a client: what servers have given it to prove its address. Empty: it proves it anew each time that a server asks.
    std::shared_ptr<AddressTokens> tokens = {};
    /// Is told the secrets of the connection. Empty for nobody.
    KeyLog key_log = {};
};

inline RandomSource default_random() {
    return [](std::span<std::byte> octets) {
        for (std::size_t i = 0; i < octets.size();) {
            std::uint64_t bits = comoq::detail::random_bits();
            for (std::size_t last = std::min(octets.size(), i + sizeof bits); i < last; ++i, bits >>= 8)
                octets[i] = static_cast<std::byte>(bits & 0xff);
        }
    };
}

}  // namespace comoq::quic
