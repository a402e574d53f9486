// Whether a client is let in, and what it then may do: by its token, or by what anybody may do.
#pragma once

#include "auth_keys.hpp"
#include "auth_wire.hpp"
#include "rights.hpp"

#include <comoq/lite/session_config.hpp>
#include <comoq/origin.hpp>

#include <chrono>
#include <optional>
#include <string_view>

struct Admission {
    // Nothing: it is refused.
    std::optional<comoq::lite::SessionViews> views;
    // When this ends, if it does.
    std::optional<std::chrono::system_clock::time_point> expires;
    // Of a refusal: the status of HTTP, and why, for a log.
    unsigned status = 0;
    std::string_view reason;
};

// By the target for which a client asks, in a URL or in SETUP, query and all. Without keys a token is not looked at. With keys, one
// that is worth nothing is refused even where anybody is let in. No I/O. Any thread.
Admission admit(std::string_view target, const Rights &rights, const AuthKeys *keys, const comoq::Origin &origin,
                std::chrono::system_clock::time_point now);

// The same by the grant of a service, within what is allowed to all.
Admission admit_by_grant(const AuthGrant &grant, const Rights &rights, const comoq::Origin &origin);

// A refusal.
Admission not_admitted(unsigned status, std::string_view reason);

// The same for another relay, which has shown a certificate that is valid until then: it may do everything that anybody may.
Admission admit_relay(std::string_view target, const Rights &rights, const comoq::Origin &origin, std::chrono::system_clock::time_point until);
