// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../detail/wait/failure.hpp"
#include "../error.hpp"
#include "../qmux/negotiation.hpp"
#include "http_head.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::websocket {

/// \file
/// How a request becomes a WebSocket (RFC 6455, section 4), and which protocol it then carries. No extension is ever
/// negotiated: permessage-deflate does not make media smaller.

namespace detail {

std::string base64(std::span<const unsigned char> bytes);

/// 16 bytes in base64.
bool is_key(std::string_view text) noexcept;

}  // namespace detail

/// A new `Sec-WebSocket-Key`. Throws Unsupported if no random numbers are available.
std::string make_key();

/// The `Sec-WebSocket-Accept` that answers a key. Throws Unsupported where libcrypto has no SHA-1.
std::string accept_of(std::string_view key);

/// Whether it asks for a WebSocket, correctly or not.
bool is_upgrade(const RequestHead &request);

/// A server's answer to a request that asks for a WebSocket.
struct Answer {
    /// What to send to the client.
    ResponseHead response;
    /// The agreed subprotocol; nothing after a refusal. It points into the server's list.
    std::optional<qmux::Subprotocol> chosen;
    /// The reason for a refusal.
    std::error_code failure;
};

/// A refusal, and the last answer on this connection.
Answer refusal(unsigned status, std::string_view reason, std::error_code failure);

/// The refusal of a malformed head, with the failure of `head_size` or `parse_request`.
Answer refusal_of_head(std::error_code failure);

/// The answer of a server that speaks `ours`, the best first. It refuses with ProtocolViolation if the request is not a
/// handshake, with Version for a version of WebSocket other than 13, and with UnknownAlpn if both sides have no
/// protocol in common.
Answer answer_upgrade(const RequestHead &request, std::span<const std::string_view> ours);

/// The upgrade request of a client that speaks `ours`, the best first. `host` is as in a URL, with the port unless it
/// is the default one; `key` comes from `make_key`.
RequestHead upgrade_request(std::string_view host, std::string_view target, std::string_view key,
                                   std::span<const std::string_view> ours);

/// The subprotocol that the server's answer selects; it points into `ours`. Nothing if the server refuses, or does not
/// answer that request. `failure` is then set: by the status to Unauthorized, NotFound, Version, Transport (the server
/// cannot answer now) or Unsupported, otherwise to UnknownAlpn for a protocol that was not offered, and to
/// ProtocolViolation.
std::optional<qmux::Subprotocol> check_answer(const ResponseHead &response, std::string_view key,
                                                     std::span<const std::string_view> ours, std::error_code &failure);

}  // namespace comoq::websocket

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/websocket/handshake.ipp"
#endif
