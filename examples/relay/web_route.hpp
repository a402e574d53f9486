// What a request of HTTP asks of the relay itself: not of the files of --web.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The text without its %XX. Nothing if that is malformed, or hides a zero or a slash.
std::optional<std::string> percent_decoded(std::string_view text);

struct WebRoute {
    enum class Kind {
        Files,        // none of these
        Health,       // /health
        Certificate,  // /certificate.sha256
        Metrics,      // /metrics
        Announced,    // /announced, and /announced/PREFIX
        Fetch,        // /fetch/PATH/TRACK, and ?group=N
        Malformed     // one of them, wrongly written
    };
    Kind kind = Kind::Files;
    // Of Announced and Fetch, decoded: unlike those of sessions, because tools cannot write a URL otherwise.
    std::string path, track;
    std::optional<std::uint64_t> group;
};

WebRoute route_of(std::string_view target);

// True if a part of the path begins with a dot: sessions are not told of those either.
inline bool is_hidden_name(std::string_view path) { return path.starts_with('.') || path.find("/.") != std::string_view::npos; }

// A text as JSON has it, in quotes. UTF-8 stays as it is.
std::string in_json(std::string_view text);
