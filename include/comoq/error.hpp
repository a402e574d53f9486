// SPDX-License-Identifier: MIT
/// \file
/// Error codes: the failures of this library, and those of an application.
#pragma once

#include "config.hpp"
#include "detail/text/printed.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq {

/// The failures. Their values are fixed, and stay in this process: each protocol has its own numbers for them.
enum class Error : int {
    RequiredExtension = 1,   ///< The peer lacks an extension that is needed.
    Old = 2,                 ///< The group is older than its track keeps groups.
    Timeout = 3,             ///< A peer, or a limit of the caller's, took too long.
    Transport = 4,           ///< The connection is lost, or cannot be used.
    Decode = 5,              ///< Bytes of a peer do not mean anything.
    Unauthorized = 6,        ///< Outside of what this handle, or this client, may see or publish.
    Version = 9,             ///< Both sides have no version in common.
    UnexpectedStream = 10,   ///< The peer opened a stream that has no place in the protocol.
    BoundsExceeded = 11,     ///< A number is larger than its limit.
    Duplicate = 12,          ///< The name, or the number, exists already.
    NotFound = 13,           ///< Nobody has it, and no handler makes it.
    WrongSize = 14,          ///< A frame has another size than was declared.
    ProtocolViolation = 15,  ///< A peer, or the order of calls, breaks a rule.
    UnexpectedMessage = 16,  ///< The peer sent a message that has no place here.
    Unsupported = 17,        ///< The peer, or this build, cannot do it.
    Encode = 18,             ///< A message cannot hold it, or would be read as something else.
    TooManyParameters = 19,  ///< A message of the peer's has more parameters than are read.
    InvalidRole = 20,        ///< The peer does what its role does not allow.
    UnknownAlpn = 21,        ///< Both sides have no application protocol in common.
    Dropped = 24,            ///< A producer went without `finish()`.
    Closed = 25,             ///< It has ended well, or the handle is empty.
    Lagged = 26,             ///< The reader was too slow: what it had not read was dropped.
    FrameTooLarge = 27,      ///< The frame is larger than the limit.
    TimestampMismatch = 29,  ///< The time does not fit the timescale.
    Unroutable = 30,         ///< There is a way to it, which is broken at present.
    Evicted = 31,            ///< The origin needed the memory.
    Cancelled = 0x10000,     ///< The other side does not want it any more, or its source was cancelled.
    InvalidPath,             ///< The text is not a path (`Path`).
    RoutingLoop,             ///< A chain of relays goes in a circle.
    LimitReached,            ///< There are too many at a time.
    Internal,                ///< The peer failed, and does not say how.
    GoingAway,               ///< The peer is about to leave.
    GoawayTimeout,           ///< A peer that was told to leave did not leave in time.
    SessionClosed,           ///< The peer refuses a request, for a right or a limit, or its own session for it is over.
    GroupTooLarge,           ///< The group is larger than the limit.
    MalformedTrack,          ///< What came of a track cannot be read, or contradicts itself.
};

namespace detail {

inline constexpr std::uint32_t first_app_code = 64;

// The values from Cancelled on belong to errors of this process, with room for a few more of them. An application's
// code in that range has the top bit of its value set: without it, 64 + 65472 would be Cancelled.
inline constexpr std::uint32_t first_local_value = 0x10000;
inline constexpr std::uint32_t local_values = 16;
inline constexpr std::uint32_t moved_app_code = 0x8000'0000;

constexpr bool is_local_value(std::uint32_t value) noexcept {
    return value >= first_local_value && value - first_local_value < local_values;
}

constexpr std::uint32_t value_of_app_code(std::uint32_t code) noexcept {
    return is_local_value(code) ? code | moved_app_code : code;
}

constexpr std::uint32_t app_code_of_value(std::uint32_t value) noexcept {
    return is_local_value(value ^ moved_app_code) ? value ^ moved_app_code : value;
}

constexpr const char *text_of(Error error) noexcept {
    switch (error) {
    case Error::RequiredExtension:
        return "a required extension is missing";
    case Error::Old:
        return "too old, and no longer kept";
    case Error::Timeout:
        return "timed out";
    case Error::Transport:
        return "the transport failed";
    case Error::Decode:
        return "could not be decoded";
    case Error::Unauthorized:
        return "not authorized";
    case Error::Version:
        return "no common protocol version";
    case Error::UnexpectedStream:
        return "unexpected stream";
    case Error::BoundsExceeded:
        return "a value is out of bounds";
    case Error::Duplicate:
        return "exists already";
    case Error::NotFound:
        return "not found";
    case Error::WrongSize:
        return "the size differs from the declared one";
    case Error::ProtocolViolation:
        return "protocol violation";
    case Error::UnexpectedMessage:
        return "unexpected message";
    case Error::Unsupported:
        return "not supported";
    case Error::Encode:
        return "could not be encoded";
    case Error::TooManyParameters:
        return "too many parameters";
    case Error::InvalidRole:
        return "not allowed in this role";
    case Error::UnknownAlpn:
        return "unknown application protocol";
    case Error::Dropped:
        return "dropped by its producer";
    case Error::Closed:
        return "closed";
    case Error::Lagged:
        return "the reader fell too far behind";
    case Error::FrameTooLarge:
        return "the frame is too large";
    case Error::TimestampMismatch:
        return "the timestamp does not fit the timescale";
    case Error::Unroutable:
        return "no route";
    case Error::Evicted:
        return "evicted to make room";
    case Error::Cancelled:
        return "cancelled";
    case Error::InvalidPath:
        return "invalid path";
    case Error::RoutingLoop:
        return "routing loop";
    case Error::LimitReached:
        return "limit reached";
    case Error::Internal:
        return "internal error of the peer";
    case Error::GoingAway:
        return "going away";
    case Error::GoawayTimeout:
        return "did not leave in time";
    case Error::SessionClosed:
        return "not authorized, or the session was closed";
    case Error::GroupTooLarge:
        return "the group is too large";
    case Error::MalformedTrack:
        return "the track is malformed";
    }
    return nullptr;
}

/// Modules that hide their symbols may have a category each: all with that name are the same.
class COMOQ_VISIBLE ErrorCategory final : public std::error_category {
public:
    static constexpr const char *category_name = "comoq";
    const char *name() const noexcept override { return category_name; }

    bool equivalent(int value, const std::error_condition &condition) const noexcept override {
        return is_same(condition.category()) && condition.value() == value;
    }
    bool equivalent(const std::error_code &code, int value) const noexcept override {
        return is_same(code.category()) && code.value() == value;
    }

    static bool is_same(const std::error_category &other) noexcept {
        return std::string_view(other.name()) == category_name;
    }

    std::string message(int value) const override {
        if (value == 0) {
            return "success";
        }
        if (const char *text = text_of(static_cast<Error>(value))) {
            return text;
        }
        const auto bits = static_cast<std::uint32_t>(value);
        if (bits < first_app_code || is_local_value(bits)) {
            return "unknown error " + std::to_string(bits);
        }
        return "application error " + std::to_string(app_code_of_value(bits) - first_app_code);
    }
};

}  // namespace detail

/// The category of every code of this library, named "comoq". There is one for the whole process, unless modules that
/// hide their symbols are loaded apart from one another; the codes of all of them equal their `Error`.
COMOQ_VISIBLE inline const std::error_category &error_category() noexcept {
    static const detail::ErrorCategory category;
    return category;
}

/// The code of that failure. `std::error_code code = Error::Closed` calls it.
inline std::error_code make_error_code(Error error) noexcept { return {static_cast<int>(error), error_category()}; }

/// The message, as `std::error_code::message` has it. It is what fmt and streams print.
inline std::string to_string(Error error) { return error_category().message(static_cast<int>(error)); }

/// Whether it is this error, also if the code comes from another module, which has its own category.
inline bool operator==(const std::error_code &code, Error error) noexcept {
    return code.value() == static_cast<int>(error) && detail::ErrorCategory::is_same(code.category());
}

/// An application's own error: of the category "comoq", and 64 + n to a peer of moq-lite.
///
/// Its value is 64 + n too, as a signed number. If that would be one of the 16 values from `Error::Cancelled` on, the
/// value has its top bit set as well: an application error never equals an `Error`. The codes 0x8001'0000 to
/// 0x8001'000f are therefore not available and mean those without the top bit. An n too large for 64 + n to fit into 32
/// bits counts as the largest that fits. All others are distinct and survive the way to a peer and back.
inline std::error_code app_error(std::uint32_t n) noexcept {
    constexpr auto most = std::numeric_limits<std::uint32_t>::max() - detail::first_app_code;
    const std::uint32_t code = detail::first_app_code + (n < most ? n : most);
    return {static_cast<int>(detail::value_of_app_code(code)), error_category()};
}

/// The number of `ec` as peers knew it in August 2026, for programs that keep such numbers. No protocol uses it: what a
/// peer gets is up to the protocol.
///
/// An `Error` below `Cancelled` is its value, an application's error 64 + n. `Cancelled` is 0, and the errors after it
/// have the number of the nearest older one, as the code says. A code of any other category is 4 (`Transport`). A false
/// code is 0 whatever its category, because failing with a false code means failing with `Cancelled`.
inline std::uint32_t wire_code(std::error_code ec) noexcept {
    if (!ec) {
        return 0;
    }
    if (!detail::ErrorCategory::is_same(ec.category())) {
        return static_cast<std::uint32_t>(Error::Transport);
    }
    switch (static_cast<Error>(ec.value())) {
    case Error::Cancelled:
        return 0;
    case Error::InvalidPath:
        return static_cast<std::uint32_t>(Error::ProtocolViolation);
    case Error::RoutingLoop:
        return static_cast<std::uint32_t>(Error::Duplicate);
    case Error::LimitReached:
        return static_cast<std::uint32_t>(Error::Unauthorized);
    case Error::GoingAway:
    case Error::SessionClosed:
        return static_cast<std::uint32_t>(Error::Closed);
    case Error::GoawayTimeout:
        return static_cast<std::uint32_t>(Error::Timeout);
    case Error::GroupTooLarge:
        return static_cast<std::uint32_t>(Error::FrameTooLarge);
    case Error::MalformedTrack:
        return static_cast<std::uint32_t>(Error::Decode);
    default:
        break;
    }
    const auto value = static_cast<std::uint32_t>(ec.value());
    return detail::is_local_value(value) ? static_cast<std::uint32_t>(Error::Transport)
                                         : detail::app_code_of_value(value);
}

/// The meaning of such a number: 0 is `Cancelled`, 64 and above an application's error. A number below 64 without a name
/// here keeps its value. The result is never false, and its `wire_code` is `code` again (except for the 16 codes
/// described at `app_error`).
inline std::error_code error_from_wire(std::uint32_t code) noexcept {
    if (code == 0) {
        return make_error_code(Error::Cancelled);
    }
    return {static_cast<int>(detail::value_of_app_code(code)), error_category()};
}

}  // namespace comoq

template <> struct std::is_error_code_enum<comoq::Error> : std::true_type {};

COMOQ_PRINTED(comoq::Error);
