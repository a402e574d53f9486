// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"
#include "../../error.hpp"
#include "../../transport.hpp"
#include "../session/unread_bytes.hpp"
#include "../wait/failure.hpp"
#include "../wait/turn.hpp"
#include "../wait/turn_after.hpp"
#include "codes.hpp"
#include "control_codec.hpp"
#include "step.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::ietf::detail {

/// Parses a stream of the peer's. What it throws is the stream's end, or a fault of the peer's, which ends the session:
/// `fault()` tells them apart.
class StreamReader {
public:
    StreamReader(std::unique_ptr<ReceiveStream> stream, Draft draft) noexcept : stream_(std::move(stream)), draft_(draft) {}
    StreamReader(StreamReader &&) noexcept = default;
    StreamReader &operator=(StreamReader &&) noexcept = default;

    Draft draft() const noexcept { return draft_; }
    /// What ends the session; a false code while the peer has done nothing wrong here.
    std::error_code fault() const noexcept { return fault_; }

    /// The connection has failed, and not the stream alone.
    bool is_lost() const noexcept { return is_lost_; }

    /// The next control message; nothing where the stream ends.
    asio::awaitable<std::optional<ControlMessage>> message(StreamKind kind) {
        while (true) {
            if (const auto framed = next_message(unread_.span(), draft_)) {
                auto decoded = decode(*framed, draft_, kind);
                if (!decoded.message) refuse(decoded.code);
                unread_.consume(framed->size);
                // A message is a request or an announcement, which takes some 10 us.
                if (items_.is_due(8)) co_await comoq::detail::next_turn();
                co_return std::move(decoded.message);
            }
            const bool more = co_await fill();
            if (!more) break;
        }
        end_of_item();
        co_return std::nullopt;
    }

    /// What `read` makes of the bytes at hand, as a `Step`; nothing where the stream ends.
    template <class Read> auto item(Read read) -> asio::awaitable<decltype(read(std::span<const std::byte>()).value)> {
        while (true) {
            if (!unread_.empty()) {
                auto step = read(unread_.span());
                if (step.value) {
                    unread_.consume(step.size);
                    if (items_.is_due()) co_await comoq::detail::next_turn();
                    co_return std::move(step.value);
                }
                if (!step.needs_more()) refuse(step.code);
            }
            const bool more = co_await fill();
            if (!more) break;
        }
        end_of_item();
        co_return std::nullopt;
    }

    /// Reads at most this many bytes; waits for one.
    asio::awaitable<Bytes> bytes(std::uint64_t most) {
        while (unread_.empty()) {
            const bool more = co_await fill();
            if (!more) refuse(CloseCode::ProtocolViolation);
        }
        co_return take(static_cast<std::size_t>(std::min<std::uint64_t>(most, unread_.size())));
    }
    /// The bytes that are already here.
    std::size_t buffered() const noexcept { return unread_.size(); }
    /// Takes this many bytes without waiting. They must be here. A payload may stand between properties of 64 KiB, of which nothing
    /// stays, and the bounds of media know nothing.
    Bytes take(std::size_t count) { return unread_.take_compact(count); }

    /// Reads to the end of the stream, and throws if anything is there.
    asio::awaitable<void> expect_end() {
        if (unread_.empty()) {
            const bool more = co_await fill();
            if (!more) co_return;
        }
        refuse(CloseCode::ProtocolViolation);
    }

    void stop(std::error_code code) { stream_->stop(stream_number(code, dialect_of(draft_))); }

    /// The peer has broken a rule on this stream.
    [[noreturn]] void refuse(CloseCode code) { refuse(fault_of(code)); }
    [[noreturn]] void refuse(std::error_code fault) {
        fault_ = fault;
        comoq::detail::throw_error(fault);
    }

private:
    void end_of_item() {
        if (!unread_.empty()) refuse(CloseCode::ProtocolViolation);
    }

    /// Reads one more piece, behind the unread bytes. False at the end.
    asio::awaitable<bool> fill() {
        Bytes more;
        try {
            more = co_await stream_->read();
        } catch (const std::system_error &error) {
            is_lost_ = is_loss(error.code());
            comoq::detail::throw_error(meaning_of(error.code(), dialect_of(draft_)));
        }
        if (more.empty()) co_return false;
        // Less than a message is ever left over, or than what stands before an object: at most 64 KiB.
        unread_.add(std::move(more));
        co_return true;
    }

    std::unique_ptr<ReceiveStream> stream_;
    Draft draft_;
    std::error_code fault_;
    bool is_lost_ = false;
    comoq::detail::UnreadBytes unread_;
    // Bytes that came together can contain very many small messages: their sender must not keep this thread from others.
    comoq::detail::TurnAfter<64> items_;
};

}  // namespace comoq::ietf::detail
