// SPDX-License-Identifier: MIT
#pragma once
#include <asio/ip/udp.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace comoq::quic {

/// The two addresses between which packets go.
struct Path {
    /// This side's; the port alone may be known.
    asio::ip::udp::endpoint local;
    /// The peer's.
    asio::ip::udp::endpoint remote;
};

/// The payload of one UDP datagram, on its way out.
struct Packet {
    /// In bytes, of every packet: what is left of an Ethernet frame after IPv6 and UDP.
    static constexpr std::size_t most = 1452;

    /// What is to be sent.
    std::span<const std::byte> bytes() const noexcept { return std::span(buffer).first(size); }

    /// Room for the largest.
    std::array<std::byte, most> buffer;
    /// Bytes of the buffer that are used.
    std::size_t size = 0;
    /// Where it goes.
    Path path;
    /// For the IP header: explicit congestion notification (RFC 3168), 0 to 3.
    unsigned ecn = 0;
};

}  // namespace comoq::quic
