#include "url.hpp"

#include "shared/command_line.hpp"

#include <comoq/net/url.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <system_error>

namespace {

struct Known {
    Scheme scheme;
    std::string_view name;
    std::uint16_t usual_port;
};
constexpr std::array known_schemes = {
    Known{Scheme::WebSocket, "ws", 80},
    Known{Scheme::SecureWebSocket, "wss", 443},
    Known{Scheme::Tcp, "tcp", 0},
    Known{Scheme::Tls, "tls", 0},
};

const Known &known(Scheme scheme) { return *std::ranges::find(known_schemes, scheme, &Known::scheme); }

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw UsageError(fmt::format("{} is no URL of a relay: {}", in_quotes(comoq::net::without_secrets(text)), why));
}

}  // namespace

std::string Url::authority() const {
    const std::string shown = host.find(':') == std::string::npos ? host : '[' + host + ']';
    return port == known(scheme).usual_port ? shown : fmt::format("{}:{}", shown, port);
}

std::string Url::text() const {
    const auto path = is_websocket() || target != "/" ? target.substr(0, target.find('?')) : "";
    return fmt::format("{}://{}{}", known(scheme).name, authority(), path);
}

Url parse_url(std::string_view text) {
    const auto is_printable = [](char c) { return c > ' ' && c < '\x7f'; };
    if (!std::ranges::all_of(text, is_printable)) {
        refuse(text, "it has characters that no URL has");
    }
    const auto colon = text.find("://");
    const auto found = colon == std::string_view::npos
                           ? known_schemes.end()
                           : std::ranges::find(known_schemes, text.substr(0, colon), &Known::name);
    if (found == known_schemes.end()) {
        refuse(text, "it begins with none of ws://, wss://, tcp:// and tls://");
    }
    Url url;
    url.scheme = found->scheme;
    url.port = found->usual_port;

    std::string_view rest = text.substr(colon + 3);
    const auto slash = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, slash);
    rest.remove_prefix(slash);
    rest = rest.substr(0, rest.find('#'));
    url.target = rest.starts_with('/') ? std::string(rest) : '/' + std::string(rest);

    if (authority.find('@') != std::string_view::npos) {
        refuse(text, "there is no user to be named");
    }
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) {
            refuse(text, "a bracket is missing");
        }
        url.host = authority.substr(1, end - 1);
        authority.remove_prefix(end + 1);
    } else {
        const auto end = std::min(authority.find(':'), authority.size());
        url.host = authority.substr(0, end);
        authority.remove_prefix(end);
    }
    if (url.host.empty()) {
        refuse(text, "it names no host");
    }
    if (authority.empty()) {
        if (url.port == 0) {
            refuse(text, "it names no port");
        }
        return url;
    }
    const char *end = authority.data() + authority.size();
    const auto [stopped, failure] = std::from_chars(authority.data() + 1, end, url.port);
    if (authority.front() != ':' || authority.size() == 1 || failure != std::errc() || stopped != end) {
        refuse(text, "its port is no number from 0 to 65535");
    }
    return url;
}
