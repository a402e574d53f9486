// The relay that a command line names, for the programs that connect to one.
#pragma once

#include "command_line.hpp"

#include <comoq/log.hpp>
#include <comoq/net/url.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// UsageError for a text that is not a URL of this program's schemes.
comoq::net::Url relay_url(std::string_view text);

// UsageError for a text that is not a path.
void check_path(std::string_view text);

// The word URL, and --ca, --tries and --verbose.
struct RelayOptions {
    std::optional<std::string> url;
    std::size_t tries = 0;  // without a connection that lasts, one after the other; 0: no limit
    bool is_verbose = false;
    std::optional<std::string> authorities;  // a PEM file for checking a secure relay; if unset, the system's authorities

    void read_from(CommandLine &line);
    comoq::LogLevel log_level() const { return is_verbose ? comoq::LogLevel::Debug : comoq::LogLevel::Warning; }
    // The lines about them for --help.
    static constexpr const char *usage =
        "  --ca FILE     PEM file of authorities to check a secure relay against; default: the system's\n"
        "  --tries N     give up after N attempts to connect, one after the other; default: never, except for what cannot get\n"
        "                better, such as a refused certificate\n"
        "  --verbose     log what happens on the connection\n"
        "  --help        print this\n";
};
