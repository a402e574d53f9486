// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include <cstdint>
#include <string_view>
#include <system_error>

namespace comoq::lite {

/// Something that the peer of a session has done: what a log tells of, for example.
struct SessionEvent {
    /// What the peer has done.
    enum class Kind : std::uint8_t {
        /// The peer's broadcast is announced here. One that takes the place of another one of the peer's is not told.
        Announced,
        /// It is not announced any more: the peer has taken it back, or the session is over.
        Unannounced,
        /// The peer subscribes to a track, and gets it.
        Subscribed,
        /// That is over: everything was sent, or `code` says why not. It is Cancelled where the peer has left before that.
        Unsubscribed,
        /// The peer asks for a track, to subscribe to it, to fetch a group or to learn of it, and this side refuses.
        Refused
    };

    /// What the peer has done.
    Kind kind;
    /// Below the session's root. Of a request: as the peer has written it, normalised or not, of any length, or cut off
    /// after 1,024 bytes.
    std::string_view path;
    /// The track of a request, in the same way.
    std::string_view track;
    /// Why a request was refused, or a subscription has ended.
    std::error_code code;
};

}  // namespace comoq::lite
