// The command line of the relay.
#pragma once

#include "shared/command_line.hpp"
#include "net/url.hpp"

#include "log.hpp"

#include <comoq/path.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct Options {
    std::vector<Url> listen;
    std::vector<Url> upstreams;
    std::vector<comoq::Path> allowed;  // empty: everything
    std::optional<std::string> certificate, key, authorities;
    std::optional<std::string> web;
    std::chrono::seconds stats{0};
    std::size_t threads = 0;
    std::size_t max_sessions = 4096;
    std::size_t cache_mib = 1024;
    Level log = Level::Info;
};

extern const std::string_view usage;

// Fills `options` when it parses.
CommandLine command_line(Options &options);
// What a command line cannot say of one option alone. Throws UsageError.
void check(const Options &options);
