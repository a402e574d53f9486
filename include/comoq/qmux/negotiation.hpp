// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace comoq::qmux {

/// \file
/// The choice of the protocol: by Sec-WebSocket-Protocol on WebSocket, by the lists in both sides' transport parameters
/// on TCP.

/// A draft of qmux.
enum class Version : std::uint8_t { Draft01 = 1, Draft02 = 2 };

/// The best first, as in the JavaScript peer.
inline constexpr std::array versions = {Version::Draft02, Version::Draft01};

/// The part before the protocol in the name of a WebSocket subprotocol.
constexpr std::string_view prefix_of(Version version) noexcept {
    return version == Version::Draft01 ? "qmux-01." : "qmux-02.";
}

/// The subprotocol of a WebSocket.
struct Subprotocol {
    /// The draft of qmux.
    Version version = Version::Draft02;
    /// The application protocol, such as moq-lite-06.
    std::string_view protocol;

    friend bool operator==(const Subprotocol &, const Subprotocol &) = default;

    /// As in `Sec-WebSocket-Protocol`, for example qmux-02.moq-lite-06.
    std::string name() const { return std::string(prefix_of(version)).append(protocol); }
    /// Whether `other` is the name of this subprotocol.
    constexpr bool has_name(std::string_view other) const noexcept {
        const auto prefix = prefix_of(version);
        return other.starts_with(prefix) && other.substr(prefix.size()) == protocol;
    }
};

namespace detail {

/// Whether a header's comma-separated list contains the name (RFC 9110, section 5.6.1).
constexpr bool lists(std::string_view header, const Subprotocol &wanted) noexcept {
    while (true) {
        const auto comma = std::min(header.find(','), header.size());
        const auto first = std::min(header.find_first_not_of(" \t"), comma);
        const auto item = header.substr(first, comma - first);
        if (wanted.has_name(item.substr(0, item.find_last_not_of(" \t") + 1))) return true;
        if (comma == header.size()) return false;
        header.remove_prefix(comma + 1);
    }
}

}  // namespace detail

/// The value of `Sec-WebSocket-Protocol` with which a client offers its protocols, the best first.
inline std::string offer(std::span<const std::string_view> protocols) {
    std::string header;
    for (const std::string_view protocol : protocols) {
        for (const Version version : versions) {
            if (!header.empty()) header += ", ";
            header += Subprotocol{version, protocol}.name();
        }
    }
    return header;
}

/// A server's answer to an offer, whose headers are joined by commas: the first of its own protocols that is offered,
/// in the newest draft that is offered with it. Nothing if none is offered: the upgrade then fails. The protocol points
/// into `ours`.
constexpr std::optional<Subprotocol> choose_subprotocol(std::string_view offered,
                                                        std::span<const std::string_view> ours) noexcept {
    for (const std::string_view protocol : ours) {
        for (const Version version : versions) {
            if (const Subprotocol one{version, protocol}; detail::lists(offered, one)) return one;
        }
    }
    return std::nullopt;
}

/// The meaning of the server's answer for a client that offered `ours`; nothing if the answer is not one of them.
constexpr std::optional<Subprotocol> accepted_subprotocol(std::string_view answer,
                                                          std::span<const std::string_view> ours) noexcept {
    if (answer.find(',') != std::string_view::npos) return std::nullopt;
    return choose_subprotocol(answer, ours);
}

/// The first of the server's protocols that the client also has. Each side finds it independently. Points into
/// `server`.
inline std::optional<std::string_view> choose_protocol(std::span<const std::string> server,
                                                       std::span<const std::string> client) noexcept {
    const auto chosen = std::ranges::find_first_of(server, client);
    if (chosen == server.end()) return std::nullopt;
    return *chosen;
}

}  // namespace comoq::qmux
