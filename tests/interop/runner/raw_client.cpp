// SPDX-License-Identifier: MIT
#include "raw_client.hpp"

#include <comoq/detail/ietf/protocol.hpp>
#include <comoq/detail/ietf/uni_stream.hpp>

#include <asio/this_coro.hpp>

#include <cstddef>
#include <exception>
#include <span>
#include <stdexcept>
#include <system_error>
#include <variant>
#include <vector>

using asio::awaitable;
using namespace comoq::ietf;

namespace {

awaitable<void> write_to(comoq::SendStream &stream, const ControlMessage &message, Draft draft, StreamKind kind) {
    std::vector<std::byte> octets;
    encode(message, draft, kind, octets);
    co_await stream.write(comoq::Bytes(std::move(octets)));
}

}  // namespace

awaitable<void> RawRequest::write(ControlMessage message) { return write_to(*send_, message, draft_, StreamKind::Request); }

awaitable<ControlMessage> RawRequest::next() {
    auto message = co_await reader_.message(StreamKind::Request);
    if (!message) throw std::runtime_error("the stream of the request ended without an answer");
    co_return std::move(*message);
}

void RawRequest::cancel() {
    reader_.stop(comoq::make_error_code(comoq::Error::Cancelled));
    send_->reset(1);
}

awaitable<RawClient::Self> RawClient::greet(std::shared_ptr<comoq::Transport> transport, std::optional<std::string> target) {
    const auto draft = draft_of(transport->protocol());
    if (!draft) throw std::runtime_error("the relay speaks " + std::string(transport->protocol()));
    const auto executor = co_await asio::this_coro::executor;
    const auto self = std::make_shared<RawClient>(std::move(transport), *draft, executor);
    Setup setup;
    if (target) setup.options.add(static_cast<std::uint64_t>(SetupOption::Path), std::as_bytes(std::span(*target)));
    const std::string name = "comoq interop runner";
    setup.options.add(static_cast<std::uint64_t>(SetupOption::Implementation), std::as_bytes(std::span(name)));
    self->control_ = co_await self->transport_->open_uni();
    std::vector<std::byte> octets;
    encode(setup, *draft, StreamKind::Control, octets);
    co_await self->control_->write(comoq::Bytes(std::move(octets)));
    co_return self;
}

awaitable<Setup> RawClient::setup() {
    auto stream = co_await transport_->accept_uni();
    peers_control_.emplace(std::move(stream), draft_);
    const auto read = [this](std::span<const std::byte> input) { return read_uni_stream(input, draft_); };
    const auto kind = co_await peers_control_->item(read);
    if (!kind || !std::holds_alternative<ControlStream>(*kind)) throw std::runtime_error("the first stream has no SETUP");
    auto message = co_await peers_control_->message(StreamKind::Control);
    if (!message || !std::holds_alternative<Setup>(*message)) throw std::runtime_error("the first message is not SETUP");
    co_return std::get<Setup>(std::move(*message));
}

awaitable<RawRequest> RawClient::ask(ControlMessage message) {
    RawRequest request(co_await transport_->open_bidi(), draft_);
    co_await request.write(std::move(message));
    co_return request;
}

void RawClient::serve(std::string track) {
    tasks_.spawn(serve_all(shared_from_this(), std::move(track)), [](const std::exception_ptr &) {});
}

awaitable<void> RawClient::serve_all(Self self, std::string track) {
    while (true) {
        RawRequest request(co_await self->transport_->accept_bidi(), self->draft_);
        // What is wrong with one is not wrong with the others.
        self->tasks_.spawn(answer(self, track, std::move(request)), [](const std::exception_ptr &) {});
    }
}

awaitable<void> RawClient::answer(Self self, std::string track, RawRequest request) {
    const auto message = co_await request.next();
    const auto *const subscribe = std::get_if<Subscribe>(&message);
    if (subscribe != nullptr && subscribe->track.name == track) {
        SubscribeOk ok;
        ok.alias = subscribe->request_id;
        co_await request.write(ok);
        ++self->accepted_;
    } else if (std::holds_alternative<SubscribeNamespace>(message) || std::holds_alternative<PublishNamespace>(message)) {
        co_await request.write(RequestOk());
    } else {
        RequestError error;
        error.code = subscribe != nullptr ? 0x10 : 0x3;
        co_await request.write(error);
        request.finish();
    }
    // It stays until the other side ends it.
    while (true) {
        auto more = request.next();
        co_await std::move(more);
    }
}
