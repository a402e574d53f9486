// The relay that a command line names, for the programs that connect to one.
#pragma once

#include "command_line.hpp"

#include <comoq/log.hpp>
#include <comoq/net/url.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// UsageError for a text that is not a URL of this program's schemes.
comoq::net::Url relay_url(std::string_view text);

// UsageError if this program was built without QUIC, which `wanted` needs.
void check_has_quic(std::string_view wanted);

// The hash of a certificate as it is typed; UsageError for another text.
std::string pin_from(std::string_view text);

// A protocol of sessions by its name; UsageError for another text.
std::string protocol_from(std::string_view text);

// UsageError for a text that is not a path.
void check_path(std::string_view text);

// The word URL, and --ca, --pin, --key-log, --protocol, --tries and --verbose.
struct RelayOptions {
    std::optional<std::string> url;
    std::size_t tries = 0;  // without a connection that lasts, one after the other; 0: no limit
    bool is_verbose = false;
    std::optional<std::string> authorities;  // a PEM file for checking a secure relay; if unset, the system's authorities

    std::vector<std::string> pins;           // of certificates that a secure relay may have; if there are any, nothing else counts

    std::optional<std::string> key_log;      // a file for the secrets of QUIC connections

    std::vector<std::string> protocols;      // the best first; if there are none, those of moq-lite

    void read_from(CommandLine &line);
    comoq::LogLevel log_level() const { return is_verbose ? comoq::LogLevel::Debug : comoq::LogLevel::Warning; }
    // The lines about them for --help.
    static constexpr const char *usage =
        "  --ca FILE     PEM file of authorities to check a secure relay against; default: the system's\n"
        "  --pin sha256:HASH  a certificate that a secure relay may have, whatever its name and authority; any number of them\n"
        "  --key-log FILE  append the secrets of QUIC connections for Wireshark: with the file anybody can read them\n"
        "  --protocol NAME  what the session speaks: moq-lite-06, moq-lite-05, moqt-16, moqt-18, moqt-20, moqt-21 or moqt-22;\n"
        "                any number of them, the best first; default: moq-lite\n"
        "  --tries N     give up after N attempts to connect, one after the other; default: never, except for what cannot get\n"
        "                better, such as a refused certificate\n"
        "  --verbose     log what happens on the connection\n"
        "  --help        print this\n";
};
