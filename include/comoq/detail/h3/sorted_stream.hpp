// SPDX-License-Identifier: MIT
#pragma once
#include "../wire/varint.hpp"
#include "codes.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace comoq::h3 {

// The first number of a stream says what it is (RFC 9114, section 6.2; draft-ietf-webtrans-http3, section 4).

inline constexpr std::uint64_t control_stream = 0x00, push_stream = 0x01, qpack_encoder_stream = 0x02, qpack_decoder_stream = 0x03;
inline constexpr std::uint64_t session_uni_stream = 0x54, session_bidi_stream = 0x41;

/// In the place of a type: no type has this number.
inline constexpr std::uint64_t request_stream = std::uint64_t{1} << 62;

/// The most bytes before a stream is known: two integers.
inline constexpr std::size_t longest_stream_head = 16;

/// What the first bytes of a peer's stream say.
struct SortedStream {
    enum class Kind {
        Unknown,   ///< There are too few of them.
        Session,   ///< It belongs to the session `value`.
        Protocol,  ///< It is one of HTTP/3's own: of the type `value`, or a request.
        Refused,   ///< Nobody here knows its type: it is stopped with `code`.
        Wrong,     ///< The connection ends with `code`.
    };
    Kind kind = Kind::Unknown;
    /// Bytes that are not for the reader of the stream.
    std::size_t size = 0;
    std::uint64_t value = 0;
    Code code = Code::None;
};

inline SortedStream sort_stream(std::span<const std::byte> begin, bool is_uni, bool by_client) noexcept {
    using Kind = SortedStream::Kind;
    const auto type = comoq::detail::read_varint(begin);
    if (!type) return {};
    if (type->value != (is_uni ? session_uni_stream : session_bidi_stream)) {
        if (is_uni && type->value == push_stream) return {Kind::Wrong, 0, 0, by_client ? Code::StreamCreationError : Code::IdError};
        if (is_uni && type->value > qpack_decoder_stream) return {Kind::Refused, 0, 0, Code::StreamCreationError};
        if (is_uni) return {Kind::Protocol, type->size, type->value, Code::None};
        // A server has no requests.
        if (!by_client) return {Kind::Wrong, 0, 0, Code::StreamCreationError};
        return {Kind::Protocol, 0, request_stream, Code::None};
    }
    const auto session = comoq::detail::read_varint(begin.subspan(type->size));
    if (!session) return {};
    // It is the id of a bidirectional stream of the client's.
    if (session->value % 4 != 0) return {Kind::Wrong, 0, 0, Code::IdError};
    return {Kind::Session, type->size + session->size, session->value, Code::None};
}

}  // namespace comoq::h3
