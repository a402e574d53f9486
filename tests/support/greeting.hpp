/// \file
/// What a channel of the tests reads from a peer that says its parameters, and nothing more.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/detail/qmux/codec.hpp>
#include <comoq/detail/qmux/transport_parameters.hpp>
#include <comoq/detail/wait/failure.hpp>

namespace comoq::test {

class Greeting {
public:
    /// It lets this side send as much as it likes on streams of one direction.
    explicit Greeting(asio::io_context &context) : waiting_(context, asio::steady_timer::time_point::max()) {
        auto parameters = qmux::default_parameters();
        parameters.max_data = parameters.max_stream_data_uni = 1 << 30;
        parameters.idle_timeout = std::chrono::milliseconds(0);
        qmux::encode(parameters, octets_);
    }

    asio::awaitable<std::span<const std::byte>> read_record() {
        if (!std::exchange(is_read_, true)) co_return std::span<const std::byte>(octets_);
        std::error_code ignored;
        co_await waiting_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        comoq::detail::throw_error(asio::error::eof);
    }
    /// The peer goes.
    void end() { waiting_.cancel(); }

private:
    asio::steady_timer waiting_;
    std::vector<std::byte> octets_;
    bool is_read_ = false;
};

}  // namespace comoq::test
