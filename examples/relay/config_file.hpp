// The relay's options in a file of TOML.
#pragma once

#include "shared/command_line.hpp"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// False if this program was built without it: it needs toml++.
bool has_config_files() noexcept;

// An option of a file.
struct ConfigEntry {
    std::string name;  // as on the command line: --listen
    std::string value;
    std::size_t line = 0, column = 0;
};

// A key is the name of an option without its dashes, and its value a text, a number, or an array of these for an option that may
// be given any number of times. Throws UsageError, which names `file` and the line, for anything else.
std::vector<ConfigEntry> read_config(std::string_view toml, std::string_view file);

// Gives `line` the options of the file, except for those in `said`. Throws UsageError, which names the file, and the line where
// there is one.
void take_config(const std::string &file, const CommandLine &line, const std::set<std::string, std::less<>> &said);
