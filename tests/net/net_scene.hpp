/// \file
/// A listener and a client on sockets of this machine.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>
#include <comoq/origin.hpp>

namespace comoq::test {

/// Runs what is due until `over()` is true. Throws after ten seconds in which nothing happens.
template <class Over> void run_until(asio::io_context &context, Over over) {
    context.restart();
    while (!over()) {
        if (context.run_one_for(std::chrono::seconds(10)) == 0) {
            throw std::logic_error("nothing happens any more");
        }
    }
}

/// The path of the only broadcast that is announced at an origin, once it is.
inline std::string announced_path(asio::io_context &context, const Origin &here) {
    auto seen = here.consumer().announced();
    run_until(context, [&] { return here.stats().announced == 1; });
    const auto first = seen.try_next();
    return first ? std::string(first->path.view()) : std::string();
}

/// The end of a connection attempt.
struct Connected {
    std::shared_ptr<Session> session;
    std::error_code failure;
    bool over = false;
};

/// Connects and waits for the outcome.
inline Connected connect_now(asio::io_context &context, const std::string &url, ConnectConfig config = {}) {
    Connected connected;
    auto connecting = comoq::connect(context.get_executor(), url, std::move(config));
    connecting.async_wait(asio::bind_executor(context, [&](std::error_code code, std::shared_ptr<Session> session) {
        connected = {std::move(session), code, true};
    }));
    run_until(context, [&] { return connected.over; });
    return connected;
}

/// A listener that serves `there` until the scene ends.
struct NetServer {
    NetServer(asio::io_context &on, const std::string &url, ListenConfig config = {}) : context(on) {
        if (!config.session.publish && !config.session.authorize) {
            config.session.publish = there.consumer();
            config.session.subscribe = there.producer();
        }
        config.on_refused = [this](const asio::ip::address &, std::error_code code) { refused.push_back(code); };
        listener.emplace(context.get_executor(), url, std::move(config));
        asio::co_spawn(context, listener->run(), [this](const std::exception_ptr &thrown) {
            failure = thrown;
            over = true;
        });
    }
    /// Its address, with `path` behind it.
    std::string url(const std::string &path = "") const { return listener->url().text() + path; }
    std::string port() const { return std::to_string(*listener->url().port); }
    void end() {
        listener->close();
        run_until(context, [&] { return over; });
    }

    asio::io_context &context;
    Origin there;
    std::optional<Listener> listener;
    std::vector<std::error_code> refused;
    std::exception_ptr failure;
    bool over = false;
};

}  // namespace comoq::test
