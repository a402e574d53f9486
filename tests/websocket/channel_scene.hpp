// A channel and a peer that writes and reads its bytes.
#pragma once

#include <comoq/websocket/channel.hpp>

#include <comoq/qmux/run.hpp>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "websocket/raw.hpp"

namespace channel_tests {

using namespace comoq;
using namespace comoq::test;

using websocket::Role;
using Channel = websocket::WebSocketChannel<Socket>;
using TrickleChannel = websocket::WebSocketChannel<Trickle>;

inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

inline std::vector<std::byte> bytes_of_text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

inline std::error_code code_of(std::exception_ptr failure) {
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const std::system_error &error) {
        return error.code();
    }
    return {};
}

/// The records that a channel has read, and why it stopped.
struct Reading {
    std::vector<std::string> records;
    bool over = false;
    std::error_code failure;
};

template <class Stream> asio::awaitable<void> read_all(websocket::WebSocketChannel<Stream> &channel, Reading &reading) {
    while (true) {
        const std::span<const std::byte> record = co_await channel.read_record();
        reading.records.push_back(text_of(record));
    }
}

template <class Stream>
void start_reading(asio::io_context &context, websocket::WebSocketChannel<Stream> &channel, Reading &reading) {
    asio::co_spawn(context, read_all(channel, reading), [&reading](std::exception_ptr failure) {
        reading.over = true;
        reading.failure = code_of(failure);
    });
}

template <class Stream>
asio::awaitable<void> write_all(websocket::WebSocketChannel<Stream> &channel, std::vector<std::string> records) {
    for (const auto &record : records) {
        // In two parts, as a gathered write.
        const auto middle = record.size() / 3;
        const std::array<asio::const_buffer, 2> parts = {asio::buffer(record.data(), middle),
                                                         asio::buffer(record.data() + middle, record.size() - middle)};
        co_await channel.write_record(parts);
    }
}

template <class Stream>
void start_writing(asio::io_context &context, websocket::WebSocketChannel<Stream> &channel,
                   std::vector<std::string> records, std::error_code *failure = nullptr) {
    asio::co_spawn(context, write_all(channel, std::move(records)), [failure](std::exception_ptr thrown) {
        if (failure != nullptr) *failure = code_of(thrown);
    });
}

/// Of a channel whose socket takes a record in parts.
struct InParts {};
inline constexpr InParts in_parts;

/// A channel that reads, and its peer's end.
struct Scene {
    explicit Scene(Role role, std::uint64_t max_record_size = qmux::default_max_record_size, std::string_view leftover = {})
        : channel(std::move(pair.first), role, bytes_of_text(leftover), max_record_size) {
        start_reading(context, channel, reading);
        settle_down(context);
    }

    Scene(Role role, InParts) : channel((pair.take_in_parts(), std::move(pair.first)), role) {
        start_reading(context, channel, reading);
        settle_down(context);
    }

    void send(std::string_view bytes) {
        REQUIRE(send_raw(peer, bytes) == bytes.size());
        settle_down(context);
    }
    std::vector<RawFrame> received(std::vector<std::string> *masks = nullptr) {
        settle_down(context);
        return frames_in(received_raw(peer, &ended), masks);
    }
    std::error_code write(std::vector<std::string> records) {
        std::error_code failure;
        start_writing(context, channel, std::move(records), &failure);
        settle_down(context);
        return failure;
    }

    asio::io_context context;
    SocketPair pair{context};
    Socket &peer = pair.second;
    Reading reading;
    Channel channel;
    bool ended = false;  // the peer has seen the end of the stream
};

using Frames = std::vector<RawFrame>;
using Records = std::vector<std::string>;

}  // namespace channel_tests
