// A token that a client shows: a JSON Web Token (RFC 7519) with the claims of moq-token. No I/O: keys and time are given.
#pragma once

#include "web_key.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// The token in the query of a target, such as /room?jwt=abc: the last one that is not empty, as moq-relay takes it. Empty if
// there is none.
std::string token_in(std::string_view target);

// What a token is worth.
struct TokenVerdict {
    // Nothing: it is worth nothing.
    std::optional<Reach> reach;
    // Why, for a log: it says nothing of what is in the token.
    std::string_view reason;
    // When it ends, if it does.
    std::optional<std::chrono::system_clock::time_point> expires;
};

// What it is checked against.
struct TokenRules {
    // The key of that name; without a name, the only one. Null if there is none. It is valid until the call returns.
    std::function<const WebKey *(std::optional<std::string_view> id)> key;
    // Whom a token is for (`aud`). A token that names somebody else is not taken, and one that names nobody only if this is empty.
    std::string audience;
};

// Never throws for what a client can write. The claims are those of moq-token: `root`, `put`, `get` and `exp`; and `nbf` and
// `aud` of RFC 7519. `iat`, `iss`, `sub` and `jti` narrow nothing; a token with any other claim is worth nothing. `exp` is over at that
// second.
TokenVerdict check_token(std::string_view token, const TokenRules &rules, std::chrono::system_clock::time_point now);
