#include "access.hpp"

#include <string>
#include <utility>

Admission not_admitted(unsigned status, std::string_view reason) {
    Admission refused;
    refused.status = status;
    refused.reason = reason;
    return refused;
}

Admission admit(std::string_view target, const Rights &rights, const AuthKeys *keys, const comoq::Origin &origin,
                std::chrono::system_clock::time_point now) {
    constexpr unsigned unauthorized = 401, forbidden = 403;
    const auto token = keys != nullptr ? token_in(target) : std::string();
    Admission admitted;
    if (token.empty()) {
        admitted.views = rights.at(target, origin);
        if (!admitted.views && keys != nullptr) {
            return not_admitted(unauthorized, "no token");
        }
    } else {
        const auto verdict = keys->check(token, now);
        if (!verdict.reach) {
            return not_admitted(unauthorized, verdict.reason);
        }
        admitted.views = rights.at(target, origin, *verdict.reach);
        admitted.expires = verdict.expires;
    }
    return admitted.views ? std::move(admitted) : not_admitted(forbidden, "nothing is allowed there");
}

Admission admit_relay(std::string_view target, const Rights &rights, const comoq::Origin &origin, std::chrono::system_clock::time_point until) {
    constexpr unsigned forbidden = 403;
    Reach everything;
    everything.publish.emplace_back();
    everything.watch.emplace_back();
    Admission admitted;
    admitted.views = rights.at(target, origin, everything);
    admitted.expires = until;
    return admitted.views ? std::move(admitted) : not_admitted(forbidden, "nothing is allowed there");
}

Admission admit_by_grant(const AuthGrant &grant, const Rights &rights, const comoq::Origin &origin) {
    constexpr unsigned forbidden = 403;
    Admission admitted;
    // A target with such a character says something else.
    const auto root = grant.root.view();
    if (root.find_first_of("?#") == std::string_view::npos) {
        admitted.views = rights.at(root, origin, grant.reach);
    }
    admitted.expires = grant.expires;
    return admitted.views ? std::move(admitted) : not_admitted(forbidden, "nothing is allowed there");
}
