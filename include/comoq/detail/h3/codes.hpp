// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace comoq::h3 {

/// The numbers with which HTTP/3 (RFC 9114, section 8.1; RFC 9204, section 6; RFC 9297, section 5.2) and WebTransport
/// (draft-ietf-webtrans-http3) end streams and connections.
enum class Code : std::uint64_t {
    None = 0,  ///< All is well so far. It has no number on the wire.
    DatagramError = 0x33,
    NoError = 0x100,
    InternalError = 0x102,
    StreamCreationError = 0x103,
    ClosedCriticalStream = 0x104,
    FrameUnexpected = 0x105,
    FrameError = 0x106,
    ExcessiveLoad = 0x107,
    IdError = 0x108,
    SettingsError = 0x109,
    MissingSettings = 0x10a,
    RequestRejected = 0x10b,
    RequestCancelled = 0x10c,
    RequestIncomplete = 0x10d,
    MessageError = 0x10e,
    QpackDecompressionFailed = 0x200,
    QpackEncoderStreamError = 0x201,
    QpackDecoderStreamError = 0x202,
    FlowControlError = 0x045d4487,
    AlpnError = 0x0817b3dd,
    SessionGone = 0x170d7b68,
    RequirementsNotMet = 0x212c0d48,
    BufferedStreamRejected = 0x3994bd84,
};

constexpr std::uint64_t number_of(Code code) noexcept { return static_cast<std::uint64_t>(code); }

}  // namespace comoq::h3
