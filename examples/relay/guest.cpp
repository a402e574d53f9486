#include "guest.hpp"

#include "log.hpp"
#include "net/deadline.hpp"
#include "net/dial.hpp"
#include "net/tls.hpp"

#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>

#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

// How long each of these may take: TLS, the head of a request and the answer to an upgrade; SETUP.
constexpr auto longest_handshake = 10s;
// The part of an answer that is sent at a time, and how long that may take.
constexpr std::size_t piece_of_answer = 16 * 1024;
constexpr auto longest_piece = 20s;
constexpr auto longest_silence = 10s;

// The session's id in the log.
LogLine &name(LogLine &line, std::uint64_t id) { return line.with("id", id); }

template <class Stream> awaitable<void> write_piece(Stream &stream, tcp::socket &socket, std::string_view piece) {
    auto writing = asio::async_write(stream, asio::buffer(piece), use_awaitable);
    co_await within(socket, longest_piece, std::move(writing));
}

// However large a file is, and however many clients ask for it, one piece is in memory for each of them.
template <class Stream>
awaitable<void> write_answer(Stream &stream, tcp::socket &socket, WebAnswer &answer, bool has_body, bool keeps_alive) {
    answer.head.fields.add("Content-Length", std::to_string(answer.size));
    answer.head.fields.add("Connection", keeps_alive ? "keep-alive" : "close");
    auto text = to_text(answer.head);
    if (has_body) {
        text += answer.text;
    }
    co_await write_piece(stream, socket, text);
    if (!has_body || !answer.file.is_open()) {
        co_return;
    }
    std::string piece;
    for (auto left = answer.size; left != 0; left -= piece.size()) {
        piece.resize(static_cast<std::size_t>(std::min<std::uintmax_t>(left, piece_of_answer)));
        if (!answer.file.read(piece.data(), static_cast<std::streamsize>(piece.size()))) {
            // The file has become shorter: only the end of the connection tells the client.
            throw std::system_error(std::make_error_code(std::errc::io_error));
        }
        co_await write_piece(stream, socket, piece);
    }
}

// The part of a target that is safe to log: the rest may be a secret.
std::string_view path_of(std::string_view target) { return target.substr(0, target.find_first_of("?#")); }

}  // namespace

bool Guests::enter(const std::shared_ptr<Guest> &guest) {
    std::lock_guard lock(mutex_);
    if (closed_ || present_.size() >= most_) {
        ++past_.refused;
        return false;
    }
    present_.emplace(guest.get(), guest);
    ++past_.entered;
    return true;
}

void Guests::turned_away() {
    std::lock_guard lock(mutex_);
    ++past_.refused;
}

void Guests::leave(const Guest &guest) {
    std::lock_guard lock(mutex_);
    const auto stats = guest.stats();
    present_.erase(&guest);
    past_.received_bytes += stats.received_bytes.value_or(0);
    past_.sent_bytes += stats.sent_bytes.value_or(0);
}

void Guests::close() {
    std::vector<std::shared_ptr<Guest>> all;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        for (const auto &[key, guest] : present_) {
            if (auto there = guest.lock()) {
                all.push_back(std::move(there));
            }
        }
    }
    for (const auto &guest : all) {
        guest->ask_to_leave();
    }
}

Guests::Numbers Guests::numbers() const {
    std::lock_guard lock(mutex_);
    Numbers numbers = past_;
    numbers.present = present_.size();
    for (const auto &[key, guest] : present_) {
        if (const auto there = guest.lock()) {
            const auto stats = there->stats();
            numbers.received_bytes += stats.received_bytes.value_or(0);
            numbers.sent_bytes += stats.sent_bytes.value_or(0);
            numbers.left_out += there->announcements_left_out();
        }
    }
    return numbers;
}

void Guest::ask_to_leave() {
    std::lock_guard lock(mutex_);
    if (close_session() || !executor_) {
        return;
    }
    asio::post(executor_, [self = shared_from_this()] {
        if (self->socket_ != nullptr) {
            std::error_code ignored;
            self->socket_->close(ignored);
            return;
        }
        // It has become a session meanwhile, or is gone.
        std::lock_guard lock_again(self->mutex_);
        self->close_session();
    });
}

// Under the lock. False if there is none.
bool Guest::close_session() {
    if (transport_ == nullptr) {
        return false;
    }
    transport_->close(0, "the relay shuts down");
    return true;
}

comoq::TransportStats Guest::stats() const {
    std::lock_guard lock(mutex_);
    return transport_ == nullptr ? comoq::TransportStats{} : transport_->stats();
}

awaitable<void> Guest::serve(std::shared_ptr<Guest> self, tcp::socket socket) {
    std::error_code ignored;
    const auto endpoint = socket.remote_endpoint(ignored);
    const auto address = endpoint.address().to_string(ignored);
    self->peer_ = endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                             : fmt::format("{}:{}", address, endpoint.port());
    {
        std::lock_guard lock(self->mutex_);
        self->executor_ = socket.get_executor();
    }
    self->places_ = self->house_.sources.enter(endpoint.address());
    if (!self->places_) {
        self->house_.guests.turned_away();
        // A flood of refused connections must not flood the log.
        LogLine line(Level::Debug, "refused");
        name(line, self->id_).with("peer", self->peer_).with("reason", "too many of one address");
        co_return;
    }
    if (!self->house_.guests.enter(self)) {
        LogLine line(Level::Warning, "refused");
        name(line, self->id_).with("peer", self->peer_).with("reason", "too many are connected");
        co_return;
    }
    prepare(socket);
    try {
        if (self->listener_.is_secure()) {
            TlsStream stream(std::move(socket), *self->house_.tls);
            self->socket_ = &stream.next_layer();
            auto handshake = stream.async_handshake(asio::ssl::stream_base::server, use_awaitable);
            co_await within(stream.next_layer(), longest_handshake, std::move(handshake));
            co_await self->serve_stream(stream);
        } else {
            self->socket_ = &socket;
            co_await self->serve_stream(socket);
        }
    } catch (const std::system_error &error) {
        LogLine line(Level::Debug, "connection_failed");
        name(line, self->id_).with("peer", self->peer_).with("error", error.code());
    } catch (const std::exception &error) {
        LogLine line(Level::Error, "connection_failed");
        name(line, self->id_).with("peer", self->peer_).with("error", error.what());
    }
    self->socket_ = nullptr;
    self->house_.guests.leave(*self);
    self->places_ = {};
}

template <class Stream> awaitable<void> Guest::serve_stream(Stream &stream) {
    std::shared_ptr<comoq::qmux::Connection> transport;
    if (listener_.is_websocket()) {
        const bool is_session = co_await upgrade(stream);
        if (!is_session) {
            co_return;
        }
    } else {
        comoq::qmux::ConnectionConfig config;
        config.protocols.assign(protocols.begin(), protocols.end());
        transport = comoq::qmux::start(comoq::qmux::TcpChannel<Stream>(std::move(stream)), false, std::move(config));
        std::lock_guard lock(mutex_);
        transport_ = std::move(transport);
    }
    socket_ = nullptr;
    co_await serve_session();
}

// Answers requests for files until one is for a WebSocket. False if none comes.
template <class Stream> awaitable<bool> Guest::upgrade(Stream &stream) {
    namespace websocket = comoq::websocket;
    std::vector<std::byte> leftover;
    while (true) {
        auto reading = websocket::read_request(stream, std::move(leftover));
        auto request = co_await within(*socket_, longest_handshake, std::move(reading));
        const bool is_upgrade = websocket::is_upgrade(request.head);
        const bool is_welcome = is_upgrade && house_.web_origins.lets_in(request.head, listener_.is_secure());
        if (is_welcome && house_.options.rights.at(request.head.target, house_.origin)) {
            // Before the request is given away.
            config_.url_target = request.head.target;
            auto accepting = websocket::accept(stream, std::move(request), protocols);
            auto accepted = co_await within(*socket_, longest_handshake, std::move(accepting));
            comoq::qmux::ConnectionConfig config;
            config.version = accepted.version;
            config.protocol = accepted.protocol;
            websocket::WebSocketChannel<Stream> channel(std::move(stream), websocket::Role::Server,
                                                        std::move(accepted.leftover));
            auto transport = comoq::qmux::start(std::move(channel), false, std::move(config));
            std::lock_guard lock(mutex_);
            transport_ = std::move(transport);
            co_return true;
        }
        auto answer = is_upgrade           ? refusal(403, "Forbidden")
                      : !house_.web        ? refusal(404, "Not Found")
                                           : house_.web->answer(request.head);
        const bool keeps_alive = !is_upgrade && request.head.keeps_alive() && !request.head.has_body();
        {
            LogLine line(Level::Debug, "web_request");
            name(line, id_).with("method", request.head.method).with("target", path_of(request.head.target));
            line.with("status", answer.head.status);
            if (is_upgrade && !is_welcome) {
                line.with("reason", "a page of another origin");
            }
        }
        co_await write_answer(stream, *socket_, answer, request.head.method != "HEAD", keeps_alive);
        if (!keeps_alive) {
            co_return false;
        }
        leftover = std::move(request.leftover);
    }
}

// What the client has asked for, in its URL or in SETUP, decides what it may see and do.
awaitable<comoq::lite::SessionViews> Guest::decide(std::shared_ptr<Guest> self, std::string target) {
    auto views = self->house_.options.rights.at(target, self->house_.origin);
    if (!views) {
        throw std::system_error(make_error_code(comoq::Error::Unauthorized));
    }
    co_return std::move(*views);
}

void Guest::configure() {
    config_.publish = house_.origin.consumer();
    config_.subscribe = house_.origin.producer();
    config_.authorize = [self = shared_from_this()](const comoq::lite::Setup &setup, const comoq::Transport &) {
        return decide(self, setup.path.value_or(""));
    };
    config_.announcements_left = house_.announcements_left;
    config_.max_announced = house_.options.max_announced;
    config_.max_requested = house_.options.max_requested;
    config_.max_waiting = house_.options.max_waiting;
}

void Guest::set_session(const comoq::lite::Session *session) {
    std::lock_guard lock(mutex_);
    session_ = session;
}

std::size_t Guest::announcements_left_out() const {
    std::lock_guard lock(mutex_);
    return session_ == nullptr ? 0 : session_->announcements_left_out();
}

// Shows the session to the counters while it exists.
class Guest::ShownSession {
public:
    ShownSession(Guest &guest, const comoq::lite::Session &session) : guest_(guest) { guest_.set_session(&session); }
    ShownSession(const ShownSession &) = delete;
    ShownSession &operator=(const ShownSession &) = delete;
    ~ShownSession() { guest_.set_session(nullptr); }

private:
    Guest &guest_;
};

awaitable<void> Guest::serve_session() {
    const auto opened = std::chrono::steady_clock::now();
    {
        LogLine line(Level::Info, "session_opened");
        name(line, id_).with("peer", peer_).with("listener", listener_.text());
    }
    configure();
    comoq::lite::Session session(transport_, std::move(config_));
    std::optional<ShownSession> shown(std::in_place, *this, session);
    asio::steady_timer timer(co_await asio::this_coro::executor, longest_silence);
    timer.async_wait([peer = session.peer(), transport = transport_](std::error_code cancelled) {
        if (!cancelled && !peer.ready()) {
            // moq-lite's number for a timeout: the session reads it as the peer does.
            constexpr std::uint64_t timeout = 0x11;
            transport->close(timeout, "no SETUP came");
        }
    });
    const auto greeted = [self = shared_from_this()](std::error_code failed, const auto &) {
        if (!failed) {
            self->places_.greeted();
        }
    };
    session.peer().async_wait(asio::bind_executor(timer.get_executor(), greeted));
    const std::error_code code = co_await session.closed();
    shown.reset();
    timer.cancel();
    {
        const auto lasted = std::chrono::steady_clock::now() - opened;
        const auto stats = transport_->stats();
        LogLine line(Level::Info, "session_closed");
        name(line, id_).with("reason", code ? code.message() : "closed");
        line.with("ms", static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(lasted).count()));
        line.with("received", stats.received_bytes.value_or(0)).with("sent", stats.sent_bytes.value_or(0));
    }
    co_await session.done();
    co_await transport_->done();
}
