// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"
#include "../h3/codes.hpp"
#include "../h3/settings.hpp"
#include "../h3/sorted_stream.hpp"
#include "../stream/stream_handles.hpp"
#include "../wait/waiter.hpp"
#include "../wire/varint.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace comoq::quic::detail {

/// What a connection knows of the HTTP/3 between it and a session of WebTransport. Guarded by the connection's lock.
struct Http3Layer {
    /// A stream of HTTP/3's own that the peer opened.
    struct Arrival {
        std::uint64_t type;
        comoq::detail::StreamTransport::Halves halves;
    };
    /// The bytes before a stream, or a datagram, of the session.
    struct Head {
        void put(std::uint64_t value) noexcept {
            const auto written = comoq::detail::write_varint(value);
            for (const std::byte each : written.span()) bytes[size++] = each;
        }
        std::span<const std::byte> span() const noexcept { return std::span(bytes).first(size); }
        std::array<std::byte, h3::longest_stream_head> bytes{};
        std::size_t size = 0;
    };
    /// The end of the application's part, while the last words of the session are on their way.
    struct Leaving {
        std::int64_t last_stream;
        std::chrono::steady_clock::time_point until;
        std::uint64_t number;
    };

    /// Of one kind of streams, from the session's beginning.
    struct StreamLimit {
        std::uint64_t opened = 0, may_open = 0;  // by this side
        /// By the peer: those that it has opened, those that are over, and how many it may open in all.
        std::uint64_t came = 0, over = 0, granted = 0;
        std::uint64_t first = 0;
    };

    // Before the session begins, the peer can make this side keep so many of its streams, with so many bytes, and datagrams.
    static constexpr std::size_t most_early_streams = 64, most_early_bytes = 64 * 1024, most_early_datagrams = 16;

    std::deque<Arrival> arrivals;
    comoq::detail::WaitList waits;
    std::vector<std::int64_t> early;
    std::size_t early_bytes = 0;
    std::deque<Bytes> early_datagrams;
    /// The id of its CONNECT. Nothing before it begins.
    std::optional<std::uint64_t> session;
    Head before_uni, before_bidi, before_datagram;
    bool has_datagrams = false;
    /// The session has a flow control of its own. Bytes before a stream are free, and the peer may send any number.
    bool has_limits = false;
    /// By kind: of bidirectional streams, and of the others.
    std::array<StreamLimit, 2> limits;
    /// Bytes that this side may send in all, and that it may send now.
    std::uint64_t max_data = 0, data_left = 0;
    std::optional<Leaving> leaving;
    /// The peer breaks a rule of HTTP/3.
    h3::Code failure = h3::Code::None;
};

}  // namespace comoq::quic::detail
