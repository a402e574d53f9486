// What the programs that connect to a relay have in common: a session that is made again when it is lost.
#pragma once

#include "shared/command_line.hpp"
#include "url.hpp"

#include <comoq/origin.hpp>

#include <asio/awaitable.hpp>
#include <asio/ssl/context.hpp>

#include <memory>
#include <optional>
#include <string>

// Which relay, as a command line says it: the word URL, and --ca.
struct RelayOptions {
    std::optional<Url> url;
    std::optional<std::string> authorities;  // a file of PEM that a secure relay is checked by; the system's if there is none

    void read_from(CommandLine &line);
};

class Client {
public:
    // `relay` has a URL.
    explicit Client(const RelayOptions &relay);

    // What is published here is announced to the relay.
    comoq::OriginProducer published() const { return published_.producer(); }
    // What the relay announces is announced here, and asking for anything else asks the relay.
    comoq::OriginConsumer received() const { return received_.consumer(); }

    // Stays connected until `work` is done, and throws what that does. Nothing is closed before it is done: whoever
    // publishes has to wait until those who read it have left.
    asio::awaitable<void> while_connected(asio::awaitable<void> work);

private:
    Url url_;
    std::shared_ptr<asio::ssl::context> tls_;
    comoq::Origin published_, received_;
};

// Runs a program's coroutine until it is over, or SIGINT or SIGTERM ends it, which is no failure. Throws what it does.
bool run_client(asio::awaitable<void> program);
