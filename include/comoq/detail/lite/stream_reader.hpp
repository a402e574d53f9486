// SPDX-License-Identifier: MIT
#pragma once
#include "../session/unread_bytes.hpp"
#include "../wait/failure.hpp"
#include "../wait/turn.hpp"
#include "../wait/turn_after.hpp"
#include "../wire/varint.hpp"
#include "../../bytes.hpp"
#include "../../error.hpp"
#include "codec.hpp"
#include "codes.hpp"
#include "frame_header.hpp"
#include "version.hpp"
#include "../../transport.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// Parses a stream. Truncated or malformed input is Decode; a stream that ends where something may begin gives nothing.
/// The peer's numbers are read here, and this side's are sent: callers see what they mean.
class StreamReader {
public:
    StreamReader(std::unique_ptr<ReceiveStream> stream, Version version, StreamUse use) noexcept
        : stream_(std::move(stream)), version_(version), use_(use) {}

    asio::awaitable<std::optional<std::uint64_t>> varint() {
        while (true) {
            if (const auto found = comoq::detail::read_varint(unread_.span())) {
                unread_.consume(found->size);
                if (items_.is_due()) co_await comoq::detail::next_turn();
                co_return found->value;
            }
            const bool more = co_await fill();
            if (!more) break;
        }
        end_of_item();
        co_return std::nullopt;
    }

    template <class Message> asio::awaitable<std::optional<Message>> message() {
        while (true) {
            std::error_code failure;
            if (const auto framed = next_message(unread_.span(), failure)) {
                auto message = decode<Message>(framed->body, version_);
                if (!message) comoq::detail::throw_error(fault_of<Message>(framed->body));
                unread_.consume(framed->size);
                if (items_.is_due(weight())) co_await comoq::detail::next_turn();
                co_return message;
            }
            if (failure) comoq::detail::throw_error(failure);
            const bool more = co_await fill();
            if (!more) break;
        }
        end_of_item();
        co_return std::nullopt;
    }

    /// Reads a message that must be there.
    template <class Message> asio::awaitable<Message> expect() {
        auto found = co_await message<Message>();
        if (!found) comoq::detail::throw_error(make_error_code(Error::Decode));
        co_return std::move(*found);
    }

    asio::awaitable<std::optional<FrameHeader>> frame_header() {
        while (true) {
            if (const auto found = read_frame_header(unread_.span())) {
                unread_.consume(found->size);
                if (items_.is_due()) co_await comoq::detail::next_turn();
                co_return found->header;
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
            if (!more) comoq::detail::throw_error(make_error_code(Error::Decode));
        }
        co_return take(static_cast<std::size_t>(std::min<std::uint64_t>(most, unread_.size())));
    }
    /// The bytes that are already here.
    std::size_t buffered() const noexcept { return unread_.size(); }
    /// Takes this many bytes without waiting. They must be here.
    Bytes take(std::size_t count) { return unread_.take(count); }

    /// Waits until there is something to read; false at the end.
    asio::awaitable<bool> any() {
        if (!unread_.empty()) co_return true;
        const bool more = co_await fill();
        co_return more;
    }

    /// Throws Decode unless the stream ends here.
    asio::awaitable<void> expect_end() {
        const bool more = co_await any();
        if (more) comoq::detail::throw_error(make_error_code(Error::Decode));
    }

    /// True if the stream failed, and not its contents.
    bool lost() const noexcept { return lost_; }

    void stop(std::error_code code) { stream_->stop(stream_code(meaning_of(code, version_, use_), use_)); }

private:

    /// The code for a malformed message.
    template <class Message> static std::error_code fault_of(std::span<const std::byte> body) {
        if constexpr (requires { Message::fault(body); })
            return Message::fault(body);
        else
            return make_error_code(Error::Decode);
    }

    void end_of_item() const {
        if (!unread_.empty()) comoq::detail::throw_error(make_error_code(Error::Decode));
    }

    /// Reads one more piece, behind the unread bytes. False at the end.
    asio::awaitable<bool> fill() {
        // Until it has been read.
        lost_ = true;
        Bytes more;
        try {
            more = co_await stream_->read();
        } catch (const std::system_error &error) {
            comoq::detail::throw_error(meaning_of(error.code(), version_, use_));
        }
        lost_ = false;
        if (more.empty()) co_return false;
        // Only a piece shorter than a message is ever left over.
        unread_.add(std::move(more));
        co_return true;
    }

    /// A message other than a frame is an announcement or a wish, which takes some 10 us.
    unsigned weight() const noexcept { return use_ == StreamUse::Request ? 8 : 1; }

    std::unique_ptr<ReceiveStream> stream_;
    Version version_;
    StreamUse use_;
    comoq::detail::UnreadBytes unread_;
    // Bytes that came together can contain very many small messages: their sender must not keep this thread from
    // others.
    comoq::detail::TurnAfter<64> items_;
    bool lost_ = false;
};

}  // namespace comoq::lite::detail
