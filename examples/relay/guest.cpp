#include "guest.hpp"

#include "log.hpp"
#include "net/deadline.hpp"
#include "net/dial.hpp"
#include "net/tls.hpp"

#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <fmt/format.h>
#include <span>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

// How long each of these may take: TLS and the head of a request, the answer to one, SETUP.
constexpr auto longest_handshake = 10s;
constexpr auto longest_answer = 60s;
constexpr auto longest_silence = 10s;

// Which session it is in the log.
LogLine &name(LogLine &line, std::uint64_t id) { return line.with("id", id); }

template <class Stream> awaitable<void> write_answer(Stream &stream, WebAnswer &answer, bool has_body, bool keeps_alive) {
    answer.head.fields.add("Content-Length", std::to_string(answer.body.size()));
    answer.head.fields.add("Connection", keeps_alive ? "keep-alive" : "close");
    const auto head = to_text(answer.head);
    const std::array<asio::const_buffer, 2> both = {asio::buffer(head),
                                                    asio::buffer(answer.body.data(), has_body ? answer.body.size() : 0)};
    co_await asio::async_write(stream, both, use_awaitable);
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
    transport_->close({}, "the relay shuts down");
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
}

template <class Stream> awaitable<void> Guest::serve_stream(Stream &stream) {
    std::shared_ptr<comoq::Transport> transport;
    if (listener_.is_websocket()) {
        const bool is_session = co_await upgrade(stream);
        if (!is_session) {
            co_return;
        }
    } else {
        comoq::qmux::ConnectionConfig config;
        config.protocols.assign(protocols.begin(), protocols.end());
        if (!find_views("")) {
            co_return;
        }
        transport = comoq::qmux::start(comoq::qmux::TcpChannel<Stream>(std::move(stream)), false, std::move(config));
        std::lock_guard lock(mutex_);
        transport_ = std::move(transport);
    }
    socket_ = nullptr;
    co_await serve_session();
}

// Answers requests for files until one is for a WebSocket. False if there comes none.
template <class Stream> awaitable<bool> Guest::upgrade(Stream &stream) {
    namespace websocket = comoq::websocket;
    std::vector<std::byte> leftover;
    while (true) {
        auto reading = websocket::read_request(stream, std::move(leftover));
        auto request = co_await within(*socket_, longest_handshake, std::move(reading));
        const Deadline deadline(*socket_, longest_answer);
        const bool is_upgrade = websocket::is_upgrade(request.head);
        const auto target = request.head.target;
        if (is_upgrade && find_views(std::string_view(target).substr(0, target.find_first_of("?#")))) {
            auto accepted = co_await websocket::accept(stream, std::move(request), protocols);
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
            name(line, id_).with("method", request.head.method).with("target", target).with("status", answer.head.status);
        }
        co_await write_answer(stream, answer, request.head.method != "HEAD", keeps_alive);
        if (!keeps_alive) {
            co_return false;
        }
        leftover = std::move(request.leftover);
    }
}

// What this guest may see and do: what is allowed to all, below the path that it came to. False if that is nothing.
bool Guest::find_views(std::string_view path) {
    std::optional<comoq::OriginConsumer> publish = house_.origin.consumer();
    std::optional<comoq::OriginProducer> subscribe = house_.origin.producer();
    if (!house_.allowed.empty()) {
        publish = publish->scope(house_.allowed);
        subscribe = subscribe->scope(house_.allowed);
    }
    try {
        const comoq::Path root(path);
        if (publish && !root.empty()) {
            publish = publish->with_root(root.view());
            subscribe = subscribe->with_root(root.view());
        }
    } catch (const std::system_error &) {
        return false;
    }
    config_.publish = std::move(publish);
    config_.subscribe = std::move(subscribe);
    config_.announcements_left = house_.announcements_left;
    return config_.publish.has_value();
}

awaitable<void> Guest::serve_session() {
    const auto opened = std::chrono::steady_clock::now();
    {
        LogLine line(Level::Info, "session_opened");
        name(line, id_).with("peer", peer_).with("listener", listener_.text());
    }
    comoq::lite::Session session(transport_, std::move(config_));
    asio::steady_timer timer(co_await asio::this_coro::executor, longest_silence);
    timer.async_wait([peer = session.peer(), transport = transport_](std::error_code cancelled) {
        if (!cancelled && !peer.ready()) {
            transport->close(comoq::Error::Timeout, "no SETUP came");
        }
    });
    const std::error_code code = co_await session.closed();
    timer.cancel();

    const auto lasted = std::chrono::steady_clock::now() - opened;
    const auto stats = transport_->stats();
    LogLine line(Level::Info, "session_closed");
    name(line, id_).with("reason", code ? code.message() : "closed");
    line.with("ms", static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(lasted).count()));
    line.with("received", stats.received_bytes.value_or(0)).with("sent", stats.sent_bytes.value_or(0));
}
