// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace comoq::quic::detail {

/// This side's connection ids, in bytes: a short header does not say how long its id is.
inline constexpr std::size_t own_id_size = 12;

/// Where the first byte of a packet's id is: in a short header (RFC 9000, section 17.3), and in a long one, behind the version
/// and the id's size, in every version of QUIC (RFC 8999, section 5.1).
inline constexpr std::size_t short_id_at = 1, long_id_size_at = 5, long_id_at = 6;

/// The id to which a packet goes, of any version. Empty if it has none, or is too short for it.
inline std::span<const std::byte> id_to_in(std::span<const std::byte> datagram) noexcept {
    if (datagram.empty()) return {};
    const bool is_long = (datagram[0] & std::byte{0x80}) != std::byte{};
    if (is_long && datagram.size() <= long_id_size_at) return {};
    const std::size_t at = is_long ? long_id_at : short_id_at;
    const std::size_t size = is_long ? std::to_integer<std::size_t>(datagram[long_id_size_at]) : own_id_size;
    if (datagram.size() < at + size) return {};
    return datagram.subspan(at, size);
}

/// Which of the sockets at a port has a connection: the first byte of the server's ids says it, modulo the number of sockets. The
/// other bytes stay random, so that nobody can guess an id. At most 256 sockets.
struct Share {
    std::size_t index = 0, count = 1;
    /// The system gives each packet to the socket that the first byte of its id names, whoever has chosen the id. If not, it
    /// chooses by the addresses.
    bool is_steered = false;

    /// Makes the id, of random bytes, one of this socket's.
    void mark(std::span<std::byte> id) const noexcept {
        if (count <= 1 || id.empty()) return;
        std::size_t first = std::to_integer<std::size_t>(id[0]);
        first = first - first % count + index;
        id[0] = static_cast<std::byte>(first > 0xff ? first - count : first);
    }
    /// To whom a datagram belongs that came to this socket, for a connection that this one does not have. Where the system chooses
    /// by the addresses, a new client's own choice of an id belongs to whom it came to, so that what follows need not be passed on;
    /// one of the size of ours is taken for ours.
    std::size_t owner_of(std::span<const std::byte> datagram) const noexcept {
        const auto id = id_to_in(datagram);
        if (id.empty() || (!is_steered && id.size() != own_id_size)) return index;
        return std::to_integer<std::size_t>(id[0]) % count;
    }
};

}  // namespace comoq::quic::detail
