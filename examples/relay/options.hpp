// The command line of the relay.
#pragma once

#include "shared/command_line.hpp"

#include "log.hpp"
#include "rights.hpp"

#include <comoq/net/url.hpp>
#include <comoq/net/web_origins.hpp>
#include <comoq/protocols.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Where the relay listens.
struct Address {
    comoq::net::Url url;
    // What it serves at the port: with TCP, or QUIC over UDP, or both.
    bool is_tcp = false, is_quic = false;
    // Of TCP.
    bool is_websocket = false, is_secure = false;

    bool needs_certificate() const { return is_secure || is_quic; }
    // For the log. A WebSocket always has a path.
    std::string text() const { return url.text() + (is_websocket ? "/" : ""); }
};

struct Options {
    std::optional<std::string> config;
    // The names of the options that have been given, of the command line and then of a file; with their dashes.
    std::set<std::string, std::less<>> said;
    std::vector<Address> listen;
    std::vector<std::string> upstreams;
    Rights rights;
    // What tokens are checked by: a file, or a folder of them.
    std::optional<std::string> auth_key, auth_key_dir;
    std::string auth_audience;
    std::optional<comoq::net::Url> auth_url;
    // Of the certificates that other relays show; and what this one shows to its upstreams.
    std::optional<std::string> peer_authorities, upstream_certificate, upstream_key;
    std::vector<std::string> certificates, keys, generated_for;
    std::optional<std::string> authorities;
    std::vector<std::string> pins;
    // A file for the secrets of QUIC connections.
    std::optional<std::string> key_log;
    std::optional<std::string> web;
    // Of sessions, the best first.
    std::vector<std::string> protocols = comoq::all_protocols();
    std::chrono::seconds stats{0}, drain{0};
    std::size_t threads = 0;
    std::size_t max_sessions = 4096;
    // For one source address.
    std::size_t max_of_address = 2048, max_handshakes = 1024;
    // For one session.
    std::size_t max_announced = 16'384, max_requested = 16'384, max_waiting = 512;
    comoq::net::WebOrigins web_origins;
    std::size_t cache_mib = 1024, newest_mib = 64;
    Level log = Level::Info;
};

extern const std::string_view usage;

// Fills `options` when it parses.
CommandLine command_line(Options &options);
// Checks the rules that concern several options. Throws UsageError.
void check(const Options &options);
