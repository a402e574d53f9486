// Files of a folder as broadcasts that exist while somebody watches them.
#pragma once

#include <comoq/origin.hpp>
#include <comoq/path.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// What is asked for below the prefix: a file's name, and from where. A request for other seconds, or with anything else behind the
// question mark, is another broadcast.
struct WantedFile {
    std::string name;
    std::chrono::microseconds from{0};
    friend bool operator==(const WantedFile &, const WantedFile &) = default;
};
// Reads NAME and NAME?t=SECONDS. Nothing for what cannot be a file in the folder: a path of several parts, a name that begins with a dot.
std::optional<WantedFile> wanted_file(std::string_view path);

struct OnDemandConfig {
    std::filesystem::path folder;
    comoq::Path prefix;
    // A broadcast begins, or has ended.
    std::function<void(const comoq::Path &path, std::string_view what)> said;
    comoq::Sleep sleep;
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

// Answers requests for PREFIX/NAME with the movie of that name in the folder, at the speed of playback, from its beginning or from a time.
// Viewers of one path share it: a later one sees what the first one sees. A file is read while somebody watches, and no longer.
// Returns with the origin; when it is cancelled, it leaves nothing behind.
asio::awaitable<void> serve_folder(comoq::OriginProducer origin, OnDemandConfig config);
