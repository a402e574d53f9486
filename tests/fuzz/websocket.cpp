// A fuzzer for WebSocket: the first byte selects a parser, the rest is a peer's input. A server's channel gets it behind a good
// handshake, a client's framing gets it without a stream, and the parsers get it as a head.
#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

using namespace comoq;
using websocket::Framing;
using websocket::Role;

namespace {

using Socket = asio::local::stream_protocol::socket;

constexpr std::array<std::string_view, 1> lite = {"moq-lite-05"};
constexpr std::uint64_t max_record_size = 100;

void check(bool right) {
    if (!right) {
        std::abort();
    }
}

bool ends_well(std::error_code code) {
    return code == asio::error::eof || code == Error::Decode || code == Error::ProtocolViolation;
}

asio::awaitable<void> serve(Socket socket) {
    auto result = co_await websocket::accept(socket, lite);
    auto accepted = std::get<websocket::AcceptedUpgrade>(std::move(result));
    websocket::WebSocketChannel<Socket> channel(std::move(socket), Role::Server, std::move(accepted.leftover),
                                                max_record_size);
    while (true) {
        const std::span<const std::byte> record = co_await channel.read_record();
        check(record.size() <= max_record_size);
        // The answer consists of whole frames, unless the peer has closed since.
        const std::array<asio::const_buffer, 1> echo = {asio::buffer(record.data(), record.size())};
        try {
            co_await channel.write_record(echo);
        } catch (const std::system_error &error) {
            check(error.code() == asio::error::broken_pipe);
        }
    }
}

// The channel waits for a peer that does not take its answers.
asio::awaitable<void> take_all(Socket &peer) {
    std::array<std::byte, 4096> answers;
    std::error_code over;
    while (!over) {
        co_await peer.async_read_some(asio::buffer(answers), asio::redirect_error(asio::use_awaitable, over));
    }
}

void server(std::string_view input) {
    asio::io_context context;
    Socket peer(context), ours(context);
    asio::local::connect_pair(peer, ours);
    bool over = false;
    asio::co_spawn(context, serve(std::move(ours)), [&over](std::exception_ptr thrown) {
        over = true;
        try {
            std::rethrow_exception(thrown);
        } catch (const std::system_error &error) {
            check(ends_well(error.code()));
        }
    });
    std::string bytes =
        websocket::to_text(websocket::upgrade_request("h", "/", "dGhlIHNhbXBsZSBub25jZQ==", lite)).append(input);
    asio::write(peer, asio::buffer(bytes));
    peer.shutdown(Socket::shutdown_send);
    asio::co_spawn(context, take_all(peer), asio::detached);
    context.run();
    check(over);
}

/// In pieces, whose size is the first byte.
void client(std::string_view input) {
    Framing framing(Role::Client, max_record_size);
    std::vector<std::byte> answers;
    auto bytes = std::as_bytes(std::span(input));
    const std::size_t most = bytes.empty() ? 1 : 1 + std::to_integer<std::size_t>(bytes[0]);
    while (!bytes.empty() && !framing.ends()) {
        const auto piece = bytes.first(std::min(bytes.size(), most));
        const auto taken = framing.input(piece);
        check(taken <= piece.size());
        bytes = bytes.subspan(taken);
        check(taken != 0 || framing.has_record() || framing.is_clogged());
        while (framing.has_record()) check(framing.take_record().size() <= max_record_size);
        framing.take_answers(answers);
        check(!framing.has_answers());
    }
    check(!framing.ends() || ends_well(framing.end()));
}

template <class Head> void head(std::string_view input, Head parse) {
    std::error_code failure;
    const auto size = websocket::head_size(input, 0, failure);
    check(!(size && failure));
    if (!size) {
        return;
    }
    check(*size <= input.size() && *size <= websocket::max_head_size);
    const auto read = parse(input.substr(0, *size), failure);
    check(read.has_value() == !failure);
    if (!read) {
        return;
    }
    // The written head says HTTP/1.1, which demands a host; HTTP/1.0 does not.
    const auto text = websocket::to_text(*read);
    if (const auto again = parse(text, failure)) {
        check(websocket::to_text(*again) == text);
    } else {
        check(read->minor_version == 0);
    }
}

void request(std::string_view input) {
    head(input, [](std::string_view text, std::error_code &failure) {
        auto read = websocket::parse_request(text, failure);
        if (read) {
            const auto answer = websocket::answer_upgrade(*read, lite);
            check(answer.chosen.has_value() == (answer.response.status == 101));
            check(answer.chosen.has_value() == !answer.failure);
        }
        return read;
    });
}

void response(std::string_view input) {
    head(input, [](std::string_view text, std::error_code &failure) {
        auto read = websocket::parse_response(text, failure);
        if (read) {
            std::error_code why;
            const auto chosen = websocket::check_answer(*read, "dGhlIHNhbXBsZSBub25jZQ==", lite, why);
            check(chosen.has_value() == !why);
        }
        return read;
    });
}

constexpr void (*readers[])(std::string_view) = {server, client, request, response};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size != 0) {
        readers[data[0] % std::size(readers)](std::string_view(reinterpret_cast<const char *>(data), size).substr(1));
    }
    return 0;
}
