// The command line of media_relay.
#pragma once

#include "shared/command_line.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

struct Options {
    std::filesystem::path file;
    std::size_t viewers = 8;
    std::optional<std::filesystem::path> out;
    bool is_hang = false;
};

extern const std::string_view usage;

// Fills `options` when it parses.
CommandLine command_line(Options &options);
