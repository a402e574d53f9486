// The relay: listeners, upstreams and threads around one origin.
#pragma once

#include "guest.hpp"
#include "options.hpp"

#include <comoq/net/connect_config.hpp>
#include <comoq/origin.hpp>
#include <comoq/task_group.hpp>
#if COMOQ_RELAY_QUIC
#include <comoq/net/quic_sockets.hpp>
#include <comoq/quic/listener.hpp>
#endif

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
        Listener(const Address &where, asio::ip::tcp::acceptor of) : address(where), acceptor(std::move(of)) {}
        const Address &address;
        asio::ip::tcp::acceptor acceptor;
    };
#if COMOQ_RELAY_QUIC
    struct QuicListener {
        QuicListener(const Address &where, Thread &on, comoq::quic::Listener of) : address(where), thread(on), listener(std::move(of)) {}
        const Address &address;
        Thread &thread;
        comoq::quic::Listener listener;
        std::uint64_t accepted = 0;
    };
    asio::awaitable<void> accept_quic(QuicListener &listener);
#endif
    // The broadcasts of another relay are in an origin of its own, so that readers here can go on when it comes back.
    struct Upstream {
        Upstream(comoq::OriginConfig config, Thread &of) : origin(std::move(config)), thread(of) {}
        comoq::Origin origin;
        Thread &thread;
    };

    void listen(Address &address);
    void listen_quic(Address &address);
    void stop_quic();
    void log_quic();
    void use_identity();
    void read_keys();
    comoq::OriginConfig origin_config() const;
    void connect_to(const std::string &url);
    comoq::ConnectConfig upstream_config(const comoq::OriginProducer &into, const std::string &where);
    void log_of_upstream(const std::string &url, const comoq::lite::SessionEvent &event) noexcept;
    void serve_from_upstreams();
    Thread &next_thread();
    static asio::any_io_executor strand_of(Thread &thread);
    static void begin(comoq::TaskGroup &group, const asio::any_io_executor &executor, std::string_view name,
                      asio::awaitable<void> task);
    asio::awaitable<void> accept(Listener &listener);
    asio::awaitable<void> log_stats();
    asio::awaitable<void> log_left_out();
    void renew_identity(bool always) noexcept;
    void renew_keys(bool always) noexcept;
    void renew_files(bool always) noexcept;
    asio::awaitable<void> watch_files();
    asio::awaitable<void> watch_expiries();
    asio::awaitable<void> wait_for_hang_up();
    asio::awaitable<void> wait_for_signal();
    asio::awaitable<void> drain();
    asio::awaitable<void> shut_down();
    void stop_listening();
    asio::awaitable<void> all_over();
    asio::awaitable<void> guests_gone();
    void finish();

    const Options &options_;
    // Is told the secrets of QUIC connections, if it is not empty.
    std::function<void(std::string_view)> key_log_;
    comoq::Origin origin_;
    House house_;
    std::atomic<std::uint64_t> next_guest_{1};
    std::atomic<std::size_t> next_thread_{0};
    std::list<Upstream> upstreams_;
    // The first also has the listeners.
    std::deque<Thread> threads_;
    std::vector<Address> addresses_;
    std::list<Listener> listeners_;
#if COMOQ_RELAY_QUIC
    std::list<QuicListener> quic_listeners_;
#endif
    std::unique_ptr<asio::signal_set> signals_, hang_up_;
    std::unique_ptr<asio::steady_timer> ticks_, log_ticks_, file_ticks_, expiry_ticks_;
    std::optional<comoq::TaskGroup> watch_;  // on the first thread: tasks that end after all others
};
