// The relay: listeners, upstreams and threads around one origin.
#pragma once

#include "guest.hpp"
#include "options.hpp"

#include <comoq/origin.hpp>

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <system_error>
#include <vector>

class Server {
public:
    // Listens. Throws std::runtime_error for an address, a certificate or a directory that is no use.
    explicit Server(const Options &options);
    ~Server();
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    // Until a signal says that it is enough.
    void run();

private:
    struct Listener {
        Listener(asio::io_context &context, Url where) : url(std::move(where)), acceptor(context) {}
        Url url;
        asio::ip::tcp::acceptor acceptor;
    };
    // What another relay has is shown in an origin of its own, so that readers here can go on when it comes back.
    struct Upstream {
        Upstream(Url where, comoq::OriginConfig config, asio::io_context &of)
            : url(std::move(where)), origin(std::move(config)), context(of) {}
        Url url;
        comoq::Origin origin;
        asio::io_context &context;
        asio::cancellation_signal stop;
    };

    void listen(Url url);
    std::error_code listen_at(Url &url, const asio::ip::tcp::endpoint &address, bool is_one_of_several);
    void connect_to(const Url &url);
    void serve_from_upstreams();
    asio::io_context &next_context();
    asio::awaitable<void> accept(Listener &listener);
    asio::awaitable<void> log_stats();
    asio::awaitable<void> wait_for_signal();
    asio::awaitable<void> shut_down();

    const Options &options_;
    comoq::Origin origin_;
    House house_;
    std::shared_ptr<asio::ssl::context> upstream_tls_;
    std::atomic<std::uint64_t> next_guest_{1};
    std::atomic<std::size_t> next_context_{0};
    std::list<Upstream> upstreams_;
    // Each is run by one thread, so that a session needs no strand. The first has the listeners, too.
    std::deque<asio::io_context> contexts_;
    std::list<Listener> listeners_;
    std::unique_ptr<asio::signal_set> signals_;
    std::unique_ptr<asio::steady_timer> ticks_;
};
