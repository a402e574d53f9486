// SPDX-License-Identifier: MIT
#pragma once
#include "../../net/connect_config.hpp"
#include "../../quic/fingerprint.hpp"
#include "../wait/failure.hpp"

#include <string>
#include <system_error>
#include <vector>

namespace comoq::net::detail {

/// The certificates that a client trusts by their hash. Throws `std::system_error` for a text that is not one, and if the
/// certificate is not to be checked at all.
inline std::vector<quic::Fingerprint> pins_of(const TlsConfig &config) {
    const auto refuse = [](const std::string &why) {
        throw std::system_error(std::make_error_code(std::errc::invalid_argument), why);
    };
    std::vector<quic::Fingerprint> pins;
    for (const std::string &text : config.pinned_certificates) {
        const auto pin = text.starts_with("sha256:") ? quic::fingerprint_from(text) : std::nullopt;
        if (!pin) refuse(comoq::detail::quoted(text) + " is not sha256: and 64 hexadecimal digits");
        pins.push_back(*pin);
    }
    if (!pins.empty() && config.accept_any_certificate) refuse("a pinned certificate and any certificate are asked for at once");
    return pins;
}

/// Throws `std::system_error` if there cannot be a certificate for the name.
inline void check_server_name(const TlsConfig &config) {
    if (config.server_name && config.server_name->empty())
        throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                                "the name that the server's certificate must have is empty");
}

/// The host without the zone of an IPv6 address ("fe80::1%eth0"), which means something to this machine only.
inline std::string without_zone(std::string_view host) {
    return std::string(host.find(':') == std::string_view::npos ? host : host.substr(0, host.find('%')));
}

}  // namespace comoq::net::detail
