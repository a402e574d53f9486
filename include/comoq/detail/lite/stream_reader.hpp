// SPDX-License-Identifier: MIT
#pragma once
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
#include <vector>

namespace comoq::lite::detail {

/// Parses a stream. Truncated or malformed input is Decode; a stream that ends where something may begin gives nothing.
/// The peer's numbers are read here, and this side's are sent: callers see what they mean.
class StreamReader {
public:
    StreamReader(std::unique_ptr<ReceiveStream> stream, Version version, StreamUse use) noexcept
        : stream_(std::move(stream)), version_(version), use_(use) {}

    asio::awaitable<std::optional<std::uint64_t>> varint() {
        while (true) {
            if (const auto found = comoq::detail::read_varint(unread())) {
                consume(found->size);
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
            if (const auto framed = next_message(unread(), failure)) {
                auto message = decode<Message>(framed->body, version_);
                if (!message) comoq::detail::throw_error(fault_of<Message>(framed->body));
                consume(framed->size);
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
            if (const auto found = read_frame_header(unread())) {
                consume(found->size);
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
        while (unread().empty()) {
            const bool more = co_await fill();
            if (!more) comoq::detail::throw_error(make_error_code(Error::Decode));
        }
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(most, unread().size()));
        Bytes taken = chunk_.slice(begin_, count);
        consume(count);
        co_return taken;
    }
    /// The bytes that are already here.
    std::size_t buffered() const noexcept { return unread().size(); }
    /// Takes this many bytes without waiting. They must be here.
    Bytes take(std::size_t count) {
        Bytes taken = chunk_.slice(begin_, count);
        consume(count);
        return taken;
    }

    /// Waits until there is something to read; false at the end.
    asio::awaitable<bool> any() {
        if (!unread().empty()) co_return true;
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
    std::span<const std::byte> unread() const noexcept { return chunk_.span().subspan(begin_); }
    void consume(std::size_t count) noexcept { begin_ += count; }

    /// The code for a malformed message.
    template <class Message> static std::error_code fault_of(std::span<const std::byte> body) {
        if constexpr (requires { Message::fault(body); })
            return Message::fault(body);
        else
            return make_error_code(Error::Decode);
    }

    void end_of_item() const {
        if (!unread().empty()) comoq::detail::throw_error(make_error_code(Error::Decode));
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
        const auto left = unread();
        if (left.empty()) {
            chunk_ = std::move(more);
        } else {
            // Only a piece shorter than a message is ever left over.
            std::vector<std::byte> joined;
            joined.reserve(left.size() + more.size());
            joined.insert(joined.end(), left.begin(), left.end());
            joined.insert(joined.end(), more.span().begin(), more.span().end());
            chunk_ = Bytes(std::move(joined));
        }
        begin_ = 0;
        co_return true;
    }

    /// A message other than a frame is an announcement or a wish, which takes some 10 us.
    unsigned weight() const noexcept { return use_ == StreamUse::Request ? 8 : 1; }

    std::unique_ptr<ReceiveStream> stream_;
    Version version_;
    StreamUse use_;
    Bytes chunk_;
    std::size_t begin_ = 0;
    // Bytes that came together can contain very many small messages: their sender must not keep this thread from
    // others.
    comoq::detail::TurnAfter<64> items_;
    bool lost_ = false;
};

}  // namespace comoq::lite::detail
