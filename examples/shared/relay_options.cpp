#include "relay_options.hpp"

#include <comoq/net/schemes.hpp>
#include <comoq/path.hpp>
#include <comoq/protocols.hpp>
#include <comoq/quic/fingerprint.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <system_error>

comoq::net::Url relay_url(std::string_view text) {
    try {
        const auto url = comoq::net::parse_url(text);
        if (url.scheme == "https" || url.scheme == "moql" || url.scheme == "moqt") {
            check_has_quic(url.text());
        }
        return comoq::net::known_url(text);
    } catch (const std::system_error &error) {
        throw UsageError(error.what());
    }
}

void check_has_quic(std::string_view wanted) {
    comoq::net::Url url;
    url.scheme = "moql";
    try {
        static_cast<void>(comoq::net::scheme_of(url));
    } catch (const std::system_error &) {
        throw UsageError(fmt::format("{}: this program was built without QUIC, which needs ngtcp2 and GnuTLS", in_quotes(wanted)));
    }
}

std::string pin_from(std::string_view text) {
    if (!text.starts_with("sha256:") || !comoq::quic::fingerprint_from(text)) {
        throw UsageError(fmt::format("--pin takes sha256: and 64 hexadecimal digits, and not {}", in_quotes(text)));
    }
    return std::string(text);
}

std::string protocol_from(std::string_view text) {
    const auto &all = comoq::session_protocols;
    if (std::find(all.begin(), all.end(), text) == all.end()) {
        throw UsageError(fmt::format("--protocol takes a name such as moqt-18, and not {}", in_quotes(text)));
    }
    return std::string(text);
}

void check_path(std::string_view text) {
    try {
        const comoq::Path path(text);
    } catch (const std::system_error &error) {
        throw UsageError(fmt::format("{} is not a path of a broadcast: {}", in_quotes(text), error.code().message()));
    }
}

void RelayOptions::read_from(CommandLine &line) {
    line.word([this](std::string_view text) {
        static_cast<void>(relay_url(text));
        url = text;
    });
    line.option("--ca", [this](std::string_view text) { authorities = text; });
    line.option("--pin", [this](std::string_view text) { pins.push_back(pin_from(text)); });
    line.option("--key-log", [this](std::string_view text) {
        check_has_quic("--key-log");
        key_log = text;
    });
    line.option("--protocol", [this](std::string_view text) { protocols.push_back(protocol_from(text)); });
    line.option("--tries", [this](std::string_view text) { tries = number_from("--tries", text, 1, 1'000'000); });
    line.flag("--verbose", [this] { is_verbose = true; });
}
