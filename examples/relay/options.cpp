#include "options.hpp"

#include "auth_service.hpp"
#include "net/schemes.hpp"
#include "web_key.hpp"
#include "shared/relay_options.hpp"

#include <comoq/net/schemes.hpp>

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <utility>

const std::string_view usage =
    "usage: relay --listen URL [--listen URL]... [--upstream URL]... [options]\n"
    "       relay --config FILE [options]\n"
    "\n"
    "A relay for live media over moq-lite and MoQ Transport. It passes on what publishers announce and viewers subscribe to,\n"
    "and asks its upstreams for a path that nobody announced when somebody asks for it.\n"
    "\n"
    "  --listen URL         https://HOST:PORT serves WebTransport and QUIC at that port of UDP, and at that of TCP wss, the page\n"
    "                       of --web, /health, /metrics, /announced, /fetch and /certificate.sha256; http://HOST:PORT is the\n"
    "                       same without TLS over TCP, for development; moql://, moqt:// (QUIC), ws://, wss://, tcp:// or\n"
    "                       tls://HOST:PORT is one of these alone. Port 0 picks one\n"
    "  --cert FILE          certificate chain for TLS and QUIC, PEM; with --key, any number of times: a client gets the one for\n"
    "                       the name that it asks for. The files are read again on SIGHUP and when they change\n"
    "  --key FILE           its key, PEM\n"
    "  --tls-generate NAME  for development, in place of files: a certificate for that name or address, any number of them, which\n"
    "                       the relay makes, renews after 6.5 of its 13 days, and logs the SHA-256 of\n"
    "  --upstream URL       another relay; asked in this order, and reconnected to for ever\n"
    "  --ca FILE            authorities that secure upstreams are checked by, PEM; the system's if not given\n"
    "  --pin sha256:HASH    a certificate that an upstream may have, whatever its name and authority; any number of them\n"
    "  --key-log FILE       append the secrets of QUIC connections to that file, for Wireshark: with it anybody can read them\n"
    "  --path-allow PREFIX  what may be published and asked for here; everything if not given\n"
    "  --public-publish PATTERN\n"
    "                       where anybody may publish, any number of them; everywhere if not given. A pattern is a path, for\n"
    "                       that and everything below it, as in anon or anon/**; ** is everything, and '' nothing.\n"
    "                       --path-allow limits it further\n"
    "  --public-subscribe PATTERN\n"
    "                       the same for what anybody may watch\n"
    "  --auth-key FILE      the key that tokens are checked by, a JWK as moq-token writes it; clients show their token as ?jwt= in the\n"
    "                       URL. Then nothing is public but what the two options above say, and a token's root, put, get and exp\n"
    "                       say what its holder may do, and how long. Read again on SIGHUP and when it changes\n"
    "  --auth-key-dir DIR   the same with a folder of keys: KID.jwk is the one that tokens call KID\n"
    "  --auth-audience NAME whom tokens are for (aud); without it, those that name nobody\n"
    "  --auth-url URL       a service that decides for each session who may do what, as moq auth serve does: an https URL, checked by\n"
    "                       --ca, or an http URL of this machine. It is asked by POST, and without an answer nobody is let in.\n"
    "                       In place of keys and of what is public\n"
    "  --peer-ca FILE       authorities of other relays, PEM: whoever shows a certificate of theirs over TLS (wss, tls, or the TCP of\n"
    "                       https) may publish and watch everything, until the certificate expires\n"
    "  --upstream-cert FILE, --upstream-key FILE\n"
    "                       the certificate that this relay shows to its upstreams (wss and tls), and its key, PEM\n"
    "  --web DIR            a directory of files that ws, wss, http and https listeners serve to browsers\n"
    "  --allow-origin URL   a web page's origin, such as https://example.com, whose scripts may use the relay; any number\n"
    "                       of them; * for all. Without it only pages of the relay's own host may\n"
    "  --protocol NAME      what sessions speak with clients, the best first, any number of them: moq-lite-06, moq-lite-05,\n"
    "                       moqt-16, moqt-18, moqt-20, moqt-21 or moqt-22; all if not given. At a tcp URL it is moq-lite\n"
    "  --stats SECONDS      log what the relay does, that often\n"
    "  --threads N          1 to 256; as many as there are processors if not given. On Linux each has a socket at each port of\n"
    "                       QUIC, and keeps the connections that come to it; elsewhere one thread has such a port\n"
    "  --max-sessions N     more are turned away; 4096 if not given, or as many as files may be open\n"
    "  --max-per-address N  connections of one source address (of IPv6: of a /64); 2048 if not given\n"
    "  --max-handshakes N   of those, the ones that have not said yet what they want; 1024 if not given\n"
    "  --max-announced N    broadcasts that one session may announce at a time, and four of them together; the others are\n"
    "                       left out, and counted as left_out by --stats; 16384 if not given\n"
    "  --max-requested N    broadcasts that are asked of one session without an announcement; 16384 if not given\n"
    "  --max-waiting N      questions of one session that wait for an answer; 512 if not given\n"
    "  --cache MIB          media kept for readers, of all broadcasts together, and as much for each\n"
    "                       upstream, which is mostly the same; 1024 if not given\n"
    "  --newest MIB         of the newest groups of one session's tracks, what stays though the cache is full; 64 if not\n"
    "                       given. Beyond that the largest of them may go, too\n"
    "  --drain SECONDS      when told to end, tell all sessions to go elsewhere first, and serve them for that long; nobody\n"
    "                       new is let in meanwhile\n"
    "  --config FILE        options in TOML, by their names without the dashes, such as listen = [\"ws://127.0.0.1:4443\"]; an option\n"
    "                       that is given here as well is not taken from there\n"
    "  --log LEVEL          debug, info, warning or error; info if not given\n"
    "  --help               print this\n"
    "\n"
    "The path of the URL to which a client connects is the root of all paths of its session, on every listener; tcp, tls and QUIC\n"
    "carry it in SETUP. Nothing outside can be seen, asked for or published. It is taken as it is, percent signs included.\n"
    "A page's own host counts only if it is an address, localhost, a name in --listen, or proved by TLS: behind a proxy that\n"
    "ends TLS, say --allow-origin. Whoever may publish at a path may take over what others publish there.\n"
    "Of URLs, what may be secret (a query, a user) is never logged.\n"
    "With SSLKEYLOGFILE in the environment, the keys of QUIC are written to that file, for Wireshark.\n"
    "SIGINT or SIGTERM closes all sessions and ends the relay, after the time of --drain; a second one ends it at once.\n";

namespace {

bool is_of_http(std::string_view scheme) { return scheme == "https" || scheme == "http"; }
bool needs_quic(std::string_view scheme) { return is_of_http(scheme) || scheme == "moql" || scheme == "moqt"; }

// What a listener of a scheme serves. The schemes of HTTP are the relay's own.
void set_kind(Address &address) {
    const std::string_view scheme = address.url.scheme;
    if (is_of_http(scheme)) {
        address.is_tcp = address.is_quic = address.is_websocket = true;
        address.is_secure = scheme == "https";
        return;
    }
    const auto known = comoq::net::scheme_of(address.url);
    address.is_quic = needs_quic(scheme);
    address.is_tcp = !address.is_quic;
    address.is_websocket = known.carries_path;
    address.is_secure = known.is_secure;
}

Address listener_at(std::string_view text) {
    Address address;
    try {
        address.url = comoq::net::parse_url(text);
        if (needs_quic(address.url.scheme)) {
            check_has_quic(address.url.text());
        }
        // A listener at the usual port of a scheme, which few may open, is an accident more often than a wish.
        if (!address.url.port) {
            throw UsageError(fmt::format("--listen: {} names no port; {}://127.0.0.1:4443 does, and port 0 picks a free one",
                                         in_quotes(address.url.text()), address.url.scheme));
        }
        set_kind(address);
    } catch (const std::system_error &error) {
        throw UsageError(fmt::format("--listen: {}", error.what()));
    }
    return address;
}

std::string upstream_at(std::string_view text) {
    static_cast<void>(relay_url(text));
    return std::string(text);
}

void allow_origin(comoq::net::WebOrigins &origins, std::string_view text) {
    try {
        origins.allow(text);
    } catch (const std::system_error &) {
        throw UsageError(fmt::format("--allow-origin takes an origin such as https://example.com, or *, and not {}", in_quotes(text)));
    }
}

void check_certificates(const Options &options) {
    const bool is_needed = std::ranges::any_of(options.listen, &Address::needs_certificate);
    const bool is_there = !options.certificates.empty() || !options.keys.empty();
    const bool is_generated = !options.generated_for.empty();
    if (options.certificates.size() != options.keys.size()) {
        throw UsageError("there are as many --cert as --key, each with its own");
    }
    if (is_there && is_generated) {
        throw UsageError("--tls-generate is in place of --cert and --key");
    }
    if (is_needed && !is_there && !is_generated) {
        throw UsageError("listeners for TLS and QUIC need --cert and --key, or --tls-generate for development");
    }
    if (!is_needed && (is_there || is_generated)) {
        throw UsageError("--cert, --key and --tls-generate are for listeners for TLS and QUIC, and there is none");
    }
}

void check_keys(const Options &options) {
    const bool has_keys = options.auth_key || options.auth_key_dir;
    if (options.auth_key && options.auth_key_dir) {
        throw UsageError("--auth-key-dir is in place of --auth-key");
    }
    if (has_keys && !has_tokens()) {
        throw UsageError(fmt::format("{}: this program was built without tokens, which need nlohmann-json and OpenSSL 3", options.auth_key ? "--auth-key" : "--auth-key-dir"));
    }
    if (options.auth_url && !has_tokens()) {
        throw UsageError("--auth-url: this program was built without services for authorization, which need nlohmann-json and OpenSSL 3");
    }
    if (options.auth_url && (has_keys || options.rights.says_something())) {
        throw UsageError("--auth-url is in place of --auth-key, --auth-key-dir, --public-publish and --public-subscribe");
    }
    if (!has_keys && !options.auth_audience.empty()) {
        throw UsageError("--auth-audience is for tokens, which need --auth-key or --auth-key-dir");
    }
}

void check_peers(const Options &options) {
    const auto is_tls = [](const Address &address) { return address.is_tcp && address.is_secure; };
    if (options.peer_authorities && std::ranges::none_of(options.listen, is_tls)) {
        throw UsageError("--peer-ca needs a wss or tls listener, or one for https");
    }
    if (options.upstream_certificate.has_value() != options.upstream_key.has_value()) {
        throw UsageError("--upstream-cert and --upstream-key go together");
    }
    const auto is_other = [](const std::string &url) { return !url.starts_with("wss:") && !url.starts_with("tls:"); };
    if (options.upstream_certificate && (options.upstreams.empty() || std::ranges::any_of(options.upstreams, is_other))) {
        throw UsageError("--upstream-cert is for upstreams at wss and tls URLs");
    }
}

std::string host_from(std::string_view text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:*";
    if (text.empty() || text.find_first_not_of(plain) != std::string_view::npos) {
        throw UsageError(fmt::format("--tls-generate takes a host name or an address, and not {}", in_quotes(text)));
    }
    return std::string(text);
}

}  // namespace

CommandLine command_line(Options &options) {
    CommandLine line;
    // What is said here counts more than what a file says.
    const auto add = [&line, &options](const std::string &name, CommandLine::Take take) {
        line.option(name, [&options, name, take = std::move(take)](std::string_view text) {
            options.said.insert(name);
            take(text);
        });
    };
    add("--config", [&](std::string_view text) { options.config = text; });
    add("--listen", [&](std::string_view text) { options.listen.push_back(listener_at(text)); });
    add("--upstream", [&](std::string_view text) { options.upstreams.push_back(upstream_at(text)); });
    add("--path-allow", [&](std::string_view text) { options.rights.allow(text); });
    add("--public-publish", [&](std::string_view text) { options.rights.let_publish(text); });
    add("--public-subscribe", [&](std::string_view text) { options.rights.let_watch(text); });
    add("--auth-key", [&](std::string_view text) { options.auth_key = text; });
    add("--auth-key-dir", [&](std::string_view text) { options.auth_key_dir = text; });
    add("--auth-audience", [&](std::string_view text) { options.auth_audience = text; });
    add("--auth-url", [&](std::string_view text) { options.auth_url = auth_url_from(text); });
    add("--peer-ca", [&](std::string_view text) { options.peer_authorities = text; });
    add("--upstream-cert", [&](std::string_view text) { options.upstream_certificate = text; });
    add("--upstream-key", [&](std::string_view text) { options.upstream_key = text; });
    add("--cert", [&](std::string_view text) { options.certificates.emplace_back(text); });
    add("--key", [&](std::string_view text) { options.keys.emplace_back(text); });
    add("--tls-generate", [&](std::string_view text) {
        check_has_quic("--tls-generate");
        options.generated_for.push_back(host_from(text));
    });
    add("--pin", [&](std::string_view text) { options.pins.push_back(pin_from(text)); });
    add("--ca", [&](std::string_view text) { options.authorities = text; });
    add("--key-log", [&](std::string_view text) {
        check_has_quic("--key-log");
        options.key_log = text;
    });
    add("--web", [&](std::string_view text) { options.web = text; });
    add("--allow-origin", [&](std::string_view text) { allow_origin(options.web_origins, text); });
    add("--protocol", [&, is_first = true](std::string_view text) mutable {
        if (std::exchange(is_first, false)) {
            options.protocols.clear();
        }
        options.protocols.push_back(protocol_from(text));
    });
    add("--stats", [&](std::string_view text) {
        options.stats = std::chrono::seconds(number_from("--stats", text, 1, 86'400));
    });
    add("--drain", [&](std::string_view text) {
        options.drain = std::chrono::seconds(number_from("--drain", text, 1, 86'400));
    });
    add("--threads", [&](std::string_view text) { options.threads = number_from("--threads", text, 1, 256); });
    add("--max-sessions",
                [&](std::string_view text) { options.max_sessions = number_from("--max-sessions", text, 1, 1'000'000); });
    const auto limit = [&add](const std::string &name, std::size_t &value) {
        add(name, [name, &value](std::string_view text) { value = number_from(name, text, 1, 1'000'000); });
    };
    limit("--max-per-address", options.max_of_address);
    limit("--max-handshakes", options.max_handshakes);
    limit("--max-announced", options.max_announced);
    limit("--max-requested", options.max_requested);
    limit("--max-waiting", options.max_waiting);
    add("--cache",
                [&](std::string_view text) { options.cache_mib = number_from("--cache", text, 1, 1'048'576); });
    add("--newest",
                [&](std::string_view text) { options.newest_mib = number_from("--newest", text, 1, 1'048'576); });
    add("--log", [&](std::string_view text) { options.log = level_from(text); });
    return line;
}

void check(const Options &options) {
    if (options.listen.empty()) {
        throw UsageError("where to listen? --listen ws://127.0.0.1:4443, for example (--help tells)");
    }
    for (const Address &address : options.listen) {
        if (address.url.target != "/") {
            throw UsageError(fmt::format("--listen: {} has a path, which only the clients choose", in_quotes(address.url.text())));
        }
    }
    check_certificates(options);
    check_keys(options);
    check_peers(options);
    if (options.web && std::ranges::none_of(options.listen, &Address::is_websocket)) {
        throw UsageError("--web needs a ws or wss listener, or one for https or http");
    }
    std::error_code ignored;
    if (options.web && !std::filesystem::is_directory(*options.web, ignored)) {
        throw UsageError(fmt::format("--web: {} is not a directory", in_quotes(*options.web)));
    }
}
