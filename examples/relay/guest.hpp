// A client of the relay: a session, or a browser that wants files.
#pragma once

#include "options.hpp"

#include "guest_log.hpp"
#include "log_budget.hpp"
#include "web_files.hpp"

#include <comoq/lite/session.hpp>
#include <comoq/net/source_limits.hpp>
#include <comoq/net/web_origins.hpp>
#include <comoq/path.hpp>
#include <comoq/qmux/connection.hpp>
#include <comoq/transport.hpp>
#include <comoq/websocket/upgrade.hpp>

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

class Guest;

// Every connected guest, for the counters, and for the end. Any thread.
class Guests {
public:
    explicit Guests(std::size_t most) : most_(most) {}

    // False if there are too many.
    bool enter(const std::shared_ptr<Guest> &guest);
    void leave(const Guest &guest);
    // Counts a guest that was refused for another reason.
    void turned_away();
    // Asks all guests to leave, and admits no more.
    void close();
    // The same, but those that have a session may stay for that long.
    void send_away(std::chrono::milliseconds within);

    struct Numbers {
        std::size_t present = 0;
        std::uint64_t entered = 0, refused = 0;
        std::uint64_t received_bytes = 0, sent_bytes = 0;
        // Announcements of present sessions that found no room, and such that they were not told of.
        std::size_t left_out = 0, not_told = 0;
    };
    Numbers numbers() const;

private:
    std::vector<std::shared_ptr<Guest>> admit_no_more();

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<const Guest *, std::weak_ptr<Guest>> present_;
    bool closed_ = false;
    Numbers past_;
};

// The state that all guests share. It stays as long as any of them.
struct House {
    House(comoq::Origin &of, const Options &given)
        : origin(of), options(given), sources(given.max_of_address, given.max_handshakes), guests(given.max_sessions) {}

    comoq::Origin &origin;
    const Options &options;
    comoq::net::WebOrigins web_origins;
    std::optional<WebFiles> web;
    std::shared_ptr<asio::ssl::context> tls;
    comoq::net::SourceLimits sources;
    Guests guests;
    LogBudget log_budget;
    // Four sessions' worth, for all sessions together: by default some hundreds of megabytes.
    const std::shared_ptr<std::atomic<std::int64_t>> announcements_left =
        std::make_shared<std::atomic<std::int64_t>>(static_cast<std::int64_t>(4 * options.max_announced));
};

class Guest : public std::enable_shared_from_this<Guest> {
public:
    Guest(House &house, const Address &listener, std::uint64_t id)
        : house_(house), listener_(listener), id_(id), log_(house.log_budget, id, listener.text()) {}
    Guest(const Guest &) = delete;
    Guest &operator=(const Guest &) = delete;

    // Serves from the accepted socket until nothing of the connection is left; on the socket's executor, which one
    // thread runs. Throws nothing.
    static asio::awaitable<void> serve(std::shared_ptr<Guest> self, asio::ip::tcp::socket socket);

    // Any thread.
    void ask_to_leave();
    void send_away(std::chrono::milliseconds within);
    comoq::TransportStats stats() const;
    std::size_t announcements_left_out() const;
    std::size_t announcements_not_told() const;

private:
    class Stay;
    class SocketShown;
    static asio::awaitable<void> serve_here(std::shared_ptr<Guest> self, asio::ip::tcp::socket socket);
    template <class Stream> asio::awaitable<void> serve_stream(Stream &stream);
    template <class Stream> asio::awaitable<bool> upgrade(Stream &stream);
    template <class Stream>
    asio::awaitable<bool> accept_upgrade(Stream &stream, comoq::websocket::IncomingRequest request);
    asio::awaitable<void> serve_session();
    static asio::awaitable<comoq::lite::SessionViews> decide(std::shared_ptr<Guest> self, std::string target);
    void configure();
    void note_protocol();
    class ShownSession;
    void set_session(const comoq::lite::Session *session);
    bool close_session();

    House &house_;
    const Address &listener_;
    const std::uint64_t id_;
    GuestLog log_;
    comoq::net::SourceLimits::Places places_;
    asio::ip::tcp::socket *socket_ = nullptr;  // while no connection is on it yet
    comoq::lite::SessionConfig config_;
    mutable std::mutex mutex_;
    asio::any_io_executor executor_;
    std::shared_ptr<comoq::qmux::Connection> transport_;
    const comoq::lite::Session *session_ = nullptr;
};
