// SPDX-License-Identifier: MIT
#pragma once
#include "request_stream.hpp"
#include "serve_fetch.hpp"
#include "serve_namespace.hpp"
#include "serve_publish.hpp"
#include "serve_subscribe.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <cstdint>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace comoq::ietf::detail {

/// Answers one request of the peer's, once. A request that cannot be served is refused, and nothing else; a peer that breaks a
/// rule ends its session.
class RequestServer {
public:
    static asio::awaitable<void> serve(std::shared_ptr<SessionCore> core, BidiStream stream) {
        const comoq::detail::Counted counted(core->streams);
        const auto request = std::make_shared<RequestStream>(core, std::move(stream));
        auto answering = answer(request);
        const auto code = co_await outcome_of(std::move(answering));
        if (!code) co_return;
        if (request->reader.fault()) {
            request->core->close(request->reader.fault(), "a request");
            co_return;
        }
        request->report_refusal(code);
        if (!request->is_answered() && !request->has_left())
            request->refuse(code);
        else
            request->core->reset(*request->send, code);
    }

private:
    using Self = RequestStream::Self;

    static asio::awaitable<void> answer(Self request) {
        // The peer's identity decides what it may see.
        auto admitted = request->core->admitted.wait();
        co_await std::move(admitted);
        auto coming = request->reader.message(StreamKind::Request);
        auto message = co_await std::move(coming);
        // The peer has changed its mind.
        if (!message) {
            request->send->finish();
            co_return;
        }
        auto serving = std::visit([&request](auto &held) { return begin(request, std::move(held)); }, *message);
        co_await std::move(serving);
    }

    template <class Message> static asio::awaitable<void> begin(const Self &request, Message message) {
        if constexpr (requires { message.parameters.tokens; message.request_id; } && !std::is_same_v<Message, RequestOk> &&
                      !std::is_same_v<Message, RequestUpdate> && !std::is_same_v<Message, SubscribeOk> &&
                      !std::is_same_v<Message, FetchOk>) {
            if (!request->core->request_ids.take(message.request_id))
                request->reader.refuse(make_code(SessionFault::InvalidRequestId));
            check_tokens(*request, message.parameters);
            // Nobody here asks for them any more, and the message lives as long as what it asks for.
            message.parameters.tokens = {};
            return dispatch(request, std::move(message));
        } else {
            // Nothing is asked for by it.
            request->reader.refuse(CloseCode::ProtocolViolation);
        }
    }
    /// No room was offered for tokens that stay.
    static void check_tokens(RequestStream &request, const Parameters &parameters) {
        for (const Token &token : parameters.tokens) {
            if (token.form == Token::Form::UseValue) continue;
            const bool adds = token.form == Token::Form::Register;
            request.reader.refuse(make_code(adds ? SessionFault::TokenCacheOverflow : SessionFault::UnknownTokenAlias));
        }
    }

    static asio::awaitable<void> dispatch(const Self &request, Subscribe message) {
        return SubscribeServer::serve(std::make_shared<SubscribeServer>(request, std::move(message)));
    }
    static asio::awaitable<void> dispatch(const Self &request, Fetch message) {
        return FetchServer::serve(std::make_shared<FetchServer>(request, std::move(message)));
    }
    static asio::awaitable<void> dispatch(const Self &request, TrackStatus message) {
        return RequestStream::work_while_wanted(request, serve_status(request, std::move(message)));
    }
    static asio::awaitable<void> dispatch(const Self &request, Publish message) {
        return PublishServer::serve(request, std::move(message));
    }
    static asio::awaitable<void> dispatch(const Self &request, PublishNamespace message) {
        return PeersNamespace::serve(request, std::move(message));
    }
    static asio::awaitable<void> dispatch(const Self &request, SubscribeNamespace message) {
        return NamespaceServer::serve(request, std::move(message));
    }
    /// What is not served.
    template <class Message> static asio::awaitable<void> dispatch(const Self &, Message) {
        comoq::detail::throw_error(make_error_code(Error::Unsupported));
    }
};

}  // namespace comoq::ietf::detail
