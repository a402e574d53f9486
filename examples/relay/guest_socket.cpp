// A client that has come by TCP: TLS, HTTP and WebSocket, up to its session.
#include "guest.hpp"

#include "log.hpp"

#include <comoq/net/sockets.hpp>
#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/buffer.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

// How long each of these may take: TLS, the head of a request and the answer to an upgrade.
constexpr auto longest_handshake = 10s;
// The part of an answer that is sent at a time, and how long that may take.
constexpr std::size_t piece_of_answer = 16 * 1024;
constexpr auto longest_piece = 20s;

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
    auto service = serve_here(self, std::move(socket));
    return serve_and_log(std::move(self), std::move(service));
}

awaitable<void> Guest::serve_here(std::shared_ptr<Guest> self, tcp::socket socket) {
    std::error_code ignored;
    const auto endpoint = socket.remote_endpoint(ignored);
    if (!self->enter(endpoint, socket.get_executor())) {
        co_return;
    }
    comoq::net::tune(socket);
    if (self->listener_.is_secure) {
        // As it is now: others may get another certificate.
        const auto tls = self->house_.identity->tls();
        TlsStream stream(std::move(socket), *tls);
        const SocketShown shown(*self, stream.next_layer());
        auto securing = secure(stream);
        co_await comoq::with_timeout(std::move(securing), longest_handshake);
        self->relay_until_ = shown_until(stream.native_handle());
        self->question_.server_name = name_asked_for(stream.native_handle());
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
        kind_ = "tcp";
        comoq::qmux::TcpChannel<Stream> channel(std::move(stream));
        transport = comoq::qmux::start(std::move(channel), false, comoq::qmux::ConnectionConfig());
        std::lock_guard lock(mutex_);
        transport_ = qmux_ = std::move(transport);
    }
    socket_ = nullptr;
    co_await serve_session();
}

// Where a stream is.
template <class Stream> class StreamSink : public WebSink {
public:
    explicit StreamSink(Stream &stream) : stream_(stream) {}
    awaitable<void> write(std::string_view piece) override { return write_piece(stream_, piece); }

private:
    Stream &stream_;
};

// False if no other request can follow.
template <class Stream> awaitable<bool> Guest::answer_request(Stream &stream, const comoq::websocket::RequestHead &request) {
    auto route = route_of(request.target);
    auto answer = brief_web_answer(request, route);
    if (!answer) {
        StreamSink<Stream> sink(stream);
        auto answering = answer_by_rights(request, std::move(route), sink);
        answer = co_await std::move(answering);
        auto ending = end_grant();
        co_await std::move(ending);
    }
    const bool keeps_alive = request.keeps_alive() && !request.has_body();
    constexpr unsigned ok = 200;
    LogLine(Level::Debug, "web_request")
        .with("id", id_)
        .with("method", request.method)
        .with("target", path_of(request.target))
        .with("status", answer ? answer->head.status : ok);
    if (!answer) {
        co_return keeps_alive && request.minor_version != 0;
    }
    auto writing = write_answer(stream, *answer, request.method != "HEAD", keeps_alive);
    co_await std::move(writing);
    co_return keeps_alive;
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
        auto answering = answer_request(stream, request.head);
        const bool keeps_alive = co_await std::move(answering);
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
    kind_ = "websocket";
    auto admitting = admit_page(request.head, listener_.is_secure);
    const auto admission = co_await std::move(admitting);
    if (!admission.views) {
        auto answer = not_let_in(admission.status);
        log_.refused(admission.reason, Level::Info, answer.head.status);
        co_await write_answer(stream, answer, request.head.method != "HEAD", false);
        co_return false;
    }
    const auto offer = request.head.fields.joined("Sec-WebSocket-Protocol");
    const auto &spoken = house_.options.protocols;
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
    transport_ = qmux_ = std::move(transport);
    co_return true;
}
