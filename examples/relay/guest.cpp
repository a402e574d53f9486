#include "guest.hpp"

#include "log.hpp"

#include <comoq/net/sockets.hpp>
#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/ssl/stream.hpp>
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

using TlsStream = asio::ssl::stream<tcp::socket>;

awaitable<void> secure(TlsStream &stream) { co_await stream.async_handshake(asio::ssl::stream_base::server, use_awaitable); }

template <class Stream> awaitable<void> write_all(Stream &stream, std::string_view piece) {
    co_await asio::async_write(stream, asio::buffer(piece), use_awaitable);
}
template <class Stream> awaitable<void> write_piece(Stream &stream, std::string_view piece) {
    auto writing = write_all(stream, piece);
    co_await comoq::with_timeout(std::move(writing), longest_piece);
}

// However large a file is, and however many clients ask for it, one piece is in memory for each of them.
template <class Stream>
awaitable<void> write_answer(Stream &stream, WebAnswer &answer, bool has_body, bool keeps_alive) {
    answer.head.fields.add("Content-Length", std::to_string(answer.size));
    answer.head.fields.add("Connection", keeps_alive ? "keep-alive" : "close");
    auto text = to_text(answer.head);
    if (has_body) {
        text += answer.text;
    }
    co_await write_piece(stream, text);
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
        co_await write_piece(stream, piece);
    }
}

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
    if (present_.erase(&guest) == 0) {
        return;
    }
    const auto stats = guest.stats();
    past_.received_bytes += stats.received_bytes.value_or(0);
    past_.sent_bytes += stats.sent_bytes.value_or(0);
}

std::vector<std::shared_ptr<Guest>> Guests::admit_no_more() {
    std::vector<std::shared_ptr<Guest>> all;
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto &[key, guest] : present_) {
        if (auto there = guest.lock()) {
            all.push_back(std::move(there));
        }
    }
    return all;
}

void Guests::close() {
    for (const auto &guest : admit_no_more()) {
        guest->ask_to_leave();
    }
}

void Guests::send_away(std::chrono::milliseconds within) {
    for (const auto &guest : admit_no_more()) {
        guest->send_away(within);
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
            numbers.not_told += there->announcements_not_told();
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

void Guest::send_away(std::chrono::milliseconds within) {
    {
        std::lock_guard lock(mutex_);
        if (session_ != nullptr) {
            session_->drain(within);
            return;
        }
    }
    ask_to_leave();
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

// A guest's places, which are given back however its service ends.
class Guest::Stay {
public:
    explicit Stay(Guest &of) noexcept : of_(of) {}
    Stay(const Stay &) = delete;
    Stay &operator=(const Stay &) = delete;
    ~Stay() {
        of_.house_.guests.leave(of_);
        of_.places_ = {};
        // It keeps the guest, if no session has taken it.
        of_.config_ = {};
    }

private:
    Guest &of_;
};

// Shows the socket to a caller that asks the guest to leave, while no connection is on it yet.
class Guest::SocketShown {
public:
    SocketShown(Guest &guest, tcp::socket &socket) noexcept : guest_(guest) { guest_.socket_ = &socket; }
    SocketShown(const SocketShown &) = delete;
    SocketShown &operator=(const SocketShown &) = delete;
    ~SocketShown() { guest_.socket_ = nullptr; }

private:
    Guest &guest_;
};

awaitable<void> Guest::serve(std::shared_ptr<Guest> self, tcp::socket socket) {
    try {
        const Stay stay(*self);
        co_await serve_here(self, std::move(socket));
    } catch (const std::system_error &error) {
        self->log_.failed(error.code().message(), Level::Debug);
    } catch (const std::exception &error) {
        self->log_.failed(error.what(), Level::Error);
    }
}

awaitable<void> Guest::serve_here(std::shared_ptr<Guest> self, tcp::socket socket) {
    std::error_code ignored;
    const auto endpoint = socket.remote_endpoint(ignored);
    self->log_.came_from(endpoint);
    {
        std::lock_guard lock(self->mutex_);
        self->executor_ = socket.get_executor();
    }
    self->places_ = self->house_.sources.enter(endpoint.address());
    if (!self->places_) {
        self->house_.guests.turned_away();
        self->log_.refused("too many of one address");
        co_return;
    }
    if (!self->house_.guests.enter(self)) {
        self->log_.refused("too many are connected", Level::Warning);
        co_return;
    }
    comoq::net::tune(socket);
    if (self->listener_.is_secure) {
        TlsStream stream(std::move(socket), *self->house_.tls);
        const SocketShown shown(*self, stream.next_layer());
        auto securing = secure(stream);
        co_await comoq::with_timeout(std::move(securing), longest_handshake);
        co_await self->serve_stream(stream);
    } else {
        const SocketShown shown(*self, socket);
        co_await self->serve_stream(socket);
    }
}

template <class Stream> awaitable<void> Guest::serve_stream(Stream &stream) {
    std::shared_ptr<comoq::qmux::Connection> transport;
    if (listener_.is_websocket) {
        const bool is_session = co_await upgrade(stream);
        if (!is_session) {
            co_return;
        }
    } else {
        comoq::qmux::TcpChannel<Stream> channel(std::move(stream));
        transport = comoq::qmux::start(std::move(channel), false, comoq::qmux::ConnectionConfig());
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
        auto request = co_await comoq::with_timeout(std::move(reading), longest_handshake);
        if (websocket::is_upgrade(request.head)) {
            auto accepting = accept_upgrade(stream, std::move(request));
            co_return co_await std::move(accepting);
        }
        auto answer = !house_.web ? refusal(404, "Not Found") : house_.web->answer(request.head);
        const bool keeps_alive = request.head.keeps_alive() && !request.head.has_body();
        LogLine(Level::Debug, "web_request")
            .with("id", id_)
            .with("method", request.head.method)
            .with("target", path_of(request.head.target))
            .with("status", answer.head.status);
        co_await write_answer(stream, answer, request.head.method != "HEAD", keeps_alive);
        if (!keeps_alive) {
            co_return false;
        }
        leftover = std::move(request.leftover);
    }
}

// False if it is refused, or fails.
template <class Stream> awaitable<bool> Guest::accept_upgrade(Stream &stream, comoq::websocket::IncomingRequest request) {
    namespace websocket = comoq::websocket;
    const std::string target = request.head.target;
    log_.asks_for(target);
    log_.runs_in(request.head.fields);
    const bool is_welcome = house_.web_origins.lets_in(request.head, listener_.is_secure);
    if (!is_welcome || !house_.options.rights.at(target, house_.origin)) {
        auto answer = refusal(403, "Forbidden");
        log_.refused(is_welcome ? "nothing is allowed there" : "a page of another origin", Level::Info, answer.head.status);
        co_await write_answer(stream, answer, request.head.method != "HEAD", false);
        co_return false;
    }
    const auto offer = request.head.fields.joined("Sec-WebSocket-Protocol");
    const auto spoken = comoq::qmux::default_protocols();
    const std::vector<std::string_view> protocols(spoken.begin(), spoken.end());
    std::optional<websocket::AcceptedUpgrade> accepted;
    try {
        auto accepting = websocket::accept(stream, std::move(request), protocols);
        accepted = co_await comoq::with_timeout(std::move(accepting), longest_handshake);
    } catch (const std::system_error &error) {
        log_.refused(error.code().message(), Level::Info, 0, offer);
        co_return false;
    }
    log_.speaks(comoq::qmux::Subprotocol{accepted->version, accepted->protocol}.name());
    config_.url_target = target;
    comoq::qmux::ConnectionConfig config;
    config.version = accepted->version;
    config.protocol = accepted->protocol;
    websocket::WebSocketChannel<Stream> channel(std::move(stream), websocket::Role::Server, std::move(accepted->leftover));
    auto transport = comoq::qmux::start(std::move(channel), false, std::move(config));
    std::lock_guard lock(mutex_);
    transport_ = std::move(transport);
    co_return true;
}

// What the client has asked for, in its URL or in SETUP, decides what it may see and do.
awaitable<comoq::lite::SessionViews> Guest::decide(std::shared_ptr<Guest> self, std::string target) {
    self->log_.asks_for(target);
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
    config_.name = log_.peer();
    config_.on_event = [self = shared_from_this()](const comoq::lite::SessionEvent &event) { self->log_.happened(event); };
    config_.announcements_left = house_.announcements_left;
    config_.max_announced = house_.options.max_announced;
    config_.max_requested = house_.options.max_requested;
    config_.max_waiting = house_.options.max_waiting;
}

// Without a WebSocket, the protocol is known when the client has said which ones it speaks; the draft of qmux has no name.
void Guest::note_protocol() {
    const auto protocol = transport_->protocol();
    if (!listener_.is_websocket && !protocol.empty()) {
        log_.speaks(std::string(protocol));
    }
}

void Guest::set_session(const comoq::lite::Session *session) {
    std::lock_guard lock(mutex_);
    session_ = session;
}

std::size_t Guest::announcements_left_out() const {
    std::lock_guard lock(mutex_);
    return session_ == nullptr ? 0 : session_->announcements_left_out();
}

std::size_t Guest::announcements_not_told() const {
    std::lock_guard lock(mutex_);
    return session_ == nullptr ? 0 : session_->announcements_not_told();
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
    const auto admitted = [self = shared_from_this()](std::error_code failed) {
        if (!failed) {
            self->note_protocol();
            self->log_.opened();
        }
    };
    session.admitted().async_wait(asio::bind_executor(timer.get_executor(), admitted));
    const std::error_code code = co_await session.closed();
    shown.reset();
    timer.cancel();
    note_protocol();
    log_.closed(code, transport_->channel_end(), transport_->stats());
    co_await session.done();
    co_await transport_->done();
}
