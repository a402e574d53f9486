// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The only header that includes ngtcp2 and its helper for GnuTLS. It hides how 0.12 (Debian 12) differs from 1.x.

#include "own_ids.hpp"

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace comoq::quic::detail {

/// Versions below 1.0 never free a unidirectional stream of the peer: each that has come costs about 230 bytes until the
/// end of the connection (ngtcp2's commit 1d591bde ended that), and with it the blocks of 8 KiB and more of what had come out
/// of order when the stream was reset. And nobody is told when one of them is over.
#if NGTCP2_VERSION_NUM < 0x010000
inline constexpr bool peer_uni_streams_stay = true;
#else
inline constexpr bool peer_uni_streams_stay = false;
#endif

#if NGTCP2_VERSION_NUM < 0x010000
using CloseError = ngtcp2_connection_close_error;
#else
using CloseError = ngtcp2_ccerr;
#endif

/// The text must outlive the error.
inline CloseError application_error(std::uint64_t number, std::string_view reason) noexcept {
    CloseError error;
    const auto *text = reinterpret_cast<const std::uint8_t *>(reason.data());
#if NGTCP2_VERSION_NUM < 0x010000
    ngtcp2_connection_close_error_default(&error);
    // 0.12 has no const here, and does not write.
    ngtcp2_connection_close_error_set_application_error(&error, number, const_cast<std::uint8_t *>(text), reason.size());
#else
    ngtcp2_ccerr_default(&error);
    ngtcp2_ccerr_set_application_error(&error, number, text, reason.size());
#endif
    return error;
}
/// What a failed call of the library means for the peer.
inline CloseError library_error(int failure) noexcept {
    CloseError error;
#if NGTCP2_VERSION_NUM < 0x010000
    ngtcp2_connection_close_error_default(&error);
    ngtcp2_connection_close_error_set_transport_error_liberr(&error, failure, nullptr, 0);
#else
    ngtcp2_ccerr_default(&error);
    ngtcp2_ccerr_set_liberr(&error, failure, nullptr, 0);
#endif
    return error;
}
inline CloseError tls_error(std::uint8_t alert) noexcept {
    CloseError error;
#if NGTCP2_VERSION_NUM < 0x010000
    ngtcp2_connection_close_error_default(&error);
    ngtcp2_connection_close_error_set_transport_error_tls_alert(&error, alert, nullptr, 0);
#else
    ngtcp2_ccerr_default(&error);
    ngtcp2_ccerr_set_tls_alert(&error, alert, nullptr, 0);
#endif
    return error;
}
/// With a number of RFC 9000, section 20.1.
inline CloseError transport_error(std::uint64_t number) noexcept {
    CloseError error;
#if NGTCP2_VERSION_NUM < 0x010000
    ngtcp2_connection_close_error_default(&error);
    ngtcp2_connection_close_error_set_transport_error(&error, number, nullptr, 0);
#else
    ngtcp2_ccerr_default(&error);
    ngtcp2_ccerr_set_transport_error(&error, number, nullptr, 0);
#endif
    return error;
}

/// How the peer closed the connection. The reason is valid as long as the connection.
struct PeerClose {
    bool is_application = false;
    std::uint64_t number = 0;
    std::string_view reason;
};
inline PeerClose close_of_peer(ngtcp2_conn *connection) noexcept {
#if NGTCP2_VERSION_NUM < 0x010000
    CloseError error;
    ngtcp2_conn_get_connection_close_error(connection, &error);
    const bool is_application = error.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION;
#else
    const CloseError &error = *ngtcp2_conn_get_ccerr(connection);
    const bool is_application = error.type == NGTCP2_CCERR_TYPE_APPLICATION;
#endif
    return {is_application, error.error_code, {reinterpret_cast<const char *>(error.reason), error.reasonlen}};
}

inline int shut_down_write(ngtcp2_conn *connection, std::int64_t stream, std::uint64_t number) noexcept {
#if NGTCP2_VERSION_NUM < 0x010000
    return ngtcp2_conn_shutdown_stream_write(connection, stream, number);
#else
    return ngtcp2_conn_shutdown_stream_write(connection, 0, stream, number);
#endif
}
inline int shut_down_read(ngtcp2_conn *connection, std::int64_t stream, std::uint64_t number) noexcept {
#if NGTCP2_VERSION_NUM < 0x010000
    return ngtcp2_conn_shutdown_stream_read(connection, stream, number);
#else
    return ngtcp2_conn_shutdown_stream_read(connection, 0, stream, number);
#endif
}

/// In nanoseconds: the smoothed round trip.
inline std::uint64_t round_trip_of(ngtcp2_conn *connection) noexcept {
#if NGTCP2_VERSION_NUM < 0x010000
    ngtcp2_conn_stat stat;
    ngtcp2_conn_get_conn_stat(connection, &stat);
    return stat.first_rtt_sample_ts == UINT64_MAX ? 0 : stat.smoothed_rtt;
#else
    ngtcp2_conn_info info;
    ngtcp2_conn_get_conn_info(connection, &info);
    // The library has no least round trip before its first sample.
    return info.min_rtt == UINT64_MAX ? 0 : info.smoothed_rtt;
#endif
}

inline bool is_handshake_over(ngtcp2_conn *connection) noexcept {
    return ngtcp2_conn_get_handshake_completed(connection) != 0;
}

/// What the head of a client's first packet has as a token.
inline std::span<const std::byte> token_of(const ngtcp2_pkt_hd &head) noexcept {
#if NGTCP2_VERSION_NUM < 0x010000
    return {reinterpret_cast<const std::byte *>(head.token.base), head.token.len};
#else
    return {reinterpret_cast<const std::byte *>(head.token), head.tokenlen};
#endif
}
/// Where a client's token comes from.
enum class TokenKind { OfRetry, OfEarlierConnection };
/// The token of a client, for its server; or one that a server has verified: the address is then the client's. The token
/// must stay for the call that makes the connection.
inline void set_token(ngtcp2_settings &settings, std::span<const std::byte> token, TokenKind kind) noexcept {
    const auto *octets = reinterpret_cast<const std::uint8_t *>(token.data());
#if NGTCP2_VERSION_NUM < 0x010000
    // 0.12 has no const here, and copies.
    static_cast<void>(kind);
    settings.token = {const_cast<std::uint8_t *>(octets), token.size()};
#else
    settings.token = octets;
    settings.tokenlen = token.size();
    settings.token_type = kind == TokenKind::OfRetry ? NGTCP2_TOKEN_TYPE_RETRY : NGTCP2_TOKEN_TYPE_NEW_TOKEN;
#endif
}
/// The callback for a token that the server gives, which `take` gets with the user's pointer.
#if NGTCP2_VERSION_NUM < 0x010000
template <int (*take)(std::span<const std::byte>, void *)> int new_token(ngtcp2_conn *, const ngtcp2_vec *token, void *user) noexcept {
    return take({reinterpret_cast<const std::byte *>(token->base), token->len}, user);
}
#else
template <int (*take)(std::span<const std::byte>, void *)>
int new_token(ngtcp2_conn *, const std::uint8_t *token, std::size_t size, void *user) noexcept {
    return take({reinterpret_cast<const std::byte *>(token), size}, user);
}
#endif

/// A server must say which connection id its client chose first.
inline void set_original_id(ngtcp2_transport_params &parameters, const ngtcp2_cid &id) noexcept {
    parameters.original_dcid = id;
#if NGTCP2_VERSION_NUM >= 0x010000
    parameters.original_dcid_present = 1;
#endif
}

}  // namespace comoq::quic::detail
