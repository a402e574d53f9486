// The common part of the programs that connect to a relay: a session that is made again when it is lost.
#pragma once

#include "shared/command_line.hpp"
#include "url.hpp"

#include <comoq/log.hpp>
#include <comoq/origin.hpp>
#include <comoq/path.hpp>

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>
#include <asio/ssl/context.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

// The relay, as a command line gives it: the word URL, and --ca, --tries and --verbose.
struct RelayOptions {
    std::optional<Url> url;
    std::size_t tries = 0;  // without a connection that lasts, one after the other; 0: no limit
    bool is_verbose = false;
    std::optional<std::string> authorities;  // a PEM file for checking a secure relay; if unset, the system's authorities

    void read_from(CommandLine &line);
    comoq::LogLevel log_level() const { return is_verbose ? comoq::LogLevel::Debug : comoq::LogLevel::Warning; }
    // The lines about them for --help.
    static constexpr const char *usage =
        "  --ca FILE     PEM file of authorities to check a secure relay against; default: the system's\n"
        "  --tries N     give up after N attempts to connect, one after the other; default: never, except for what cannot get\n"
        "                better, such as a refused certificate\n"
        "  --verbose     log what happens on the connection\n"
        "  --help        print this\n";
};

// UsageError for a text that is not a path.
void check_path(std::string_view text);

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

    // Whether there is a connection now. A lost one is told a moment after the readers of that connection have gone.
    bool is_connected() const { return is_connected_; }

    // Connects, begins `work` when that has succeeded, and stays connected until the work is done. Throws the exception of
    // the work, or of a relay that cannot be reached. Nothing is closed before that: a publisher has to wait until its readers
    // have left. `show_log` shows what happens to the connection.
    asio::awaitable<void> while_connected(asio::awaitable<void> work);

private:
    const Url url_;
    const std::size_t tries_;
    std::optional<comoq::Path> wanted_;
    std::shared_ptr<asio::ssl::context> tls_;
    comoq::Origin published_, received_;
    bool is_connected_ = false;
};

// Where a program runs. It outlives what may complete there later, such as the work of another thread. Only its destructor
// destroys what two seconds did not end.
struct ClientPlace {
    // It outlives its users, which the context destroys.
    asio::cancellation_signal stop;
    asio::io_context context{1};
};

// Runs a program's coroutine until it is over, or SIGINT or SIGTERM ends it, which is not a failure. Throws the
// coroutine's exception. Work that it leaves behind has two seconds to end.
bool run_client(ClientPlace &place, asio::awaitable<void> program);
// The same, for a program that has no other threads.
bool run_client(asio::awaitable<void> program);
