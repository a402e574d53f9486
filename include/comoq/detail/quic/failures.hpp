// SPDX-License-Identifier: MIT
#pragma once
#include "ngtcp2.hpp"
#include "../../error.hpp"

#include <cstdint>
#include <string_view>
#include <system_error>

namespace comoq::quic::detail {

/// What the application gets for a failure of the library.
inline std::error_code error_of(int failure) noexcept {
    switch (failure) {
    case NGTCP2_ERR_FRAME_ENCODING:
    case NGTCP2_ERR_MALFORMED_TRANSPORT_PARAM:
        return make_error_code(Error::Decode);
    case NGTCP2_ERR_FLOW_CONTROL:
    case NGTCP2_ERR_STREAM_LIMIT:
    case NGTCP2_ERR_STREAM_STATE:
    case NGTCP2_ERR_FINAL_SIZE:
    case NGTCP2_ERR_PROTO:
    case NGTCP2_ERR_ACK_FRAME:
    case NGTCP2_ERR_CONNECTION_ID_LIMIT:
    case NGTCP2_ERR_REQUIRED_TRANSPORT_PARAM:
    case NGTCP2_ERR_TRANSPORT_PARAM:
        return make_error_code(Error::ProtocolViolation);
    case NGTCP2_ERR_IDLE_CLOSE:
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
        return make_error_code(Error::Timeout);
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
        return make_error_code(Error::Version);
    default:
        return make_error_code(Error::Transport);
    }
}
/// What a TLS alert says (RFC 8446, section 6). Empty for one that is not known.
inline std::string_view text_of_alert(std::uint64_t alert) noexcept {
    const char *text = gnutls_alert_get_name(static_cast<gnutls_alert_description_t>(alert));
    return text != nullptr ? std::string_view(text) : std::string_view();
}
/// What the application gets for the number of a peer's CONNECTION_CLOSE (RFC 9000, section 20.1).
inline std::error_code error_of_close(std::uint64_t number) noexcept {
    constexpr std::uint64_t flow_control = 0x03, protocol_violation = 0x0a;
    constexpr std::uint64_t no_protocol = NGTCP2_CRYPTO_ERROR + std::uint64_t{GNUTLS_A_NO_APPLICATION_PROTOCOL};
    if (number == no_protocol) return make_error_code(Error::UnknownAlpn);
    const bool is_violation = number >= flow_control && number <= protocol_violation;
    return make_error_code(is_violation ? Error::ProtocolViolation : Error::Transport);
}

}  // namespace comoq::quic::detail
