// A client of the relay: a session, or a browser that wants files.
#pragma once

#include "guest_log.hpp"
#include "guests.hpp"
#include "options.hpp"
#include "web_body.hpp"
#include "web_route.hpp"

#include <comoq/net/source_limits.hpp>
#include <comoq/qmux/connection.hpp>
#include <comoq/session.hpp>
#include <comoq/transport.hpp>
#include <comoq/websocket/upgrade.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace comoq::quic {
class Connection;
}
using QuicConnection = comoq::quic::Connection;

class Guest : public std::enable_shared_from_this<Guest> {
public:
    Guest(House &house, const Address &listener, std::uint64_t id)
        : house_(house), listener_(listener), id_(id), log_(house.log_budget, id, listener.text()) {}
    Guest(const Guest &) = delete;
    Guest &operator=(const Guest &) = delete;

    // Serves from the accepted socket until nothing of the connection is left; on the socket's executor, which one
    // thread runs. Throws nothing.
    static asio::awaitable<void> serve(std::shared_ptr<Guest> self, asio::ip::tcp::socket socket);
    // The same for a connection over QUIC, whose handshake may not be over.
    static asio::awaitable<void> serve(std::shared_ptr<Guest> self, std::shared_ptr<QuicConnection> connection);

    // Any thread.
    void ask_to_leave();
    void send_away(std::chrono::milliseconds within);
    // Its token is over.
    void expire();
    comoq::TransportStats stats() const;
    std::size_t announcements_left_out() const;
    std::size_t announcements_not_told() const;

private:
    class Stay;
    class SocketShown;
    static asio::awaitable<void> serve_and_log(std::shared_ptr<Guest> self, asio::awaitable<void> service);
    static asio::awaitable<void> serve_here(std::shared_ptr<Guest> self, asio::ip::tcp::socket socket);
    static asio::awaitable<void> serve_here(std::shared_ptr<Guest> self, std::shared_ptr<QuicConnection> connection);
    asio::awaitable<bool> accept_webtransport(std::shared_ptr<QuicConnection> connection);
    bool enter(const asio::ip::tcp::endpoint &from, const asio::any_io_executor &executor);
    template <class Stream> asio::awaitable<void> serve_stream(Stream &stream);
    template <class Stream> asio::awaitable<bool> upgrade(Stream &stream);
    template <class Stream>
    asio::awaitable<bool> accept_upgrade(Stream &stream, comoq::websocket::IncomingRequest request);
    template <class Stream> asio::awaitable<bool> answer_request(Stream &stream, const comoq::websocket::RequestHead &request);
    std::optional<WebAnswer> brief_web_answer(const comoq::websocket::RequestHead &request, const WebRoute &route);
    asio::awaitable<std::optional<WebAnswer>> answer_by_rights(const comoq::websocket::RequestHead &request, WebRoute route, WebSink &to);
    asio::awaitable<void> serve_session();
    static asio::awaitable<comoq::lite::SessionViews> decide(std::shared_ptr<Guest> self, std::string target);
    asio::awaitable<Admission> admit(std::string target, std::string transport);
    asio::awaitable<Admission> admit_page(const comoq::websocket::RequestHead &head, bool is_secure);
    asio::awaitable<void> keep_grant(std::shared_ptr<Guest> self, comoq::Operation<void> admitted);
    asio::awaitable<void> end_grant();
    void configure();
    void note_protocol();
    class ShownSession;
    void set_session(const comoq::Session *session);
    bool close_session();

    House &house_;
    const Address &listener_;
    const std::uint64_t id_;
    GuestLog log_;
    comoq::net::SourceLimits::Places places_;
    asio::ip::tcp::socket *socket_ = nullptr;  // while no connection is on it yet
    // If it is another relay that has shown a certificate.
    std::optional<std::chrono::system_clock::time_point> relay_until_;
    // How it has come, as a service for authorization calls it; what that was asked last, and what it allows.
    std::string kind_ = "quic";
    AuthQuestion question_;
    std::optional<AuthGrant> grant_;
    std::chrono::steady_clock::time_point granted_;
    std::string_view grant_end_ = "closed";
    comoq::lite::SessionConfig config_;
    mutable std::mutex mutex_;
    asio::any_io_executor executor_;
    std::shared_ptr<comoq::Transport> transport_;
    std::shared_ptr<comoq::qmux::Connection> qmux_;  // if it is one of these
    const comoq::Session *session_ = nullptr;
};
