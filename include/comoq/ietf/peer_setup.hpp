// SPDX-License-Identifier: MIT
#pragma once
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

    friend bool operator==(const PeerSetup &, const PeerSetup &) = default;
};

}  // namespace comoq::ietf
