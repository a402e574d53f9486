#include "access.hpp"

#include <string>
#include <utility>

Admission not_admitted(unsigned status, std::string_view reason) {
    Admission refused;
    refused.status = status;
    refused.reason = reason;
    return refused;
}

namespace {

// It refuses a target that has no views below it.
Admission admitted_to(std::optional<comoq::lite::SessionViews> views, std::optional<std::chrono::system_clock::time_point> expires) {
    constexpr unsigned forbidden = 403;
    if (!views) {
        return not_admitted(forbidden, "nothing is allowed there");
    }
    Admission admitted;
    admitted.views = std::move(views);
    admitted.expires = expires;
    return admitted;
}

}  // namespace

Admission admit(std::string_view target, const Rights &rights, const AuthKeys *keys, const comoq::Origin &origin,
                std::chrono::system_clock::time_point now) {
    constexpr unsigned unauthorized = 401;
    const auto token = keys != nullptr ? token_in(target) : std::string();
    if (token.empty()) {
        auto views = rights.at(target, origin);
        return views || keys == nullptr ? admitted_to(std::move(views), std::nullopt) : not_admitted(unauthorized, "no token");
    }
    const auto verdict = keys->check(token, now);
    return verdict.reach ? admitted_to(rights.at(target, origin, *verdict.reach), verdict.expires) : not_admitted(unauthorized, verdict.reason);
}

Admission admit_relay(std::string_view target, const Rights &rights, const comoq::Origin &origin, std::chrono::system_clock::time_point until) {
    Reach everything;
    everything.publish.emplace_back();
    everything.watch.emplace_back();
    return admitted_to(rights.at(target, origin, everything), until);
}

Admission admit_by_grant(const AuthGrant &grant, const Rights &rights, const comoq::Origin &origin) {
    // A target with such a character says something else.
    const auto root = grant.root.view();
    const bool is_target = root.find_first_of("?#") == std::string_view::npos;
    return admitted_to(is_target ? rights.at(root, origin, grant.reach) : std::nullopt, grant.expires);
}
