// SPDX-License-Identifier: MIT
#pragma once
#include "own_ids.hpp"

#include <asio/ip/udp.hpp>

// Several sockets at one port, to which the system spreads what comes: Linux. COMOQ_QUIC_PORTABLE_SOCKETS, defined for a whole
// program, leaves it out.
#if defined(__linux__) && !defined(COMOQ_QUIC_PORTABLE_SOCKETS)
#define COMOQ_QUIC_SHARES_PORTS 1

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include <linux/filter.h>
#include <sys/socket.h>

namespace comoq::quic::detail {

/// Other sockets may have the port of this one, bound or not.
inline void let_share(asio::ip::udp::socket &socket) {
    const int yes = 1;
    if (::setsockopt(socket.native_handle(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0)
        throw std::system_error(errno, std::system_category(), "a port for several sockets");
}

/// The number that no socket has: the system then chooses by the addresses.
inline constexpr std::uint32_t no_socket = 0xffff'ffff;

using SteeringProgram = std::array<sock_filter, 18>;
/// A program of classic BPF that decides as `Share::owner_of` does for a steered socket: of a datagram it makes the number of a socket, or
/// `no_socket` if the datagram has no id. Sockets are numbered in the order in which they were bound.
inline SteeringProgram steering_program(std::size_t count) noexcept {
    constexpr std::uint32_t short_id_end = short_id_at + own_id_size;
    // Two numbers in a jump: how many instructions it leaves out where the condition is true, and where it is not.
    return {{
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, long_id_at + 1, 0, 15),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 0, 8),
        // A long header, whose id is not empty, and all there.
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, long_id_size_at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 11, 0),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, long_id_at),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 0, 7),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, long_id_at),
        BPF_JUMP(BPF_JMP | BPF_JA, 3, 0, 0),
        // A short one.
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, short_id_end, 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, short_id_at),
        // The first byte of the id.
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(count)),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_STMT(BPF_RET | BPF_K, no_socket),
    }};
}
/// Has the system do it for the sockets at the port of this one, once the second of them is bound. False if it refuses: it then
/// chooses by the addresses.
inline bool steer(asio::ip::udp::socket &socket, std::size_t count) noexcept {
    auto program = steering_program(count);
    const sock_fprog all{static_cast<unsigned short>(program.size()), program.data()};
#if defined(SO_ATTACH_REUSEPORT_CBPF)
    return ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &all, sizeof all) == 0;
#else
    static_cast<void>(socket);
    static_cast<void>(all);
    return false;
#endif
}

}  // namespace comoq::quic::detail

#endif
