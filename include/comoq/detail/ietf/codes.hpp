// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../transport_code.hpp"
#include "../session/code_registry.hpp"
#include "close_code.hpp"
#include "dialect.hpp"

#include <cstdint>
#include <span>
#include <system_error>

namespace comoq::ietf {

// MoQ Transport has four registries of numbers: of sessions, of refused requests, of the ends of subscriptions, and of
// streams. A number that nobody here knows is passed on within its registry, and ends no session.

namespace detail {

using comoq::detail::CodeRow;
using comoq::detail::error_of;
using comoq::detail::is_cancelled;
using comoq::detail::number_of;
using comoq::detail::UnknownCodes;

inline constexpr CodeRow session_rows[] = {
    {0x0, Error::Cancelled},        {0x1, Error::Internal},        {0x2, Error::Unauthorized},
    {0x3, Error::ProtocolViolation}, {0x10, Error::GoawayTimeout}, {0x11, Error::Timeout},
    {0x15, Error::Version},
};
inline constexpr CodeRow session_rows_sent[] = {
    {0x0, Error::Closed},           {0x0, Error::GoingAway},         {0x1, Error::LimitReached},
    {0x3, Error::Decode},           {0x3, Error::UnexpectedMessage}, {0x3, Error::UnexpectedStream},
    {0x3, Error::BoundsExceeded},   {0x15, Error::UnknownAlpn},
};
inline constexpr CodeRow request_rows[] = {
    {0x0, Error::Internal},     {0x1, Error::Unauthorized},  {0x2, Error::Timeout},  {0x3, Error::Unsupported},
    {0x6, Error::GoingAway},    {0x9, Error::LimitReached},  {0x10, Error::NotFound}, {0x11, Error::BoundsExceeded},
    {0x12, Error::MalformedTrack}, {0x19, Error::Duplicate}, {0x20, Error::Cancelled}, {0x33, Error::RequiredExtension},
};
inline constexpr CodeRow request_rows_sent[] = {
    {0x6, Error::Unroutable}, {0x10, Error::InvalidPath}, {0x10, Error::Dropped}, {0x10, Error::Closed},
    {0x10, Error::Old},       {0x10, Error::Evicted},     {0x10, Error::Lagged},  {0x1, Error::SessionClosed},
};
inline constexpr CodeRow done_rows[] = {
    {0x0, Error::Internal}, {0x1, Error::Unauthorized}, {0x2, Error::Closed},       {0x3, Error::Cancelled},
    {0x4, Error::GoingAway}, {0x5, Error::Lagged},      {0x6, Error::Old},          {0x9, Error::LimitReached},
    {0x12, Error::MalformedTrack},
};
inline constexpr CodeRow done_rows_sent[] = {
    {0x2, Error::Dropped},        {0x5, Error::Timeout},   {0x1, Error::SessionClosed},
    {0x12, Error::ProtocolViolation}, {0x12, Error::Decode}, {0x4, Error::Unroutable},
};
inline constexpr CodeRow stream_rows[] = {
    {0x0, Error::Internal},   {0x1, Error::Cancelled}, {0x2, Error::Old},           {0x3, Error::SessionClosed},
    {0x4, Error::GoingAway},  {0x5, Error::Lagged},    {0x9, Error::LimitReached},  {0x12, Error::MalformedTrack},
};
inline constexpr CodeRow stream_rows_sent[] = {
    {0x1, Error::Closed},       {0x2, Error::Timeout}, {0x5, Error::Evicted},          {0x12, Error::WrongSize},
    {0x9, Error::FrameTooLarge}, {0x9, Error::GroupTooLarge}, {0x12, Error::ProtocolViolation}, {0x12, Error::Decode},
};

inline constexpr std::uint64_t internal_error = 0;
// Of streams.
inline constexpr std::uint64_t cancelled = 0x1, going_away = 0x4, unknown_status = 0x6;

COMOQ_VISIBLE inline const UnknownCodes &unknown_session_numbers() noexcept {
    static const UnknownCodes category("MoQ Transport session code");
    return category;
}
COMOQ_VISIBLE inline const UnknownCodes &unknown_request_numbers() noexcept {
    static const UnknownCodes category("MoQ Transport request code");
    return category;
}
COMOQ_VISIBLE inline const UnknownCodes &unknown_done_numbers() noexcept {
    static const UnknownCodes category("MoQ Transport end of a subscription");
    return category;
}
COMOQ_VISIBLE inline const UnknownCodes &unknown_stream_numbers() noexcept {
    static const UnknownCodes category("MoQ Transport stream code");
    return category;
}

}  // namespace detail

/// Numbers of sessions that have no `Error`.
enum class SessionFault : std::uint64_t {
    InvalidRequestId = 0x4,
    DuplicateTrackAlias = 0x5,
    KeyValueFormatting = 0x6,
    TooManyRequests = 0x7,
    InvalidPath = 0x8,
    MalformedPath = 0x9,
    TokenCacheOverflow = 0x13,
    UnknownTokenAlias = 0x17,
    InvalidAuthority = 0x19,
};
/// Numbers of refusals that have no `Error`.
enum class RequestFault : std::uint64_t { Uninterested = 0x20, PrefixOverlap = 0x30, InvalidJoiningRequest = 0x32 };

/// What ends a session.
inline std::error_code make_code(SessionFault fault) noexcept {
    return detail::unknown_session_numbers().code_of(static_cast<std::uint64_t>(fault));
}
/// What a request is refused with.
inline std::error_code make_code(RequestFault fault) noexcept {
    return detail::unknown_request_numbers().code_of(static_cast<std::uint64_t>(fault));
}
/// What ends a session whose peer wrote something wrong.
inline std::error_code fault_of(CloseCode code) noexcept {
    if (code == CloseCode::KeyValueFormatting) return make_code(SessionFault::KeyValueFormatting);
    return make_error_code(code == CloseCode::InternalError ? Error::LimitReached : Error::ProtocolViolation);
}

/// The number with which a session is closed; 0 if all is well.
inline std::uint64_t session_number(std::error_code code) noexcept {
    if (detail::is_cancelled(code)) return 0;
    return detail::number_of(code, detail::session_rows, detail::session_rows_sent, detail::unknown_session_numbers(), 1);
}
inline std::error_code session_error(std::uint64_t number) noexcept {
    return detail::error_of(number, detail::session_rows, detail::unknown_session_numbers());
}
/// The number of a refusal.
inline std::uint64_t request_number(std::error_code code) noexcept {
    if (detail::is_cancelled(code)) return detail::internal_error;
    return detail::number_of(code, detail::request_rows, detail::request_rows_sent, detail::unknown_request_numbers(),
                             detail::internal_error);
}
inline std::error_code request_error(std::uint64_t number) noexcept {
    return detail::error_of(number, detail::request_rows, detail::unknown_request_numbers());
}
/// The status of a subscription whose range is over.
inline constexpr std::uint64_t range_end_number = 0x3;
/// The status with which a subscription is over; a false code is the track's end.
inline std::uint64_t done_number(std::error_code code) noexcept {
    if (!code) return 0x2;
    return detail::number_of(code, detail::done_rows, detail::done_rows_sent, detail::unknown_done_numbers(),
                             detail::internal_error);
}
/// False for the end of a track, or of what was wanted of it.
inline std::error_code done_error(std::uint64_t number) noexcept {
    if (number == 0x2 || number == range_end_number) return {};
    return detail::error_of(number, detail::done_rows, detail::unknown_done_numbers());
}
/// The number with which a stream is reset or stopped.
inline std::uint64_t stream_number(std::error_code code) noexcept {
    if (detail::is_cancelled(code)) return 0x1;
    return detail::number_of(code, detail::stream_rows, detail::stream_rows_sent, detail::unknown_stream_numbers(),
                             detail::internal_error);
}
inline std::error_code stream_error(std::uint64_t number) noexcept {
    return detail::error_of(number, detail::stream_rows, detail::unknown_stream_numbers());
}

/// The same, as a draft has it. An older one has no number for a peer that goes away.
inline std::uint64_t stream_number(std::error_code code, const Dialect &dialect) noexcept {
    const std::uint64_t number = stream_number(code);
    return dialect.old_ends && number == detail::going_away ? detail::cancelled : number;
}
inline std::error_code stream_error(std::uint64_t number, const Dialect &dialect) noexcept {
    return stream_error(dialect.old_ends && number == detail::going_away ? detail::unknown_status : number);
}

/// The meaning of the code with which a stream failed: what the number of its end, or of the connection's, says. Any other
/// code is of this side, and means itself.
inline std::error_code meaning_of(std::error_code failure, const Dialect &dialect) noexcept {
    if (const auto number = stream_end_number(failure)) return stream_error(*number, dialect);
    const auto number = failure ? connection_end_number(failure) : std::nullopt;
    return number ? session_error(*number) : failure;
}

/// Whether a stream has failed with its connection, and not by itself or by a cancellation.
inline bool is_loss(std::error_code failure) noexcept {
    return !detail::is_cancelled(failure) && !stream_end_number(failure);
}

}  // namespace comoq::ietf
