// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../transport.hpp"
#include "../session/unread_bytes.hpp"
#include "../wait/failure.hpp"
#include "../wait/passkey.hpp"
#include "shared_transport.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::ietf::detail {

// Requests that have streams of their own where others share one: SUBSCRIBE_NAMESPACE of draft 16.

/// Such a request, by its two halves.
struct ApartRequest {
    explicit ApartRequest(SharedTransport::Self of) : transport(std::move(of)) {}
    ApartRequest(const ApartRequest &) = delete;
    ApartRequest &operator=(const ApartRequest &) = delete;
    ~ApartRequest() {
        if (!id) return;
        for (; !updates.empty(); updates.pop_front()) transport->release_apart(updates.front());
        transport->release_apart(*id);
    }

    const SharedTransport::Self transport;
    std::unique_ptr<SendStream> send;
    std::unique_ptr<ReceiveStream> receive;
    /// The peer's number, once it has come; and those of its updates, in the order in which they are answered.
    std::optional<std::uint64_t> id;
    std::deque<std::uint64_t> updates;
    bool is_answered = false;
};

/// The writing half of a request of either side. One of this side's turns out to have its own stream by its first message.
class ApartSend final : public SendStream {
public:
    ApartSend(std::shared_ptr<ApartRequest> request, std::unique_ptr<SendStream> plain) noexcept
        : request_(std::move(request)), plain_(std::move(plain)) {}
    ~ApartSend() override { request_->send.reset(); }

    asio::awaitable<void> write(std::span<const std::byte> head, Bytes payload) override {
        if (request_->send != nullptr) return request_->send->write(plain_ == nullptr ? numbered(head, payload) : joined(head, payload));
        if (!std::exchange(has_begun_, true) && is_apart(payload.span())) return ask(std::move(payload));
        return plain_->write(head, std::move(payload));
    }
    void finish() override { at().finish(); }
    asio::awaitable<void> sent() override { return at().sent(); }
    void reset(std::uint64_t number) override { at().reset(number); }
    asio::awaitable<std::error_code> stopped() override { return at().stopped(); }
    void set_order(const SendOrder &order) override { at().set_order(order); }
    bool tell(comoq::detail::Passkey key, comoq::detail::StopHook *hook) noexcept override { return at().tell(key, hook); }
    std::size_t unsent() const noexcept override { return at().unsent(); }
    bool seems_lost() const noexcept override { return at().seems_lost(); }
    asio::awaitable<void> drained() override { return at().drained(); }

private:
    SendStream &at() const noexcept { return request_->send != nullptr ? *request_->send : *plain_; }
    const Dialect &dialect() const noexcept { return dialect_of(request_->transport->draft()); }
    bool is_apart(std::span<const std::byte> first) const noexcept {
        FieldReader from(first, dialect());
        const std::uint64_t type = from.number();
        return from.ok() && type == static_cast<std::uint64_t>(MessageType::OldSubscribeNamespace);
    }
    asio::awaitable<void> ask(Bytes message) {
        const auto framed = next_message(message.span(), request_->transport->draft());
        FieldReader from(framed ? framed->body : std::span<const std::byte>(), dialect());
        const std::uint64_t id = from.number();
        FieldWriter::need(from.ok());
        request_->transport->ask_apart(id);
        // It gives back its place on the shared stream.
        plain_->reset(0);
        return ask(request_, id, std::move(message));
    }
    static asio::awaitable<void> ask(std::shared_ptr<ApartRequest> request, std::uint64_t id, Bytes message) {
        const auto transport = request->transport;
        auto allowed = transport->until_allowed(id);
        co_await std::move(allowed);
        auto opening = transport->inner().open_bidi();
        auto stream = co_await std::move(opening);
        transport->was_asked_apart(id);
        request->send = std::move(stream.send);
        request->receive = std::move(stream.receive);
        auto written = request->send->write(std::move(message));
        co_await std::move(written);
    }
    static Bytes joined(std::span<const std::byte> head, const Bytes &payload) {
        if (head.empty()) return payload;
        std::vector<std::byte> all(head.begin(), head.end());
        all.insert(all.end(), payload.span().begin(), payload.span().end());
        return Bytes(std::move(all));
    }
    /// Answers get the numbers of what they answer.
    Bytes numbered(std::span<const std::byte> head, const Bytes &payload) {
        const Bytes whole = joined(head, payload);
        std::span<const std::byte> rest = whole.span();
        std::vector<std::byte> octets;
        while (const auto message = next_message(rest, request_->transport->draft())) {
            const auto type = static_cast<MessageType>(message->type);
            const bool answers = type == MessageType::RequestOk || type == MessageType::RequestError;
            if (answers)
                answer(*message, octets);
            else
                octets.insert(octets.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(message->size));
            rest = rest.subspan(message->size);
        }
        return Bytes(std::move(octets));
    }
    void answer(const FramedMessage &message, std::vector<std::byte> &octets) {
        std::uint64_t number = request_->id.value_or(0);
        if (std::exchange(request_->is_answered, true)) {
            if (request_->updates.empty()) return;
            number = request_->updates.front();
            request_->updates.pop_front();
            request_->transport->release_apart(number);
        }
        append_numbered(message, number, dialect(), octets);
    }

    const std::shared_ptr<ApartRequest> request_;
    const std::unique_ptr<SendStream> plain_;
    bool has_begun_ = false;
};

/// The reading half.
class ApartReceive final : public ReceiveStream {
public:
    /// `early` has been read already.
    ApartReceive(std::shared_ptr<ApartRequest> request, std::unique_ptr<ReceiveStream> plain, Bytes early = {})
        : request_(std::move(request)), plain_(std::move(plain)) {
        unread_->add(std::move(early));
    }
    ~ApartReceive() override { request_->receive.reset(); }

    asio::awaitable<Bytes> read() override {
        if (request_->receive == nullptr) return plain_->read();
        return plain_ != nullptr ? request_->receive->read() : read_checked(request_, unread_);
    }
    void stop(std::uint64_t number) override { (request_->receive != nullptr ? *request_->receive : *plain_).stop(number); }

private:
    /// Whole messages of the peer's, of which the first one is a request that may have a stream of its own.
    static asio::awaitable<Bytes> read_checked(std::shared_ptr<ApartRequest> request, std::shared_ptr<comoq::detail::UnreadBytes> unread) {
        while (true) {
            if (const auto message = next_message(unread->span(), request->transport->draft())) {
                if (const auto fault = check(*request, *message)) {
                    request->transport->fail(fault);
                    comoq::detail::throw_error(fault);
                }
                co_return unread->take(message->size);
            }
            auto coming = request->receive->read();
            Bytes more = co_await std::move(coming);
            // Whatever is left over is for the session to see.
            if (more.empty()) co_return unread->take(unread->size());
            unread->add(std::move(more));
        }
    }
    static std::error_code check(ApartRequest &request, const FramedMessage &message) {
        FieldReader from(message.body, dialect_of(request.transport->draft()));
        const std::uint64_t number = from.number();
        const auto type = static_cast<MessageType>(message.type);
        const bool is_update = request.id && type == MessageType::RequestUpdate;
        if (!from.ok() || (!is_update && (request.id || type != MessageType::OldSubscribeNamespace)))
            return make_error_code(Error::ProtocolViolation);
        if (const auto code = request.transport->take_apart(number, is_update)) return code;
        if (is_update)
            request.updates.push_back(number);
        else
            request.id = number;
        return {};
    }

    const std::shared_ptr<ApartRequest> request_;
    const std::unique_ptr<ReceiveStream> plain_;
    const std::shared_ptr<comoq::detail::UnreadBytes> unread_ = std::make_shared<comoq::detail::UnreadBytes>();
};

inline BidiStream SharedTransport::shown(BidiStream plain) {
    const auto request = std::make_shared<ApartRequest>(std::static_pointer_cast<SharedTransport>(shared_from_this()));
    return BidiStream(std::make_unique<ApartSend>(request, std::move(plain.send)),
                      std::make_unique<ApartReceive>(request, std::move(plain.receive)));
}
inline BidiStream SharedTransport::shown_accepted(BidiStream plain) {
    auto &stream = static_cast<Stream &>(static_cast<comoq::detail::SendHandle &>(*plain.send).half());
    if (stream.apart.send == nullptr) return plain;
    const auto request = std::make_shared<ApartRequest>(std::static_pointer_cast<SharedTransport>(shared_from_this()));
    request->send = std::move(stream.apart.send);
    request->receive = std::move(stream.apart.receive);
    return BidiStream(std::make_unique<ApartSend>(request, nullptr),
                      std::make_unique<ApartReceive>(request, nullptr, std::move(stream.early)));
}

}  // namespace comoq::ietf::detail
