// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../first_of.hpp"
#include "../../transport.hpp"
#include "../session/outcome_of.hpp"
#include "../session/unread_bytes.hpp"
#include "../wait/failure.hpp"
#include "../wait/turn.hpp"
#include "../wait/turn_after.hpp"
#include "shared_transport.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace comoq::ietf::detail {

/// What moves the messages of a SharedTransport.
class SharedRun {
    using Self = SharedTransport::Self;

public:
    /// To the end of the connection. What it throws ends the session.
    static asio::awaitable<void> run(Self self) {
        auto ending = until_closed(self);
        auto sorting = sort(self);
        co_await comoq::first_of(std::move(ending), std::move(sorting));
    }

private:
    static asio::awaitable<void> until_closed(Self self) {
        const auto code = co_await self->inner_->closed();
        comoq::detail::Aftermath after;
        const comoq::detail::Lock lock(self->mutex());
        self->lose(code, after);
    }
    static asio::awaitable<void> sort(Self self) {
        auto sorting = sort_all(self);
        const auto code = co_await comoq::detail::outcome_of(std::move(sorting));
        // The stream stays open as long as the session.
        comoq::detail::throw_error(stream_end_number(code) ? make_error_code(Error::ProtocolViolation) : code);
    }
    static asio::awaitable<void> sort_all(Self self) {
        BidiStream shared;
        comoq::detail::UnreadBytes unread;
        auto finding = find_shared(self, shared, unread);
        co_await std::move(finding);
        auto reading = read_all(self, *shared.receive, unread);
        auto writing = write_all(self, *shared.send);
        auto accepting = accept_all(self);
        co_await comoq::first_of(std::move(reading), std::move(writing), std::move(accepting));
    }
    /// A client opens it, and begins it with SETUP. Other requests may come before that, but not many.
    static asio::awaitable<void> find_shared(Self self, BidiStream &shared, comoq::detail::UnreadBytes &unread) {
        if (self->is_client()) {
            auto opening = self->inner_->open_bidi();
            shared = co_await std::move(opening);
            co_return;
        }
        for (int early = 0; early != most_early; ++early) {
            auto coming = self->inner_->accept_bidi();
            shared = co_await std::move(coming);
            std::optional<MessageType> type;
            while (!(type = type_of(*self, unread.span()))) {
                auto reading = shared.receive->read();
                Bytes more = co_await std::move(reading);
                if (more.empty()) break;
                unread.add(std::move(more));
            }
            if (type == MessageType::ClientSetup) co_return;
            if (type != MessageType::OldSubscribeNamespace) break;
            self->take(std::move(shared), unread.take(unread.size()));
        }
        comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
    }
    static constexpr int most_early = 16;
    static std::optional<MessageType> type_of(const SharedTransport &shared, std::span<const std::byte> first) noexcept {
        FieldReader from(first, dialect_of(shared.draft()));
        const std::uint64_t type = from.number();
        return from.ok() ? std::optional(static_cast<MessageType>(type)) : std::nullopt;
    }
    static asio::awaitable<void> read_all(Self self, ReceiveStream &shared, comoq::detail::UnreadBytes &unread) {
        comoq::detail::TurnAfter<64> messages;
        while (true) {
            while (const auto message = next_message(unread.span(), self->draft_)) {
                if (const auto code = self->take(*message)) comoq::detail::throw_error(code);
                unread.consume(message->size);
                if (messages.is_due(8)) co_await comoq::detail::next_turn();
                co_await self->has_room_soon();
            }
            auto coming = shared.read();
            Bytes more = co_await std::move(coming);
            // It stays open as long as the session.
            if (more.empty()) comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
            unread.add(std::move(more));
        }
    }
    static asio::awaitable<void> write_all(Self self, SendStream &shared) {
        while (true) {
            Bytes output = co_await self->output();
            auto written = shared.write(std::move(output));
            co_await std::move(written);
            self->catch_up();
        }
    }
    static asio::awaitable<void> accept_all(Self self) {
        while (true) {
            auto coming = self->inner_->accept_bidi();
            auto stream = co_await std::move(coming);
            self->take(std::move(stream), Bytes());
        }
    }
};

}  // namespace comoq::ietf::detail
