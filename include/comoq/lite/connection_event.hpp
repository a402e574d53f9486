// SPDX-License-Identifier: MIT
/// \file
/// The steps of a connection that is kept.
#pragma once
#include "../connect_error.hpp"
#include "../error.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq::lite {

/// A step of `keep_connected`. Each attempt begins with Connecting and ends with Lost, SentAway or GivingUp; with Connected
/// in between, if it came that far. The texts are valid during the call.
struct ConnectionEvent {
    /// Which step.
    enum class Kind : std::uint8_t {
        /// An attempt begins.
        Connecting,
        /// The peer has said who it is. `protocol` is what both agreed on.
        Connected,
        /// An attempt failed, or a session ended: `code` and `reason` say why. The next attempt begins after `next_try`, which
        /// is 0 if no connection could be made to the address to which a peer had sent this side.
        Lost,
        /// The peer told this side to go elsewhere: `reason` is the address, if it named one. The next attempt begins after
        /// `next_try`, which may be 0.
        SentAway,
        /// An attempt failed, or a session ended, as for Lost. No attempt follows.
        GivingUp
    };

    /// Which step.
    Kind kind;
    /// How many attempts there were since the last session that lasted, with this one: 1 at first. One that made no
    /// connection to the address to which a peer had sent this side does not count.
    std::size_t attempt = 0;
    /// Of Connected: what both sides speak.
    std::string_view protocol = {};
    /// Of Lost and GivingUp: why. False if the session was closed in peace.
    std::error_code code = {};
    /// More about the code, if more is known: the peer's words, or those of the failure of `connect`. Of SentAway: the address,
    /// in quotes, and without user and query.
    std::string_view reason = {};
    /// Of Lost and SentAway: the time until the next attempt.
    std::chrono::milliseconds next_try = std::chrono::milliseconds(0);
};

/// Whether another attempt cannot end better than the one that failed with `code`: this side refuses the server's
/// certificate, the server speaks another scheme than the URL's, the two sides have no common protocol, or the peer refuses
/// this client. Meant for `ReconnectConfig::gives_up_on`.
inline bool cannot_get_better(std::error_code code) {
    for (const Error one : {Error::Unauthorized, Error::UnknownAlpn, Error::Version, Error::Unsupported})
        if (code == one) return true;
    for (const ConnectError one : {ConnectError::InvalidUrl, ConnectError::UnknownScheme, ConnectError::ServerSpeaksHttp,
                                     ConnectError::ServerSpeaksTls, ConnectError::ServerSpeaksQmux, ConnectError::ServerSpeaksNoTls})
        if (code == one) return true;
    if (is_certificate_error(code)) return true;
    // Of a program's own streams. OpenSSL has a name for it, whose number depends on OpenSSL's version.
    return code.category().name() == std::string_view("asio.ssl") &&
           code.message().find("certificate verify failed") != std::string::npos;
}

}  // namespace comoq::lite
