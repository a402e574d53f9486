// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../error.hpp"
#include "http_fields.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::websocket {

/// \file
/// The heads of HTTP/1.1 (RFC 9112), as far as an upgrade and a plain GET of a file need them. Lines end in CRLF and are
/// not folded.

/// In bytes, including the empty line at its end. A browser's cookies fit, with room to spare.
inline constexpr std::size_t max_head_size = 16 * 1024;

/// The head of a request.
struct RequestHead {
    std::string method = "GET";  ///< Such as GET.
    std::string target = "/";    ///< The path and the query, as they were written.
    unsigned minor_version = 1;  ///< Of HTTP/1: 0 or 1.
    Fields fields;               ///< All of them, `Host` too.

    /// Whether the client expects to send another request after the answer.
    bool keeps_alive() const;
    /// Whether the request has a body behind its head.
    bool has_body() const noexcept;
};

/// The head of a response.
struct ResponseHead {
    unsigned status = 200;       ///< Such as 101 for an accepted upgrade.
    std::string reason = "OK";   ///< The text behind the status.
    unsigned minor_version = 1;  ///< Of HTTP/1: 0 or 1.
    Fields fields;               ///< All of them.
};

/// The size of the head in bytes; nothing if more input is needed. Sets `failure` for input that cannot become a head:
/// BoundsExceeded if it is longer than `max_head_size`, Decode for bytes that never occur in a head, such as the
/// beginning of TLS. An earlier call has looked at the first `known` bytes.
std::optional<std::size_t> head_size(std::string_view input, std::size_t known, std::error_code &failure) noexcept;

namespace detail {

/// Removes the text up to the next `delimiter`, and the delimiter, from `text`, and returns it; all of it if there is
/// none.
std::string_view take_until(std::string_view &text, std::string_view delimiter) noexcept;

/// 0 or 1; nothing for text that is not HTTP, with Decode, and for other versions of HTTP, with Version.
std::optional<unsigned> parse_version(std::string_view text, std::error_code &failure) noexcept;

/// All lines of `text` up to an empty one, which must be the last.
bool parse_fields(std::string_view text, Fields &fields, std::error_code &failure);

bool is_target(std::string_view text) noexcept;

void write_fields(const Fields &fields, std::string &to);

}  // namespace detail

/// Parses a whole head, as measured by `head_size`. Sets `failure` to Decode for a malformed head, Version for an HTTP
/// version other than 1.0 and 1.1, BoundsExceeded for more fields than `max_fields`.
std::optional<RequestHead> parse_request(std::string_view head, std::error_code &failure);

/// As `parse_request`.
std::optional<ResponseHead> parse_response(std::string_view head, std::error_code &failure);

/// The text to send, always as HTTP/1.1. Throws Encode for a head that would be read as something else, such as one
/// with a line break in a value.
std::string to_text(const RequestHead &request);

/// As for a request.
std::string to_text(const ResponseHead &response);

}  // namespace comoq::websocket

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/websocket/http_head.ipp"
#endif
