// An answer of HTTP whose length is not known when it begins.
#pragma once

#include <comoq/websocket/http_head.hpp>

#include <asio/awaitable.hpp>

#include <cstddef>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>

// Where an answer goes.
class WebSink {
public:
    virtual ~WebSink() = default;
    // Throws std::system_error, also for a client that takes nothing for too long.
    virtual asio::awaitable<void> write(std::string_view piece) = 0;
};

// In chunks, or up to the end of the connection for clients of HTTP/1.0. One piece is in memory at a time.
class WebBody {
public:
    WebBody(WebSink &to, bool is_chunked) : to_(to), is_chunked_(is_chunked) {}

    asio::awaitable<void> begin(comoq::websocket::ResponseHead head, bool keeps_alive) {
        if (is_chunked_) {
            head.fields.add("Transfer-Encoding", "chunked");
        }
        head.fields.add("Connection", keeps_alive && is_chunked_ ? "keep-alive" : "close");
        const auto text = to_text(head);
        auto writing = to_.write(text);
        co_await std::move(writing);
    }
    asio::awaitable<void> add(std::string_view text) {
        while (!text.empty()) {
            const auto piece = text.substr(0, piece_size);
            text.remove_prefix(piece.size());
            const auto chunk = is_chunked_ ? fmt::format("{:x}\r\n{}\r\n", piece.size(), piece) : std::string(piece);
            auto writing = to_.write(chunk);
            co_await std::move(writing);
        }
    }
    asio::awaitable<void> end() {
        if (is_chunked_) {
            auto writing = to_.write("0\r\n\r\n");
            co_await std::move(writing);
        }
    }

    static constexpr std::size_t piece_size = 16 * 1024;

private:
    WebSink &to_;
    const bool is_chunked_;
};
