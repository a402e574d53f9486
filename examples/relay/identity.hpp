// The relay's certificates, for TLS and QUIC alike.
#pragma once

#include "options.hpp"

#include <asio/ssl/context.hpp>

#include <openssl/ssl.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#if COMOQ_RELAY_QUIC
#include <comoq/quic/credentials.hpp>
#endif

// How long the certificate is valid that a client of TLS has shown, and that was checked. Nothing if it has shown none.
std::optional<std::chrono::system_clock::time_point> shown_until(SSL *connection);

// The name that a client has asked for; empty if it has named none, as clients of an address do.
std::string name_asked_for(SSL *connection);

// Certificates of files, or one that the relay makes for itself and renews. A client gets the one for the name that it asks for,
// and the first if there is none. What exists goes on with the one that it began with. Any thread.
class Identity {
public:
    // Throws std::system_error or std::runtime_error for what cannot be used.
    explicit Identity(const Options &options);

    // Reads the files again if they have changed or `always` is true; renews what the relay has made when half of its time is
    // over, and not before. True if there are others now. Throws as above: then those that were there stay, until the files change once more.
    bool renew(bool always);

    // Of new connections.
    std::shared_ptr<asio::ssl::context> tls() const;
#if COMOQ_RELAY_QUIC
    comoq::quic::ServerCredentials quic() const;
#endif
    // SHA-256 of the first certificate: 64 hexadecimal digits.
    std::string fingerprint() const;

private:
    using FileTimes = std::vector<std::filesystem::file_time_type>;
    struct Current {
        std::shared_ptr<asio::ssl::context> tls;
        std::string fingerprint;
#if COMOQ_RELAY_QUIC
        comoq::quic::ServerCredentials quic;
#endif
    };

    Current load() const;
    FileTimes file_times() const;

    const Options &options_;
    FileTimes seen_;  // of `renew`
    std::chrono::steady_clock::time_point renew_at_;
    mutable std::mutex mutex_;
    Current current_;
};
