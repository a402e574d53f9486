/// \file
/// The other end of a WebSocket, by hand: frames as bytes, written and read without waiting.
#pragma once

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/socket_base.hpp>
#include <asio/write.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::test {

using Socket = asio::local::stream_protocol::socket;

/// Two ends of a stream, each with room for some 200,000 bytes on their way, whatever is usual on this system.
struct SocketPair {
    explicit SocketPair(asio::io_context &context) : first(context), second(context) {
        asio::local::connect_pair(first, second);
        // Linux takes twice as much.
        const asio::socket_base::send_buffer_size room(106'496);
        first.set_option(room);
        second.set_option(room);
    }
    /// From now on the first one takes a record of 15,000 bytes in parts: the system's pieces are half of this room.
    void take_in_parts() { first.set_option(asio::socket_base::send_buffer_size(14'000)); }
    Socket first, second;
};

/// A stream that reads and writes at most this many bytes at once.
struct Trickle {
    using executor_type = Socket::executor_type;
    using lowest_layer_type = Socket::lowest_layer_type;

    executor_type get_executor() noexcept { return socket.get_executor(); }
    lowest_layer_type &lowest_layer() noexcept { return socket.lowest_layer(); }
    template <class Buffers, class Token> auto async_read_some(const Buffers &buffers, Token &&token) {
        const auto begin = asio::buffer_sequence_begin(buffers);
        return socket.async_read_some(asio::buffer(asio::mutable_buffer(*begin), at_once), std::forward<Token>(token));
    }
    template <class Buffers, class Token> auto async_write_some(const Buffers &buffers, Token &&token) {
        const auto begin = asio::buffer_sequence_begin(buffers);
        return socket.async_write_some(asio::buffer(asio::const_buffer(*begin), at_once), std::forward<Token>(token));
    }

    Socket socket;
    std::size_t at_once = 1;
};

enum Opcode : unsigned { Continued = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

struct RawFrame {
    unsigned opcode = Binary;
    std::string payload;
    bool last = true;
    bool masked = false;
    unsigned reserved = 0;

    friend bool operator==(const RawFrame &, const RawFrame &) = default;
};

inline std::string bytes_of(const RawFrame &frame) {
    std::string bytes;
    const auto put = [&bytes](std::size_t value) { bytes += static_cast<char>(value & 0xff); };
    put((frame.last ? 0x80u : 0u) | frame.reserved << 4 | frame.opcode);
    const std::size_t mask_bit = frame.masked ? 0x80 : 0;
    const auto size = frame.payload.size();
    if (size < 126) {
        put(mask_bit | size);
    } else if (size < 65536) {
        put(mask_bit | 126);
        for (int shift = 8; shift >= 0; shift -= 8) put(size >> shift);
    } else {
        put(mask_bit | 127);
        for (int shift = 56; shift >= 0; shift -= 8) put(size >> shift);
    }
    if (!frame.masked) return bytes + frame.payload;
    constexpr std::array<char, 4> mask = {'\x5a', '\x01', '\x00', '\x7f'};
    bytes.append(mask.begin(), mask.end());
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(frame.payload[i] ^ mask[i % 4]);
    return bytes;
}

/// A frame of a client.
inline std::string masked(unsigned opcode, std::string payload, bool last = true) {
    return bytes_of({opcode, std::move(payload), last, true});
}
/// A frame of a server.
inline std::string unmasked(unsigned opcode, std::string payload, bool last = true) {
    return bytes_of({opcode, std::move(payload), last, false});
}

/// The payload of a close frame.
inline std::string close_code(unsigned code) {
    return {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
}

/// All frames in `bytes`, which must contain nothing else; `masks` gets the masks of masked frames.
inline std::vector<RawFrame> frames_in(std::string_view bytes, std::vector<std::string> *masks = nullptr) {
    const auto take = [&bytes](std::size_t size) {
        if (bytes.size() < size) throw std::runtime_error("a part of a frame");
        const auto taken = bytes.substr(0, size);
        bytes.remove_prefix(size);
        return std::string(taken);
    };
    std::vector<RawFrame> frames;
    while (!bytes.empty()) {
        const auto head = take(2);
        const auto first = static_cast<unsigned char>(head[0]), second = static_cast<unsigned char>(head[1]);
        RawFrame frame{first & 0xfu, {}, (first & 0x80) != 0, (second & 0x80) != 0, (first >> 4) & 7u};
        std::size_t size = second & 0x7f;
        if (size >= 126) {
            const auto longer = take(size == 126 ? 2 : 8);
            size = 0;
            for (const char one : longer) size = size << 8 | static_cast<unsigned char>(one);
        }
        const auto mask = take(frame.masked ? 4 : 0);
        frame.payload = take(size);
        if (frame.masked) {
            if (masks != nullptr) masks->push_back(mask);
            for (std::size_t i = 0; i < size; ++i) frame.payload[i] = static_cast<char>(frame.payload[i] ^ mask[i % 4]);
        }
        frames.push_back(std::move(frame));
    }
    return frames;
}

/// Writes as much as goes without waiting, and returns how much that was.
inline std::size_t send_raw(Socket &socket, std::string_view bytes) {
    socket.non_blocking(true);
    std::error_code ignored;
    return asio::write(socket, asio::buffer(bytes), ignored);
}

/// Everything received so far. `ended`, unless null, tells whether the stream is over.
inline std::string received_raw(Socket &socket, bool *ended = nullptr) {
    socket.non_blocking(true);
    std::string all;
    std::array<char, 4096> some{};
    std::error_code code;
    while (const auto size = socket.read_some(asio::buffer(some), code)) all.append(some.data(), size);
    if (ended != nullptr) *ended = code && code != asio::error::would_block;
    return all;
}

}  // namespace comoq::test
