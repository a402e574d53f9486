#include "auth_wire.hpp"

#if COMOQ_RELAY_TOKENS
#include "web_json.hpp"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

namespace {

Json question_json(const AuthQuestion &question, const char *event) {
    const std::string_view whole(question.target);
    const auto target = whole.substr(0, whole.find('#'));
    const auto mark = std::min(target.find('?'), target.size());
    Json json = {{"id", question.id}, {"event", event}, {"node", "comoq"}, {"transport", question.transport}, {"path", target.substr(0, mark)}};
    const auto add = [&json](const char *name, std::string_view value) {
        if (!value.empty()) {
            json[name] = value;
        }
    };
    add("remote", question.remote);
    add("server_name", question.server_name);
    add("alpn", question.protocol);
    add("query", target.substr(std::min(mark + 1, target.size())));
    return json;
}

// What a peer has written need not be UTF-8.
std::string text_of_json(const Json &json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

AuthVerdict no_grant(std::string_view reason) {
    AuthVerdict verdict;
    verdict.reason = reason;
    return verdict;
}

// The paths of patterns; false for those that are not everything below a path.
bool add_patterns(const Json &grant, const char *name, const comoq::Path &root, std::vector<comoq::Path> &to) {
    const auto found = grant.find(name);
    if (found == grant.end()) {
        return true;
    }
    // As many as a token may have.
    constexpr std::size_t most = 256;
    if (!found->is_array() || found->size() > most) {
        return false;
    }
    for (const Json &each : *found) {
        if (!each.is_string()) {
            return false;
        }
        std::string_view pattern = each.get_ref<const std::string &>();
        if (pattern == "**") {
            pattern = "";
        } else if (pattern.ends_with("/**")) {
            pattern.remove_suffix(3);
        } else {
            return false;
        }
        if (pattern.find('*') != std::string_view::npos) {
            return false;
        }
        to.push_back(root.join(comoq::Path(pattern)));
    }
    return true;
}

// A whole number that is not negative. False if there is something else.
bool read_seconds(const Json &grant, const char *name, std::optional<std::uint64_t> &seconds) {
    const auto found = grant.find(name);
    if (found == grant.end() || found->is_null()) {
        return true;
    }
    if (!found->is_number_unsigned()) {
        return false;
    }
    seconds = found->get<std::uint64_t>();
    return true;
}

}  // namespace

std::string connect_question(const AuthQuestion &question) { return text_of_json(question_json(question, "connect")); }

std::string revalidate_question(const AuthQuestion &question) { return text_of_json(question_json(question, "revalidate")); }

std::string end_message(const AuthQuestion &question, const AuthEnd &end) {
    auto json = question_json(question, "end");
    json["reason"] = end.reason;
    json["duration"] = std::chrono::duration<double>(end.duration).count();
    json["bytes"] = {{"sent", end.sent}, {"received", end.received}};
    return text_of_json(json);
}

AuthVerdict read_grant(std::string_view body, const comoq::Path &asked, std::chrono::system_clock::time_point now) {
    const auto json = object_from(body);
    if (!json) {
        return no_grant("the service's answer is not JSON");
    }
    AuthGrant grant;
    grant.root = asked;
    std::optional<std::uint64_t> expires, revalidate;
    try {
        if (const auto root = json->find("root"); root != json->end() && !root->is_null()) {
            if (!root->is_string()) {
                return no_grant("the service's grant is malformed");
            }
            grant.root = comoq::Path(root->get_ref<const std::string &>());
        }
        if (!add_patterns(*json, "publish", grant.root, grant.reach.publish) || !add_patterns(*json, "subscribe", grant.root, grant.reach.watch)) {
            return no_grant("the service's grant has patterns that this relay cannot keep to");
        }
    } catch (const std::system_error &) {
        // One of them is not a path.
        return no_grant("the service's grant is malformed");
    }
    if (!read_seconds(*json, "expires", expires) || !read_seconds(*json, "revalidate", revalidate)) {
        return no_grant("the service's grant is malformed");
    }
    if (json->contains("mounts") && !json->at("mounts").empty()) {
        return no_grant("the service's grant has mounts, which this relay has not");
    }
    if (grant.reach.empty()) {
        return no_grant("the service allows nothing");
    }
    if (revalidate && (!expires || *revalidate == 0)) {
        return no_grant("the service's grant is to be asked for again without an end, or at once");
    }
    if (expires) {
        // The clock goes no further than some 292 years.
        constexpr std::uint64_t last = 9'000'000'000;
        grant.expires = std::chrono::system_clock::time_point(std::chrono::seconds(std::min(*expires, last)));
        if (*grant.expires <= now) {
            return no_grant("the service's grant has expired");
        }
    }
    if (revalidate) {
        // A year.
        constexpr std::uint64_t longest = 31'536'000;
        grant.revalidate = std::chrono::seconds(std::min(*revalidate, longest));
    }
    AuthVerdict verdict;
    verdict.grant = std::move(grant);
    return verdict;
}

#else

std::string connect_question(const AuthQuestion &) { return {}; }
std::string revalidate_question(const AuthQuestion &) { return {}; }
std::string end_message(const AuthQuestion &, const AuthEnd &) { return {}; }
AuthVerdict read_grant(std::string_view, const comoq::Path &, std::chrono::system_clock::time_point) { return {}; }

#endif
