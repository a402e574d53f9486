#include "token.hpp"

#if COMOQ_RELAY_TOKENS
#include "web_json.hpp"
#endif

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <utility>

namespace {

// %XX and + of a form. What is malformed stays as it is: no token has it.
std::string form_decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        const char *const digits = text.data() + i + 1;
        if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
            plain += static_cast<char>(value);
            i += 2;
        } else {
            plain += text[i] == '+' ? ' ' : text[i];
        }
    }
    return plain;
}

}  // namespace

std::string token_in(std::string_view target) {
    target = target.substr(0, target.find('#'));
    std::string_view query = target.substr(std::min(target.find('?'), target.size()));
    std::string_view found;
    while (!query.empty()) {
        // The question mark, or the separator.
        query.remove_prefix(1);
        const auto pair = query.substr(0, query.find('&'));
        query.remove_prefix(pair.size());
        constexpr std::string_view name = "jwt=";
        if (pair.size() > name.size() && pair.starts_with(name)) {
            found = pair.substr(name.size());
        }
    }
    return form_decoded(found);
}

#if COMOQ_RELAY_TOKENS

namespace {

// A query is bounded by the head of a request, or SETUP: 16 KiB. This is the work that one that is wrong can cause.
constexpr std::size_t longest_token = 8192;

using SystemTime = std::chrono::system_clock::time_point;

TokenVerdict worthless(std::string_view reason) {
    TokenVerdict verdict;
    verdict.reason = reason;
    return verdict;
}

// A time of RFC 7519, in seconds of the epoch, which may have a fraction. False if it is none; `time` stays empty if it is
// missing, and is the last or first one that there is if it is beyond that.
bool read_time(const Json &claims, const char *name, std::optional<SystemTime> &time) {
    const auto found = claims.find(name);
    if (found == claims.end() || found->is_null()) {
        return true;
    }
    if (!found->is_number()) {
        return false;
    }
    const auto seconds = found->get<double>();
    // Some 35,000 years, which the clock's nanoseconds do not have either.
    constexpr double most = 9e9;
    if (std::isnan(seconds)) {
        return false;
    }
    using Fraction = std::chrono::duration<double>;
    time = SystemTime(std::chrono::duration_cast<SystemTime::duration>(Fraction(std::clamp(seconds, -most, most))));
    return true;
}

// A claim that is not one of these may narrow what the token allows: its maker knows something that we do not. Those of moq-auth
// that name single broadcasts, `publish` and `subscribe`, are among them.
bool has_other_claims(const Json &claims) {
    constexpr std::array<std::string_view, 10> known = {"root", "put", "get", "exp", "nbf", "aud", "iat", "iss", "sub", "jti"};
    for (const auto &claim : claims.items()) {
        if (std::ranges::find(known, claim.key()) == known.end()) {
            return true;
        }
    }
    return false;
}

bool is_for(const Json &claims, const std::string &audience) {
    const auto found = claims.find("aud");
    if (found == claims.end() || found->is_null()) {
        return audience.empty();
    }
    if (audience.empty()) {
        return false;
    }
    const auto is_it = [&audience](const Json &one) { return one.is_string() && one.get_ref<const std::string &>() == audience; };
    return found->is_array() ? std::ranges::any_of(*found, is_it) : is_it(*found);
}

}  // namespace

TokenVerdict check_token(std::string_view token, const TokenRules &rules, SystemTime now) {
    if (token.size() > longest_token) {
        return worthless("the token is too long");
    }
    const auto first = token.find('.'), second = token.rfind('.');
    if (first == std::string_view::npos || first == second || token.find('.', first + 1) != second) {
        return worthless("the token is malformed");
    }
    const auto head = from_base64url(token.substr(0, first));
    const auto body = from_base64url(token.substr(first + 1, second - first - 1));
    const auto signature = from_base64url(token.substr(second + 1));
    const auto header = head ? object_from(*head) : std::nullopt;
    if (!header || !body || !signature) {
        return worthless("the token is malformed");
    }
    // Whoever wrote it requires that we understand something that we do not.
    if (header->contains("crit")) {
        return worthless("the token asks for an extension");
    }
    const auto id = text_in(*header, "kid");
    if (!id && header->contains("kid")) {
        return worthless("the token is malformed");
    }
    const WebKey *const key = rules.key(id ? std::optional<std::string_view>(*id) : std::nullopt);
    if (key == nullptr) {
        return worthless("no key for the token");
    }
    // The key has one algorithm, whatever the token says.
    if (text_in(*header, "alg") != key->algorithm()) {
        return worthless("the token has another algorithm than its key");
    }
    if (!key->has_signed(token.substr(0, second), *signature)) {
        return worthless("the token's signature is wrong");
    }
    const auto claims = object_from(*body);
    std::optional<SystemTime> expires, begins;
    auto reach = claims ? reach_in(*claims) : std::nullopt;
    if (!reach || !read_time(*claims, "exp", expires) || !read_time(*claims, "nbf", begins)) {
        return worthless("the token's claims are malformed");
    }
    if (has_other_claims(*claims)) {
        return worthless("the token has claims that this relay does not know");
    }
    if (expires && now >= *expires) {
        return worthless("the token has expired");
    }
    if (begins && now < *begins) {
        return worthless("the token is not valid yet");
    }
    if (!is_for(*claims, rules.audience)) {
        return worthless("the token is for somebody else");
    }
    if (reach->empty()) {
        return worthless("the token allows nothing");
    }
    if (key->scope() && !key->scope()->covers(*reach)) {
        return worthless("the token allows more than its key may");
    }
    TokenVerdict verdict;
    verdict.reach = std::move(reach);
    verdict.expires = expires;
    return verdict;
}

#else

TokenVerdict check_token(std::string_view, const TokenRules &, std::chrono::system_clock::time_point) {
    TokenVerdict verdict;
    verdict.reason = "this relay knows no tokens";
    return verdict;
}

#endif
