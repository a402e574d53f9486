// The relay: listeners, upstreams and threads around one origin.
#pragma once

#include "guest.hpp"
#include "options.hpp"

#include <comoq/origin.hpp>
#include <comoq/qmux/connection.hpp>
#include <comoq/task_group.hpp>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

class Server {
public:
    // Listens. Throws std::runtime_error for an address, a certificate or a directory that cannot be used.
    explicit Server(const Options &options);
    ~Server();
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    // Runs until a signal ends it.
    void run();

private:
    // One thread runs each, so that a group needs no strand. Each session has a fair one, so that a greedy peer cannot have
    // thousands of functions run before those of others.
    struct Thread {
        asio::io_context context{1};
        comoq::TaskGroup tasks{context.get_executor()};  // listeners, upstreams, and what passes between origins
        comoq::TaskGroup guests{context.get_executor()};
    };
    struct Listener {
        Listener(asio::io_context &context, Url where) : url(std::move(where)), acceptor(context) {}
        Url url;
        asio::ip::tcp::acceptor acceptor;
    };
    // The broadcasts of another relay are in an origin of its own, so that readers here can go on when it comes back.
    struct Upstream {
        Upstream(Url where, comoq::OriginConfig config, Thread &of)
            : url(std::move(where)), origin(std::move(config)), thread(of) {}
        Url url;
        comoq::Origin origin;
        Thread &thread;
        std::shared_ptr<comoq::qmux::Connection> connection;  // the latest one
    };

    void listen(Url url);
    std::error_code listen_at(Url &url, const asio::ip::tcp::endpoint &address, bool is_one_of_several);
    void connect_to(const Url &url);
    void log_of_upstream(const std::string &url, const comoq::lite::SessionEvent &event) noexcept;
    void serve_from_upstreams();
    Thread &next_thread();
    static asio::any_io_executor strand_of(Thread &thread);
    static void begin(comoq::TaskGroup &group, const asio::any_io_executor &executor, std::string_view name,
                      asio::awaitable<void> task);
    asio::awaitable<void> accept(Listener &listener);
    asio::awaitable<void> log_stats();
    asio::awaitable<void> log_left_out();
    asio::awaitable<void> wait_for_signal();
    asio::awaitable<void> drain();
    asio::awaitable<void> shut_down();
    void stop_listening();
    asio::awaitable<void> all_over();
    asio::awaitable<void> guests_gone();

    const Options &options_;
    comoq::Origin origin_;
    House house_;
    std::shared_ptr<asio::ssl::context> upstream_tls_;
    std::atomic<std::uint64_t> next_guest_{1};
    std::atomic<std::size_t> next_thread_{0};
    std::list<Upstream> upstreams_;
    // The first also has the listeners.
    std::deque<Thread> threads_;
    std::list<Listener> listeners_;
    std::unique_ptr<asio::signal_set> signals_;
    std::unique_ptr<asio::steady_timer> ticks_, log_ticks_;
    std::optional<comoq::TaskGroup> watch_;  // on the first thread: tasks that end after all others
};
