/// \file
/// A context for the two ends of a transport, and short ways to use their streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <comoq/bytes.hpp>
#include <comoq/error.hpp>
#include <comoq/transport.hpp>
#include <comoq/transport_code.hpp>

#include "support/begun.hpp"
#include "support/error_of.hpp"
#include "support/run.hpp"

namespace comoq::test {

using SendPtr = std::unique_ptr<SendStream>;
using ReceivePtr = std::unique_ptr<ReceiveStream>;

// The numbers with which streams and connections end here.
inline constexpr std::uint64_t end_number = 2;
inline constexpr std::uint64_t other_end_number = 26;

inline const std::error_code none;
inline const std::error_code cancelled = make_error_code(Error::Cancelled);
/// The code with which a connection is lost here.
inline const std::error_code old = make_error_code(Error::Old);
/// The end of a stream whose handle was destroyed early.
inline const std::error_code abandoned = stream_ended(0);

inline Bytes bytes(std::string_view text) { return Bytes::copy(text); }
inline Bytes bytes(std::size_t size) { return Bytes(std::vector<std::byte>(size)); }
inline std::span<const std::byte> as_span(std::string_view text) { return std::as_bytes(std::span(text)); }

struct TransportScene {
    void run() { settle_down(context); }
    /// The result of a coroutine that does not have to wait.
    template <class T> T now(asio::awaitable<T> coroutine) { return run_to_end(context, std::move(coroutine)); }
    template <class T> std::error_code code(asio::awaitable<T> coroutine) {
        return error_of([&] {
            if constexpr (std::is_void_v<T>)
                return now(std::move(coroutine)), 0;
            else
                return now(std::move(coroutine));
        });
    }
    template <class T> Begun<T> begin(asio::awaitable<T> coroutine) { return Begun<T>(context, std::move(coroutine)); }

    void write(SendStream &stream, std::string_view text) { now(stream.write(bytes(text))); }
    /// The bytes that can be read now, to the end if that is there.
    std::string read(ReceiveStream &stream) {
        std::string all;
        for (;;) {
            auto next = begin(stream.read());
            if (!next.done()) return all;
            const Bytes got = next.value();
            if (got.empty()) return all;
            all += got.view();
        }
    }
    /// True if the next read gives the end.
    bool at_end(ReceiveStream &stream) {
        auto next = begin(stream.read());
        return next.done() && next.value().empty();
    }

    asio::io_context context;
};

}  // namespace comoq::test
