// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "codec.hpp"
#include "frames.hpp"
#include "../text/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <vector>

namespace comoq::qmux::detail {

/// Why a connection ends, as in CONNECTION_CLOSE (RFC 9000, section 20.1).
enum class TransportError : std::uint64_t {
    NoError = 0x00,
    Internal = 0x01,
    ConnectionRefused = 0x02,
    FlowControl = 0x03,
    StreamLimit = 0x04,
    StreamState = 0x05,
    FinalSize = 0x06,
    FrameEncoding = 0x07,
    TransportParameter = 0x08,
    ProtocolViolation = 0x0a,
    NoApplicationProtocol = 0x178,  // TLS's alert 120 (RFC 9001, section 8.1)
};

/// A peer's error, and the frame that had it.
struct Fault {
    TransportError code;
    FrameType frame;
    std::string_view reason;
};

/// The code that the application gets for it.
inline std::error_code error_of(const Fault &fault) noexcept {
    switch (fault.code) {
    case TransportError::FrameEncoding: return make_error_code(Error::Decode);
    case TransportError::NoApplicationProtocol: return make_error_code(Error::UnknownAlpn);
    default: return make_error_code(Error::ProtocolViolation);
    }
}

/// The meaning of a peer's CONNECTION_CLOSE.
inline std::error_code error_of_close(std::uint64_t code) noexcept {
    // Peers in JavaScript use the numbers of WebSocket (RFC 6455, section 7.4.1): a broken protocol, or a kind of
    // message that has no place here.
    constexpr std::uint64_t websocket_protocol = 1002, websocket_kind = 1003;
    if (code == static_cast<std::uint64_t>(TransportError::NoApplicationProtocol)) return make_error_code(Error::UnknownAlpn);
    const bool by_rule = code >= static_cast<std::uint64_t>(TransportError::FlowControl) &&
                         code <= static_cast<std::uint64_t>(TransportError::ProtocolViolation);
    const bool is_violation = by_rule || code == websocket_protocol || code == websocket_kind;
    return make_error_code(is_violation ? Error::ProtocolViolation : Error::Transport);
}

/// The part of a reason that is sent with a close. It is valid UTF-8: a peer would refuse the frame otherwise.
inline std::string_view reason_to_send(std::string_view reason) noexcept {
    constexpr std::size_t most = 1024;
    if (!comoq::detail::is_utf8(reason)) return {};
    if (reason.size() <= most) return reason;
    std::size_t size = most;
    while ((static_cast<unsigned char>(reason[size]) & 0xc0) == 0x80) --size;
    return reason.substr(0, size);
}

inline std::vector<std::byte> frame_of(const Fault &fault) {
    std::vector<std::byte> frame;
    encode(ConnectionClose{static_cast<std::uint64_t>(fault.code), static_cast<std::uint64_t>(fault.frame), fault.reason},
           frame);
    return frame;
}

}  // namespace comoq::qmux::detail
