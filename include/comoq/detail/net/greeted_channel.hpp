// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../net/connect_config.hpp"
#include "../../qmux/run.hpp"
#include "../wait/code_of.hpp"
#include "../wait/event.hpp"
#include "connection_config.hpp"
#include "first_bytes.hpp"
#include "in_time.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::net::detail {

/// The beginning of a connection, for the coroutine that waits for it.
struct Greeting {
    comoq::detail::Event over;
    std::error_code failure;  // false if a record has come
};

/// A channel of `qmux` that tells when its first record has come, or why none has.
template <qmux::Channel T> class GreetedChannel {
public:
    GreetedChannel(T channel, std::shared_ptr<Greeting> greeting)
        : channel_(std::move(channel)), greeting_(std::move(greeting)) {}

    asio::any_io_executor get_executor() { return channel_.get_executor(); }
    asio::awaitable<std::span<const std::byte>> read_record() {
        return greeting_ != nullptr ? read_first() : channel_.read_record();
    }
    asio::awaitable<void> write_record(std::span<const asio::const_buffer> frames) { return channel_.write_record(frames); }
    bool write_now(std::span<const asio::const_buffer> frames)
        requires requires(T channel) { channel.write_now(frames); }
    {
        return channel_.write_now(frames);
    }
    void limit_unsent(std::size_t bytes) noexcept { channel_.limit_unsent(bytes); }
    void close() noexcept { channel_.close(); }

private:
    asio::awaitable<std::span<const std::byte>> read_first() {
        const auto greeting = std::exchange(greeting_, nullptr);
        std::exception_ptr failure;
        std::span<const std::byte> frames;
        try {
            auto reading = channel_.read_record();
            frames = co_await std::move(reading);
        } catch (...) {
            failure = std::current_exception();
        }
        if (failure != nullptr)
            greeting->failure = explained(comoq::detail::code_of(failure), channel_.unread(), Expected::Qmux);
        greeting->over.set();
        if (failure != nullptr) std::rethrow_exception(failure);
        co_return frames;
    }

    T channel_;
    std::shared_ptr<Greeting> greeting_;
};

inline asio::awaitable<void> until_over(std::shared_ptr<Greeting> greeting) { co_await greeting->over.wait(); }

/// A client's connection without a WebSocket: starts it, and waits until the server has said what it speaks.
template <qmux::Channel T>
asio::awaitable<std::shared_ptr<Transport>> greet(T channel, std::shared_ptr<const ConnectConfig> config) {
    const auto greeting = std::make_shared<Greeting>();
    std::shared_ptr<Transport> transport =
        qmux::start(GreetedChannel<T>(std::move(channel), greeting), true, connection_config(*config));
    std::exception_ptr failure;
    try {
        auto hearing = in_time(until_over(greeting), config->deadlines.greeting, ConnectError::GreetingTimeout, config->session.sleep);
        co_await std::move(hearing);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure == nullptr && !greeting->failure) co_return transport;
    transport->close(0, {});
    if (failure != nullptr) std::rethrow_exception(failure);
    comoq::detail::throw_error(greeting->failure);
}

}  // namespace comoq::net::detail
