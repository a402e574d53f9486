// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace comoq::ietf {

/// What the peer says of itself at the beginning.
struct PeerSetup {
    /// The path that the client asks for, with its query, on a transport without a URL. From a client only.
    std::optional<std::string> path;
    /// The host that the client asks for, likewise.
    std::optional<std::string> authority;
    /// The name of its program, for logs. Bytes of the peer's, and not checked.
    std::string implementation;
    /// The number of its origin, if it tells the hops of what it announces; 0 if it does not say which. Not in draft 16.
    std::optional<std::uint64_t> hop_id;
    /// What a route over it costs more than at its end, if it says that.
    std::optional<std::uint64_t> relay_cost;

    friend bool operator==(const PeerSetup &, const PeerSetup &) = default;
};

}  // namespace comoq::ietf
