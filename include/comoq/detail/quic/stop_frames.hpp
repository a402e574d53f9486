// SPDX-License-Identifier: MIT
#pragma once
#include "../wire/varint.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace comoq::quic::detail {

/// Finds the STOP_SENDING frames in the payload of a packet (RFC 9000, section 19), and passes each to
/// `found(std::uint64_t stream, std::uint64_t number)`. ngtcp2 answers such a frame by itself, and up to version 1.2x tells
/// nobody: a writer would go on until its stream is over on the wire. It ends at a frame that it does not know, and at one
/// that is cut short: judging those is ngtcp2's part.
class StopFrames {
public:
    explicit StopFrames(std::span<const std::byte> payload) noexcept : rest_(payload) {}

    template <class Found> void each(Found &&found) {
        while (!rest_.empty()) {
            const auto type = number();
            if (!type) return;
            if (*type == stop_sending) {
                const auto stream = number();
                const auto code = number();
                if (!stream || !code) return;
                found(*stream, *code);
            } else if (!skip(*type)) {
                return;
            }
        }
    }

private:
    static constexpr std::uint64_t stop_sending = 0x05;

    /// The rest of a frame of that type. False if its end cannot be found.
    bool skip(std::uint64_t type) noexcept {
        if (type >= 0x08 && type <= 0x0f) return skip_stream(type);
        switch (type) {
        case 0x00: case 0x01: case 0x1e:  // PADDING, PING, HANDSHAKE_DONE
            return true;
        case 0x02: case 0x03:  // ACK
            return skip_ack(type == 0x03);
        case 0x04:  // RESET_STREAM
            return numbers(3);
        case 0x06:  // CRYPTO
            return numbers(1) && sized();
        case 0x07:  // NEW_TOKEN
            return sized();
        case 0x10: case 0x12: case 0x13: case 0x14: case 0x16: case 0x17: case 0x19:
            return numbers(1);
        case 0x11: case 0x15:  // MAX_STREAM_DATA, STREAM_DATA_BLOCKED
            return numbers(2);
        case 0x18:  // NEW_CONNECTION_ID
            return numbers(2) && short_sized() && bytes(16);
        case 0x1a: case 0x1b:  // PATH_CHALLENGE, PATH_RESPONSE
            return bytes(8);
        case 0x31:  // DATAGRAM with a length
            return sized();
        default:
            // CONNECTION_CLOSE ends all, and a DATAGRAM without a length the packet.
            return false;
        }
    }
    bool skip_stream(std::uint64_t type) noexcept {
        const bool has_offset = (type & 0x04) != 0, has_length = (type & 0x02) != 0;
        if (!numbers(has_offset ? 2 : 1)) return false;
        return has_length && sized();
    }
    bool skip_ack(bool has_ecn) noexcept {
        if (!numbers(2)) return false;
        const auto ranges = number();
        if (!ranges || !numbers(1)) return false;
        for (std::uint64_t i = 0; i < *ranges; ++i)
            if (!numbers(2)) return false;
        return !has_ecn || numbers(3);
    }
    bool numbers(int count) noexcept {
        for (; count != 0; --count)
            if (!number()) return false;
        return true;
    }
    bool sized() noexcept {
        const auto size = number();
        return size && bytes(*size);
    }
    bool short_sized() noexcept {
        if (rest_.empty()) return false;
        const auto size = std::to_integer<std::size_t>(rest_.front());
        return bytes(1 + size);
    }
    bool bytes(std::uint64_t count) noexcept {
        if (count > rest_.size()) return false;
        rest_ = rest_.subspan(static_cast<std::size_t>(count));
        return true;
    }
    std::optional<std::uint64_t> number() noexcept {
        const auto read = comoq::detail::read_varint(rest_);
        if (!read) return std::nullopt;
        rest_ = rest_.subspan(read->size);
        return read->value;
    }

    std::span<const std::byte> rest_;
};

}  // namespace comoq::quic::detail
