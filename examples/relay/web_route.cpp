#include "web_route.hpp"

#include <comoq/path.hpp>

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <system_error>

namespace {

WebRoute route(WebRoute::Kind kind) {
    WebRoute made;
    made.kind = kind;
    return made;
}

// False for anything but a number.
bool read_group(std::string_view query, std::optional<std::uint64_t> &group) {
    while (!query.empty()) {
        const auto pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        constexpr std::string_view name = "group=";
        if (!pair.starts_with(name)) {
            continue;
        }
        std::uint64_t number = 0;
        const char *const end = pair.data() + pair.size();
        const auto [stopped, failure] = std::from_chars(pair.data() + name.size(), end, number);
        if (failure != std::errc() || stopped != end || group) {
            return false;
        }
        group = number;
    }
    return true;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
        if (text.front() != '%') {
            plain += text.front();
            text.remove_prefix(1);
            continue;
        }
        unsigned char value = 0;
        if (text.size() < 3) {
            return std::nullopt;
        }
        const char *digits = text.data() + 1;
        const auto [end, failure] = std::from_chars(digits, digits + 2, value, 16);
        if (failure != std::errc() || end != digits + 2 || value == 0 || value == '/') {
            return std::nullopt;
        }
        plain += static_cast<char>(value);
        text.remove_prefix(3);
    }
    return plain;
}

WebRoute route_of(std::string_view target) {
    using Kind = WebRoute::Kind;
    target = target.substr(0, target.find('#'));
    const auto question = std::min(target.find('?'), target.size());
    const auto path = target.substr(0, question);
    if (path == "/health") {
        return route(Kind::Health);
    }
    if (path == "/certificate.sha256") {
        return route(Kind::Certificate);
    }
    if (path == "/metrics") {
        return route(Kind::Metrics);
    }
    constexpr std::string_view announced = "/announced", fetch = "/fetch/";
    const bool is_list = path == announced || path.starts_with("/announced/");
    if (!is_list && !path.starts_with(fetch)) {
        return {};
    }
    auto made = route(is_list ? Kind::Announced : Kind::Fetch);
    const auto rest = percent_decoded(path.substr(is_list ? announced.size() : fetch.size()));
    if (!rest) {
        return route(Kind::Malformed);
    }
    made.path = *rest;
    if (!is_list) {
        const auto slash = rest->rfind('/');
        made.track = slash == std::string::npos ? *rest : rest->substr(slash + 1);
        made.path.resize(slash == std::string::npos ? 0 : slash);
        if (made.track.empty() || made.path.empty() || !read_group(target.substr(std::min(question + 1, target.size())), made.group)) {
            return route(Kind::Malformed);
        }
    }
    std::error_code wrong;
    made.path = comoq::Path(made.path, wrong).view();
    return wrong ? route(Kind::Malformed) : std::move(made);
}

std::string in_json(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted.append(1, '\\').append(1, c);
        } else if (static_cast<unsigned char>(c) < ' ') {
            quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}
