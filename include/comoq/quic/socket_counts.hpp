// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace comoq::quic {

/// What a UDP socket has carried, and with how many calls of the system.
struct SocketCounts {
    /// Packets that the system took, and the calls that gave them to it. Without answers that need no connection (Retry, resets).
    std::uint64_t sent = 0, send_calls = 0;
    /// Datagrams that came, and the calls that asked for some.
    std::uint64_t received = 0, receive_calls = 0;
    /// Packets that the system refused, such as those that are too large for the link. They count as lost on the way.
    std::uint64_t refused = 0;
    /// Of those that came, the ones that belong to another listener at the same port (`listen_together`): that were passed to it, and
    /// that are lost because it has too much to do.
    std::uint64_t passed_on = 0, dropped = 0;
};

}  // namespace comoq::quic
