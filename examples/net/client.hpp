// The common part of the programs that connect to a relay: a session that is made again when it is lost.
#pragma once

#include "shared/command_line.hpp"
#include "url.hpp"

#include <comoq/origin.hpp>
#include <comoq/path.hpp>

#include <asio/awaitable.hpp>
#include <asio/ssl/context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

// The relay, as a command line gives it: the word URL, and --ca.
struct RelayOptions {
    std::optional<Url> url;
    std::optional<std::string> authorities;  // a PEM file for checking a secure relay; if unset, the system's authorities

    void read_from(CommandLine &line);
};

class Client {
public:
    // `relay` has a URL.
    //
    // The client asks only for the announcements at `wanted`, or below it: a relay may have more broadcasts than
    // anybody wants to hear of. Without a path it asks for none. Throws InvalidPath.
    explicit Client(const RelayOptions &relay, std::optional<std::string_view> wanted = std::nullopt);

    // Broadcasts published here are announced to the relay.
    comoq::OriginProducer published() const { return published_.producer(); }
    // The relay's announcements are announced here, and a request for anything else asks the relay.
    comoq::OriginConsumer received() const { return received_.consumer(); }

    // Stays connected until `work` is done, and throws its exception. Nothing is closed before that: a publisher has to
    // wait until its readers have left. Failures of the connection are written to standard error.
    asio::awaitable<void> while_connected(asio::awaitable<void> work);

private:
    const Url url_;
    std::optional<comoq::Path> wanted_;
    std::shared_ptr<asio::ssl::context> tls_;
    comoq::Origin published_, received_;
};

// Runs a program's coroutine until it is over, or SIGINT or SIGTERM ends it, which is not a failure. Throws the
// coroutine's exception. Work that it leaves behind has two seconds to end.
bool run_client(asio::awaitable<void> program);
