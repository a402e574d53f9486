// The command line of media_relay.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

// What is wrong with the command line, in one line.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Options {
    std::filesystem::path file;
    std::size_t viewers = 8;
    std::optional<std::filesystem::path> out;
    bool help = false;
};

// Throws UsageError.
Options parse_options(int argc, char **argv);

std::string usage();

// What a user typed, such as a file name, as a message shows it: in quotes and on one line, whatever it contains.
std::string in_quotes(std::string_view typed);
