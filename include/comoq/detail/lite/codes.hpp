// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../error.hpp"
#include "../../transport_code.hpp"
#include "../session/code_registry.hpp"
#include "version.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <system_error>

namespace comoq::lite {

// The numbers of moq-lite for errors (moq-net 0.3). There are two registries: one for streams (RESET, STOP, and the
// error in SUBSCRIBE_DROP), and one for the end of a session. Every version sends the same numbers. Before them, peers
// had the numbers of August 2026, which are read on moq-lite-05 where they have no other meaning now.
//
// A number without a meaning here keeps its value: it is passed on unchanged in its own registry, and says Internal in
// the other one. So do the numbers of applications, which are the same in both.

/// What a stream carries: some numbers mean something else about a group, or about a track that is subscribed to, than
/// about any other request.
enum class StreamUse : std::uint8_t { Request, Subscription, Group };

namespace detail {

using comoq::detail::CodeRow;
using comoq::detail::UnknownCodes;

/// Numbers that are sent and read.
inline constexpr CodeRow stream_codes[] = {
    {0x00, Error::Internal},
    {0x01, Error::Cancelled},
    {0x02, Error::Timeout},
    {0x03, Error::SessionClosed},
    {0x04, Error::GoingAway},
    {0x05, Error::Lagged},
    {0x12, Error::MalformedTrack},
    {0x31, Error::Timeout},
    {0x32, Error::GroupTooLarge},
    {0x33, Error::NotFound},
    {0x34, Error::Old},
    {0x35, Error::Evicted},
    {0x36, Error::Unroutable},
    {0x37, Error::WrongSize},
    {0x38, Error::FrameTooLarge},
    {0x39, Error::TimestampMismatch},
};
/// Errors that have no number of their own.
inline constexpr CodeRow stream_codes_sent[] = {
    {0x01, Error::Closed},
    {0x03, Error::Unauthorized},
    {0x03, Error::ProtocolViolation},
    {0x03, Error::Version},
    {0x03, Error::LimitReached},
    {0x03, Error::GoawayTimeout},
    {0x12, Error::Decode},
    {0x12, Error::BoundsExceeded},
    {0x12, Error::InvalidPath},
};
inline constexpr std::uint64_t stream_internal = 0x00, stream_cancelled = 0x01;
inline constexpr std::uint64_t delivery_timeout = 0x02, control_timeout = 0x31;

inline constexpr CodeRow session_codes[] = {
    {0x00, Error::Cancelled},
    {0x01, Error::Internal},
    {0x02, Error::Unauthorized},
    {0x03, Error::ProtocolViolation},
    {0x06, Error::TooManyParameters},
    {0x10, Error::GoawayTimeout},
    {0x11, Error::Timeout},
    {0x15, Error::Version},
};
inline constexpr CodeRow session_codes_sent[] = {
    {0x00, Error::Closed},
    {0x00, Error::GoingAway},
    {0x02, Error::LimitReached},
    {0x03, Error::Decode},
    {0x03, Error::Duplicate},
    {0x03, Error::WrongSize},
    {0x03, Error::InvalidRole},
    {0x03, Error::UnexpectedStream},
    {0x03, Error::UnexpectedMessage},
    {0x03, Error::BoundsExceeded},
    {0x15, Error::UnknownAlpn},
};
inline constexpr std::uint64_t session_closed = 0x00, session_internal = 0x01;

inline constexpr std::uint64_t unauthorized_of_august = 6;

COMOQ_VISIBLE inline const UnknownCodes &unknown_stream_codes() noexcept {
    static const UnknownCodes category("moq-lite stream code");
    return category;
}
COMOQ_VISIBLE inline const UnknownCodes &unknown_session_codes() noexcept {
    static const UnknownCodes category("moq-lite session code");
    return category;
}

/// The error that a number of August 2026 stood for, unless it stood for none.
inline std::optional<Error> error_of_august(std::uint64_t number) noexcept {
    if (number == 0 || number >= comoq::detail::first_app_code) return std::nullopt;
    const auto error = static_cast<Error>(number);
    return comoq::detail::text_of(error) != nullptr ? std::optional(error) : std::nullopt;
}

}  // namespace detail

/// The number with which a stream is reset or stopped. A false code means Cancelled, and so does a wait that was
/// cancelled here.
inline std::uint64_t stream_code(std::error_code code, StreamUse use) noexcept {
    if (comoq::detail::is_cancelled(code)) return detail::stream_cancelled;
    if (code == Error::Timeout) return use == StreamUse::Group ? detail::delivery_timeout : detail::control_timeout;
    return comoq::detail::number_of(code, detail::stream_codes, detail::stream_codes_sent, detail::unknown_stream_codes(),
                                    detail::stream_internal);
}

/// The number with which a session is closed; 0 if all is well.
inline std::uint64_t session_code(std::error_code code) noexcept {
    if (comoq::detail::is_cancelled(code)) return detail::session_closed;
    return comoq::detail::number_of(code, detail::session_codes, detail::session_codes_sent, detail::unknown_session_codes(),
                                    detail::session_internal);
}

/// The meaning of a number with which the peer reset or stopped a stream. Never false.
inline std::error_code stream_error(std::uint64_t number, Version version, StreamUse use) noexcept {
    // A publisher that goes without finishing its track has no other number for that.
    if (number == detail::stream_internal && use == StreamUse::Subscription) return make_error_code(Error::Dropped);
    if (version == Version::Draft05) {
        // Peers in JavaScript and older ones say 0 for every reason, above all when they leave.
        if (number == detail::stream_internal) return make_error_code(Error::Cancelled);
        // Older peers mean a group that came too late.
        if (number == detail::delivery_timeout && use == StreamUse::Group) return make_error_code(Error::Old);
    }
    if (const auto error = comoq::detail::error_in(detail::stream_codes, number)) return make_error_code(*error);
    if (version == Version::Draft05)
        if (const auto error = detail::error_of_august(number)) return make_error_code(*error);
    return comoq::detail::error_beyond(number, detail::unknown_stream_codes());
}

/// The meaning of a number with which the peer closed the session. Never false: 0, a close in peace, is Cancelled.
inline std::error_code session_error(std::uint64_t number, Version version) noexcept {
    const bool is_05 = version == Version::Draft05;
    // The other meaning, a malformed parameter, would be this side's own fault.
    if (is_05 && number == detail::unauthorized_of_august) return make_error_code(Error::Unauthorized);
    if (const auto error = comoq::detail::error_in(detail::session_codes, number)) return make_error_code(*error);
    if (is_05)
        if (const auto error = detail::error_of_august(number)) return make_error_code(*error);
    return comoq::detail::error_beyond(number, detail::unknown_session_codes());
}

/// The meaning of the code with which a stream failed: what the number of its end, or of the connection's, says. Any
/// other code is of this side, and means itself.
inline std::error_code meaning_of(std::error_code failure, Version version, StreamUse use) noexcept {
    if (const auto number = stream_end_number(failure)) return stream_error(*number, version, use);
    const auto number = failure ? connection_end_number(failure) : std::nullopt;
    return number ? session_error(*number, version) : failure;
}

}  // namespace comoq::lite
