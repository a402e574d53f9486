#if COMOQ_RELAY_TOKENS
#include "web_json.hpp"

#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

namespace {

// Of one token, for each direction: a session looks at each of them for each announcement.
constexpr std::size_t most_paths = 256;

bool add_paths(const Json &object, const char *name, const comoq::Path &root, std::vector<comoq::Path> &to) {
    const auto found = object.find(name);
    if (found == object.end()) {
        return true;
    }
    const auto add_one = [&](const Json &one) {
        if (one.is_string() && to.size() < most_paths) {
            to.push_back(root.join(comoq::Path(one.get_ref<const std::string &>())));
            return true;
        }
        return false;
    };
    if (!found->is_array()) {
        return add_one(*found);
    }
    for (const auto &each : *found) {
        if (!add_one(each)) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::optional<Json> object_from(std::string_view text) {
    auto parsed = Json::parse(text, nullptr, false);
    return parsed.is_object() ? std::optional(std::move(parsed)) : std::nullopt;
}

std::optional<std::string> text_in(const Json &object, const char *name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
}

std::optional<Reach> reach_in(const Json &object) {
    comoq::Path root;
    Reach reach;
    try {
        if (const auto found = object.find("root"); found != object.end() && !found->is_null()) {
            if (!found->is_string()) {
                return std::nullopt;
            }
            root = comoq::Path(found->get_ref<const std::string &>());
        }
        if (!add_paths(object, "put", root, reach.publish) || !add_paths(object, "get", root, reach.watch)) {
            return std::nullopt;
        }
    } catch (const std::system_error &) {
        // One of them is not a path.
        return std::nullopt;
    }
    return reach;
}
#endif
