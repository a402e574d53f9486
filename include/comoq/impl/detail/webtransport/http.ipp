// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/webtransport/http.hpp"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

namespace comoq::webtransport::detail {

/// Requests of a client, other than its session, that are read at a time; further ones are refused. Each can hold
/// `h3::largest_head` bytes, and some two times that while it is unpacked.
inline constexpr std::size_t most_requests = 16;

/// These end one stream; all others end the connection (RFC 9114, section 8).
inline bool ends_stream_only(h3::Code code) noexcept {
    return code == h3::Code::MessageError || code == h3::Code::RequestIncomplete || code == h3::Code::ExcessiveLoad;
}
inline void end_stream(BidiStream &stream, h3::Code code) {
    stream.send->reset(h3::number_of(code));
    stream.receive->stop(h3::number_of(code));
}

/// A capsule as it goes on the stream of the session.
inline std::vector<std::byte> in_data(std::span<const std::byte> capsule) {
    std::vector<std::byte> bytes;
    h3::begin_block(h3::data_frame, capsule.size(), bytes);
    bytes.insert(bytes.end(), capsule.begin(), capsule.end());
    return bytes;
}

COMOQ_DECL Http::Http(std::shared_ptr<quic::Connection> connection, Config config)
    : connection_(std::move(connection)),
      config_(std::move(config)),
      own_limits_(connection_->is_client() && !config_.flow_control ? h3::SessionLimits() : connection_->own_limits()),
      control_(!connection_->is_client()),
      tasks_(std::make_shared<comoq::detail::TaskGroupState>(connection_->executor())) {}

COMOQ_DECL void Http::spawn(asio::awaitable<void> work) {
    comoq::detail::TaskGroupState::spawn(tasks_, std::move(work), [](const std::exception_ptr &) {});
}
COMOQ_DECL void Http::write(SendStream &to, std::vector<std::byte> bytes) {
    // What goes here is small, and is not worth a wait.
    static_cast<void>(to.write({}, Bytes(std::move(bytes))));
}

// The connection.

COMOQ_DECL asio::awaitable<void> Http::begin(std::shared_ptr<Http> self) {
    self->spawn(accept_streams(self));
    auto opening = self->connection_->open_uni();
    self->own_control_ = co_await std::move(opening);
    std::vector<std::byte> bytes = {std::byte{h3::control_stream}};
    h3::write_settings(self->own_limits_, bytes);
    self->write(*self->own_control_, std::move(bytes));
    co_await self->has_settings_.wait();
}

COMOQ_DECL asio::awaitable<void> Http::accept_streams(std::shared_ptr<Http> self) {
    std::error_code code;
    try {
        for (;;) {
            auto stream = co_await self->connection_->accept_protocol_stream();
            self->take(std::move(stream));
        }
    } catch (const std::system_error &error) {
        code = error.code();
    } catch (const std::exception &) {
        code = make_error_code(Error::Transport);
    }
    // For want of memory it may go on, and this side does not.
    self->fail(h3::Code::InternalError, {}, code);
    self->has_settings_.fail(code);
    self->has_head_.fail(code);
}

COMOQ_DECL void Http::take(quic::Connection::ProtocolStream stream) {
    const auto self = shared_from_this();
    if (stream.type == h3::request_stream) {
        if (requests_ >= most_requests) return end_stream(stream.stream, h3::Code::RequestRejected);
        return spawn(serve(self, std::move(stream.stream), Counted(self)));
    }
    if (std::exchange(has_come_[stream.type], true)) return fail(h3::Code::StreamCreationError, "a second control stream");
    if (stream.type == h3::control_stream) return spawn(read_control(self, std::move(stream.stream.receive)));
    spawn(read_fields_stream(self, stream.type, std::move(stream.stream.receive)));
}

COMOQ_DECL asio::awaitable<void> Http::read_control(std::shared_ptr<Http> self, std::unique_ptr<ReceiveStream> stream) {
    try {
        for (;;) {
            const Bytes bytes = co_await stream->read();
            const auto code = bytes.empty() ? h3::Code::ClosedCriticalStream : self->control_.read(bytes.span());
            if (code != h3::Code::None) co_return self->fail(code, "the peer's control stream");
            if (self->control_.settings()) self->has_settings_.set();
            if (self->control_.goes_away()) self->is_draining_ = true;
        }
    } catch (const std::exception &) {
        self->fail(h3::Code::ClosedCriticalStream, "the peer's control stream");
    }
}

COMOQ_DECL asio::awaitable<void> Http::read_fields_stream(std::shared_ptr<Http> self, std::uint64_t type,
                                                          std::unique_ptr<ReceiveStream> stream) {
    try {
        for (;;) {
            const Bytes bytes = co_await stream->read();
            auto code = h3::Code::ClosedCriticalStream;
            if (!bytes.empty()) {
                const bool is_encoder = type == h3::qpack_encoder_stream;
                code = is_encoder ? self->coder_.read_encoder(bytes.span()) : self->coder_.read_decoder(bytes.span());
            }
            if (code != h3::Code::None) co_return self->fail(code, "the peer's stream of QPACK");
        }
    } catch (const std::exception &) {
        self->fail(h3::Code::ClosedCriticalStream, "the peer's stream of QPACK");
    }
}

COMOQ_DECL void Http::fail(h3::Code code, std::string_view reason, std::error_code here) {
    connection_->end_session(nullptr, Bytes(), here, h3::number_of(code), reason);
}

// Requests.

COMOQ_DECL asio::awaitable<void> Http::serve(std::shared_ptr<Http> self, BidiStream stream, Counted counted) {
    try {
        auto exchange = std::make_unique<Exchange>(self->coder_, false);
        auto code = h3::Code::None;
        while (code == h3::Code::None && !exchange->has_head()) {
            const Bytes bytes = co_await stream.receive->read();
            code = bytes.empty() ? exchange->end() : exchange->read(bytes.span());
        }
        if (code != h3::Code::None) {
            if (ends_stream_only(code)) co_return end_stream(stream, code);
            co_return self->fail(code, "a request");
        }
        if (!exchange->request()->asks_for_session()) co_return self->answer(*exchange->request(), stream);
        // There is one already.
        if (self->exchange_ != nullptr) co_return end_stream(stream, h3::Code::RequestRejected);
        self->exchange_ = std::move(exchange);
        self->stream_ = std::move(stream);
        self->id_ = quic::Connection::id_of(*self->stream_.send);
    } catch (const std::system_error &) {
        // The client has reset it, or is gone.
        if (stream.send != nullptr) stream.send->reset(h3::number_of(h3::Code::RequestCancelled));
        co_return;
    } catch (const std::exception &) {
        co_return self->fail(h3::Code::InternalError, {}, make_error_code(Error::Transport));
    }
    self->has_head_.set();
    static_cast<void>(counted);
    co_await read_session(self);
}

COMOQ_DECL void Http::answer(const h3::RequestHead &head, BidiStream &stream) {
    PlainAnswer answer;
    try {
        if (config_.other_requests) answer = config_.other_requests(head.method, head.path);
    } catch (const std::exception &) {
        answer.status = 500;
    }
    if (answer.status < 200 || answer.status > 599) answer.status = 500;
    auto fields = h3::response_fields(answer.status, {}, false);
    if (!answer.content_type.empty()) fields.push_back({"content-type", answer.content_type});
    fields.push_back({"content-length", std::to_string(answer.body.size())});
    std::vector<std::byte> bytes;
    coder_.write(fields, bytes);
    if (head.method != "HEAD" && !answer.body.empty()) {
        h3::begin_block(h3::data_frame, answer.body.size(), bytes);
        const auto body = std::as_bytes(std::span(answer.body));
        bytes.insert(bytes.end(), body.begin(), body.end());
    }
    write(*stream.send, std::move(bytes));
    stream.send->finish();
    // What may still come of it does not matter.
    stream.receive->stop(h3::number_of(h3::Code::NoError));
}

// The session.

COMOQ_DECL asio::awaitable<void> Http::requested(std::shared_ptr<Http> self) { co_await self->has_head_.wait(); }

COMOQ_DECL asio::awaitable<void> Http::ask(std::shared_ptr<Http> self, std::vector<h3::Field> fields) {
    auto opening = self->connection_->open_bidi();
    self->stream_ = co_await std::move(opening);
    self->id_ = quic::Connection::id_of(*self->stream_.send);
    self->exchange_ = std::make_unique<Exchange>(self->coder_, true);
    std::vector<std::byte> bytes;
    self->coder_.write(fields, bytes);
    self->write(*self->stream_.send, std::move(bytes));
    self->spawn(read_session(self));
    co_await self->has_head_.wait();
}

COMOQ_DECL asio::awaitable<void> Http::read_session(std::shared_ptr<Http> self) {
    try {
        for (bool goes_on = self->look_at_capsules(); goes_on;) {
            const Bytes bytes = co_await self->stream_.receive->read();
            const auto code = bytes.empty() ? self->exchange_->end() : self->exchange_->read(bytes.span());
            if (code != h3::Code::None) {
                self->fail(code, "the stream of the session");
                break;
            }
            if (self->exchange_->has_head()) self->has_head_.set();
            goes_on = self->look_at_capsules();
            if (goes_on && bytes.empty()) {
                self->ended(std::nullopt);
                break;
            }
        }
    } catch (const std::exception &) {
        // The peer has reset it: that ends the session, too, or the hope for one.
        self->has_head_.fail(make_error_code(Error::Transport));
        self->ended(std::nullopt);
    }
    self->has_head_.fail(make_error_code(Error::Transport));
    self->over_.set();
}

COMOQ_DECL bool Http::look_at_capsules() {
    const auto &capsules = exchange_->capsules();
    if (capsules.drains()) is_draining_ = true;
    if (!raise_limits()) return false;
    if (capsules.end()) ended(capsules.end());
    return !capsules.end();
}
COMOQ_DECL bool Http::raise_limits() {
    const auto &capsules = exchange_->capsules();
    const bool are_well = connection_->raise_limits({capsules.max_uni(), capsules.max_bidi(), capsules.max_data()});
    if (!are_well) fail(h3::Code::FlowControlError, "a limit that goes back");
    return are_well;
}

COMOQ_DECL void Http::ended(const std::optional<h3::SessionEnd> &how) {
    if (how) {
        comoq::detail::Lock lock(mutex_);
        end_ = how;
    }
    const auto code = how ? connection_ended(how->number) : std::error_code();
    const auto reason = how ? std::string_view(how->reason) : std::string_view();
    connection_->end_session(stream_.send.get(), Bytes(), code, h3::number_of(h3::Code::NoError), reason);
}

COMOQ_DECL void Http::respond(unsigned status, std::string_view protocol) {
    std::vector<std::byte> bytes;
    coder_.write(h3::response_fields(status, protocol, exchange_->request()->names_draft), bytes);
    write(*stream_.send, std::move(bytes));
}
COMOQ_DECL void Http::begin_session() {
    connection_->begin_session(id_, settings().datagrams, own_limits_, settings().limits);
    // Capsules may have come before.
    raise_limits();
}

COMOQ_DECL void Http::reject(unsigned status, std::error_code code) {
    respond(status, {});
    connection_->end_session(stream_.send.get(), Bytes(), code, h3::number_of(h3::Code::NoError), {});
}

COMOQ_DECL void Http::close(std::uint64_t number, std::string_view reason) {
    const auto sent = static_cast<std::uint32_t>(std::min<std::uint64_t>(number, 0xffffffff));
    try {
        std::vector<std::byte> capsule;
        h3::write_close(sent, reason, capsule);
        auto words = in_data(capsule);
        connection_->end_session(stream_.send.get(), Bytes(std::move(words)), connection_ended(sent), h3::number_of(h3::Code::NoError),
                                 reason);
    } catch (const std::bad_alloc &) {
        connection_->close(0, {});
    }
}

COMOQ_DECL void Http::drain() {
    std::vector<std::byte> capsule;
    h3::begin_block(h3::capsule::drain, 0, capsule);
    write(*stream_.send, in_data(capsule));
    // A server names the first request that it will not serve, a client the first push.
    const auto first = comoq::detail::write_varint(connection_->is_client() ? 0 : id_ + 4);
    std::vector<std::byte> goaway;
    h3::begin_block(h3::goaway_frame, first.size, goaway);
    goaway.insert(goaway.end(), first.span().begin(), first.span().end());
    write(*own_control_, std::move(goaway));
}

}  // namespace comoq::webtransport::detail
