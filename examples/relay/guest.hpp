// Who has connected to the relay: a session, or a browser that wants files.
#pragma once

#include "net/url.hpp"

#include "web_files.hpp"

#include <comoq/lite/session.hpp>
#include <comoq/path.hpp>
#include <comoq/transport.hpp>

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

class Guest;

// Everyone who is connected, for who counts them, and for the end. Any thread.
class Guests {
public:
    explicit Guests(std::size_t most) : most_(most) {}

    // False if there are too many.
    bool enter(const std::shared_ptr<Guest> &guest);
    void leave(const Guest &guest);
    // Asks all to leave, and lets nobody in any more.
    void close();

    struct Numbers {
        std::size_t present = 0;
        std::uint64_t entered = 0, refused = 0;
        std::uint64_t received_bytes = 0, sent_bytes = 0;
    };
    Numbers numbers() const;

private:
    const std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<const Guest *, std::weak_ptr<Guest>> present_;
    bool closed_ = false;
    Numbers past_;
};

// What all guests share. It stays as long as any of them.
struct House {
    House(comoq::Origin &of, std::vector<comoq::Path> allowed_paths, std::size_t most_guests)
        : origin(of), allowed(std::move(allowed_paths)), guests(most_guests) {}

    comoq::Origin &origin;
    const std::vector<comoq::Path> allowed;  // empty: everything
    std::optional<WebFiles> web;
    std::shared_ptr<asio::ssl::context> tls;
    Guests guests;
    // Some hundreds of megabytes, whoever announces them.
    const std::shared_ptr<std::atomic<std::int64_t>> announcements_left = std::make_shared<std::atomic<std::int64_t>>(65'536);
};

class Guest : public std::enable_shared_from_this<Guest> {
public:
    Guest(House &house, const Url &listener, std::uint64_t id) : house_(house), listener_(listener), id_(id) {}
    Guest(const Guest &) = delete;
    Guest &operator=(const Guest &) = delete;

    // From the accepted socket to the end; on the socket's executor, which one thread runs. Throws nothing.
    static asio::awaitable<void> serve(std::shared_ptr<Guest> self, asio::ip::tcp::socket socket);

    // Any thread.
    void ask_to_leave();
    comoq::TransportStats stats() const;

private:
    template <class Stream> asio::awaitable<void> serve_stream(Stream &stream);
    template <class Stream> asio::awaitable<bool> upgrade(Stream &stream);
    asio::awaitable<void> serve_session();
    bool find_views(std::string_view path);
    bool close_session();

    House &house_;
    const Url &listener_;
    const std::uint64_t id_;
    std::string peer_;
    asio::ip::tcp::socket *socket_ = nullptr;  // while there is no connection on it yet
    comoq::lite::SessionConfig config_;
    mutable std::mutex mutex_;
    asio::any_io_executor executor_;
    std::shared_ptr<comoq::Transport> transport_;
};
