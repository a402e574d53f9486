// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"

#include <string>
#include <string_view>
#include <system_error>

namespace comoq {

/// Why a connection could not be made, where the system has no code for it. Other failures are the system's
/// (`connection_refused`), those of a name (asio's `host_not_found`), `Error` for a server that refuses the session, and
/// `certificate_error` for a certificate.
enum class ConnectError : int {
    InvalidUrl = 1,    ///< The text is not a URL, or not one that can be used so.
    UnknownScheme,     ///< No part of this program knows the URL's scheme.
    NoAddress,         ///< The name has no address.
    ResolveTimeout,    ///< The name was not resolved in time.
    ConnectTimeout,    ///< No address of the server answered in time.
    TlsTimeout,        ///< The handshake of TLS took too long.
    UpgradeTimeout,    ///< The server did not answer the WebSocket request in time.
    GreetingTimeout,   ///< The server is connected and says nothing.
    ServerSpeaksHttp,  ///< The URL is tcp or tls, the server one for ws or wss.
    ServerSpeaksTls,   ///< The URL is ws or tcp, the server one for wss or tls.
    ServerSpeaksQmux,  ///< The URL is ws or wss, the server one for tcp or tls.
    ServerSpeaksNoTls, ///< The URL is wss or tls, the server one for ws or tcp.
    ClosedAtOnce,      ///< The server closed the connection without a word.
    RedirectRefused,   ///< The server sends its client to an address where that may not go (`Redirects`).
};

namespace detail {

constexpr const char *text_of(ConnectError error) noexcept {
    switch (error) {
    case ConnectError::InvalidUrl:
        return "not a URL that can be connected to";
    case ConnectError::UnknownScheme:
        return "unknown URL scheme";
    case ConnectError::NoAddress:
        return "the host name has no address";
    case ConnectError::ResolveTimeout:
        return "the host name was not resolved in time";
    case ConnectError::ConnectTimeout:
        return "the server did not answer in time";
    case ConnectError::TlsTimeout:
        return "the server did not finish the TLS handshake in time; is it a server for ws:// or tcp://?";
    case ConnectError::UpgradeTimeout:
        return "the server did not answer the WebSocket request in time; is it a server for tcp:// or tls://?";
    case ConnectError::GreetingTimeout:
        return "the server is connected but says nothing; is it a server for ws://, wss:// or tls://?";
    case ConnectError::ServerSpeaksHttp:
        return "the server speaks HTTP; use ws:// in place of tcp://, or wss:// in place of tls://";
    case ConnectError::ServerSpeaksTls:
        return "the server speaks TLS; use wss:// in place of ws://, or tls:// in place of tcp://";
    case ConnectError::ServerSpeaksQmux:
        return "the server does not speak HTTP; use tcp:// in place of ws://, or tls:// in place of wss://";
    case ConnectError::ServerSpeaksNoTls:
        return "the server does not speak TLS; use ws:// in place of wss://, or tcp:// in place of tls://";
    case ConnectError::ClosedAtOnce:
        return "the server closed the connection without a word; does it serve another scheme (tls://, wss://, ws://, tcp://)?";
    case ConnectError::RedirectRefused:
        return "the server sends this client where it may not go";
    }
    return "unknown error";
}

/// Modules that hide their symbols may have a category each: all with that name are the same.
class COMOQ_VISIBLE ConnectCategory final : public std::error_category {
public:
    static constexpr const char *category_name = "comoq.connect";
    const char *name() const noexcept override { return category_name; }
    std::string message(int value) const override { return text_of(static_cast<ConnectError>(value)); }
    bool equivalent(int value, const std::error_condition &condition) const noexcept override {
        return is_same(condition.category()) && condition.value() == value;
    }
    bool equivalent(const std::error_code &code, int value) const noexcept override {
        return is_same(code.category()) && code.value() == value;
    }
    static bool is_same(const std::error_category &other) noexcept { return other.name() == std::string_view(category_name); }
};

inline constexpr std::string_view certificate_category_name = "comoq.certificate";

}  // namespace detail

/// The category of these codes, named "comoq.connect".
COMOQ_VISIBLE inline const std::error_category &connect_category() noexcept {
    static const detail::ConnectCategory category;
    return category;
}

/// The code of that error.
inline std::error_code make_error_code(ConnectError error) noexcept { return {static_cast<int>(error), connect_category()}; }

/// Whether it is this error, also if the code comes from another module, which has its own category.
inline bool operator==(const std::error_code &code, ConnectError error) noexcept {
    return code.value() == static_cast<int>(error) && detail::ConnectCategory::is_same(code.category());
}

/// Whether the server's certificate was refused. The value of such a code is that of OpenSSL (`X509_V_ERR_...`), and its
/// message says why.
inline bool is_certificate_error(std::error_code code) noexcept {
    return code && code.category().name() == detail::certificate_category_name;
}

}  // namespace comoq

template <> struct std::is_error_code_enum<comoq::ConnectError> : std::true_type {};
