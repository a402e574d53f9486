// What the relay asks a service that decides who may do what, and what that answers: the JSON of `moq auth serve`. No I/O.
#pragma once

#include "web_key.hpp"

#include <comoq/path.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// A session, as the service is told of it.
struct AuthQuestion {
    // Random, and the same in all questions of a session.
    std::string id;
    // How the client has come: quic, websocket, tcp or http.
    std::string transport;
    // The client's address and port; the name that it has asked for by TLS over TCP; the protocol of the session. Empty if not known.
    std::string remote, server_name, protocol;
    // What it asks for, with its query, as it was written.
    std::string target;
};

// How a session has ended.
struct AuthEnd {
    // closed, expired or refused.
    std::string_view reason;
    std::chrono::milliseconds duration{0};
    std::uint64_t sent = 0, received = 0;
};

std::string connect_question(const AuthQuestion &question);
std::string revalidate_question(const AuthQuestion &question);
std::string end_message(const AuthQuestion &question, const AuthEnd &end);

// What the service allows.
struct AuthGrant {
    // In the place of the path for which the client has asked.
    comoq::Path root;
    // Whole paths.
    Reach reach;
    std::optional<std::chrono::system_clock::time_point> expires;
    // How long until it wants to be asked again.
    std::optional<std::chrono::seconds> revalidate;
};

struct AuthVerdict {
    // Nothing: the client is refused.
    std::optional<AuthGrant> grant;
    std::string_view reason;
};

// The body of an answer with a status of 200 to 299, to a client that has asked for the path. A grant that this relay cannot keep to
// refuses: one that names single broadcasts, such as `a` in the place of `a/**`, or a `*` elsewhere, and one with mounts.
AuthVerdict read_grant(std::string_view body, const comoq::Path &asked, std::chrono::system_clock::time_point now);
