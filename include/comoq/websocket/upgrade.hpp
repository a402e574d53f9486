// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../detail/wait/failure.hpp"
#include "../qmux/negotiation.hpp"
#include "handshake.hpp"
#include "http_head.hpp"

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::websocket {

/// \file
/// The handshake on a stream of asio, as for `WebSocketChannel`; TLS must have completed its own handshake. The caller
/// limits the time. References and views passed to these coroutines must stay valid until they complete.

/// A client's request.
struct IncomingRequest {
    /// Its first line and its fields.
    RequestHead head;
    /// Bytes behind the head: a body, or the next request.
    std::vector<std::byte> leftover;
};

/// A server's side of a WebSocket.
struct AcceptedUpgrade {
    /// The draft of qmux.
    qmux::Version version;
    /// The application protocol.
    std::string protocol;
    /// With the target and all header fields.
    RequestHead request;
    /// The first bytes for the channel.
    std::vector<std::byte> leftover;
};

/// A client's side of a WebSocket.
struct ConnectedUpgrade {
    /// The draft of qmux.
    qmux::Version version;
    /// The application protocol.
    std::string protocol;
    /// The first bytes for the channel.
    std::vector<std::byte> leftover;
};

namespace detail {

/// Reads the next head at the beginning of `input`, which may already hold some of it. Returns its size in bytes, or
/// nothing with `failure` set as by `head_size`. Throws the stream's errors: `asio::error::eof` if it ends first.
template <class Stream>
asio::awaitable<std::optional<std::size_t>> read_head(Stream &stream, std::string &input, std::error_code &failure) {
    constexpr std::size_t read_at_once = 4096;
    std::size_t known = 0;
    while (true) {
        const auto size = head_size(input, known, failure);
        if (size || failure) co_return size;
        known = input.size();
        input.resize(known + read_at_once);
        const auto room = asio::buffer(input.data() + known, input.size() - known);
        std::error_code broken;
        const std::size_t count = co_await stream.async_read_some(room, asio::redirect_error(asio::use_awaitable, broken));
        input.resize(known + count);
        if (broken && count == 0) comoq::detail::throw_error(broken);
    }
}

std::vector<std::byte> bytes_behind(std::string_view input, std::size_t size);

template <class Stream> asio::awaitable<void> write_text(Stream &stream, std::string_view text) {
    const auto buffer = asio::buffer(text);
    co_await asio::async_write(stream, buffer, asio::use_awaitable);
}

}  // namespace detail

/// Reads the next request from a stream, whose first bytes may have arrived already. Answers a malformed request, and
/// then throws Decode, BoundsExceeded or Version. Throws the stream's errors: `asio::error::eof` if no other request
/// follows.
template <class Stream>
asio::awaitable<IncomingRequest> read_request(Stream &stream, std::vector<std::byte> leftover = {}) {
    std::string input(reinterpret_cast<const char *>(leftover.data()), leftover.size());
    std::error_code failure;
    const std::optional<std::size_t> size = co_await detail::read_head(stream, input, failure);
    std::optional<RequestHead> head;
    if (size) head = parse_request(std::string_view(input).substr(0, *size), failure);
    if (!head) {
        const auto text = to_text(refusal_of_head(failure).response);
        co_await detail::write_text(stream, text);
        comoq::detail::throw_error(failure);
    }
    IncomingRequest request{std::move(*head), detail::bytes_behind(input, *size)};
    co_return request;
}

/// Answers a request that asks for a WebSocket (`is_upgrade`) as a server that speaks `protocols`, the best first.
/// Refuses a request that cannot be granted, and then throws the failure of `answer_upgrade`: the stream cannot be used
/// any more. Throws the stream's errors, and Unsupported where libcrypto has no SHA-1.
template <class Stream>
asio::awaitable<AcceptedUpgrade> accept(Stream &stream, IncomingRequest request,
                                        std::span<const std::string_view> protocols) {
    const auto answer = answer_upgrade(request.head, protocols);
    const auto text = to_text(answer.response);
    co_await detail::write_text(stream, text);
    if (!answer.chosen) comoq::detail::throw_error(answer.failure);
    AcceptedUpgrade accepted{answer.chosen->version, std::string(answer.chosen->protocol), std::move(request.head),
                             std::move(request.leftover)};
    co_return accepted;
}

/// A server's side of the handshake: reads a request, and answers it if it asks for a WebSocket. Returns any other
/// request to the caller, which can serve it in another way; `read_request` reads the following ones.
template <class Stream>
asio::awaitable<std::variant<AcceptedUpgrade, IncomingRequest>> accept(Stream &stream,
                                                                       std::span<const std::string_view> protocols) {
    IncomingRequest request = co_await read_request(stream);
    if (!is_upgrade(request.head)) co_return request;
    AcceptedUpgrade accepted = co_await accept(stream, std::move(request), protocols);
    co_return accepted;
}

/// A client's side of the handshake, for a client that speaks `protocols`, the best first. `host` is as in a URL, with
/// the port unless it is the default one. Throws the failures of `check_answer` and `parse_response`, Encode for a host
/// or target that cannot be sent, and the stream's errors. `input`, which is empty, keeps what the server has sent: after a
/// failure, that tells what it speaks.
template <class Stream>
asio::awaitable<ConnectedUpgrade> connect(Stream &stream, std::string_view host, std::string_view target,
                                          std::span<const std::string_view> protocols, std::string &input) {
    const auto key = make_key();
    const auto text = to_text(upgrade_request(host, target, key, protocols));
    co_await detail::write_text(stream, text);

    std::error_code failure;
    const std::optional<std::size_t> size = co_await detail::read_head(stream, input, failure);
    std::optional<ResponseHead> response;
    if (size) response = parse_response(std::string_view(input).substr(0, *size), failure);
    std::optional<qmux::Subprotocol> chosen;
    if (response) chosen = check_answer(*response, key, protocols, failure);
    if (!chosen) comoq::detail::throw_error(failure);
    ConnectedUpgrade connected{chosen->version, std::string(chosen->protocol), detail::bytes_behind(input, *size)};
    co_return connected;
}
template <class Stream>
asio::awaitable<ConnectedUpgrade> connect(Stream &stream, std::string_view host, std::string_view target,
                                          std::span<const std::string_view> protocols) {
    std::string input;
    auto connecting = connect(stream, host, target, protocols, input);
    co_return co_await std::move(connecting);
}

}  // namespace comoq::websocket

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/websocket/upgrade.ipp"
#endif
