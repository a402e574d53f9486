// The memory that a request of HTTP takes while it arrives, and afterwards: for the table of tests/README.md.
#include <comoq/websocket/upgrade.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/heap.hpp"
#include "support/run.hpp"

namespace websocket_peer_costs_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Returns its bytes in pieces of the given size, and then nothing: the peer is slow.
struct SlowStream {
    explicit SlowStream(asio::io_context &of) : context(of) {}
    template <class Buffer, class Token> auto async_read_some(const Buffer &buffer, Token &&token) {
        auto initiate = [this, buffer](auto handler) {
            if (next >= text.size()) {
                auto kept = std::make_shared<decltype(handler)>(std::move(handler));
                waits = [kept] { (*kept)(std::error_code(asio::error::operation_aborted), 0); };
                return;
            }
            const auto count = std::min({at_once, text.size() - next, buffer.size()});
            std::copy_n(text.data() + next, count, static_cast<char *>(buffer.data()));
            next += count;
            asio::post(context, [handler = std::move(handler), count]() mutable { handler(std::error_code(), count); });
        };
        return asio::async_initiate<Token, void(std::error_code, std::size_t)>(std::move(initiate), token);
    }
    asio::io_context &context;
    std::string_view text;
    std::size_t at_once = 1, next = 0;
    std::function<void()> waits;
};

struct Reading {
    explicit Reading(asio::io_context &context) : stream(context) {}
    asio::awaitable<void> read() {
        size = co_await websocket::detail::read_head(stream, input, failure);
        if (size) head = websocket::parse_request(std::string_view(input).substr(0, *size), failure);
    }
    SlowStream stream;
    std::string input;
    std::error_code failure;
    std::optional<std::size_t> size;
    std::optional<websocket::RequestHead> head;
};

/// The memory of `count` requests that have arrived up to this point.
Taken reading(std::size_t count, std::string_view text, std::size_t at_once) {
    asio::io_context context;
    std::vector<std::unique_ptr<Reading>> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(std::make_unique<Reading>(context));
        all.back()->stream.text = text;
        all.back()->stream.at_once = at_once;
    }
    const auto before = heap_in_use();
    for (auto &one : all) {
        asio::co_spawn(context, one->read(), asio::detached);
        settle_down(context);
    }
    const Taken taken{static_cast<double>(text.size() * count), static_cast<double>(heap_in_use() - before)};
    for (auto &one : all)
        if (one->stream.waits) one->stream.waits();
    settle_down(context);
    return taken;
}

}  // namespace

TEST_CASE("peer costs: a request of HTTP", "[websocket][peer_costs]") {
    constexpr std::string_view half = "GET / HTTP/1.1\r\nHost: a\r\n";
    check_cost("HTTP request", websocket::max_head_size, 100, [=](std::size_t count) { return reading(count, half, half.size()); });

    // As many fields as are allowed, a line as long as is allowed, and one byte at a time: memory is some multiple of
    // the longest head, and nothing beyond that is read.
    std::string fields = "GET / HTTP/1.1\r\n";
    for (std::size_t i = 0; i < websocket::max_fields; ++i) fields += "X: y\r\n";
    fields += "\r\n";
    const std::string line = "GET /" + std::string(websocket::max_head_size - 100, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const auto &text : {fields, line}) {
        CHECK(reading(1, text, text.size()).held <= 4.0 * websocket::max_head_size);
        CHECK(reading(1, text.substr(0, text.size() - 1), 100).held <= 4.0 * websocket::max_head_size);
    }
    asio::io_context context;
    Reading endless(context);
    const std::string much(20 * websocket::max_head_size, 'x');
    endless.stream.text = much;
    endless.stream.at_once = 1'000;
    asio::co_spawn(context, endless.read(), asio::detached);
    settle_down(context);
    CHECK(endless.failure == Error::BoundsExceeded);
    CHECK(endless.stream.next <= websocket::max_head_size + 4'096);
}

}
