// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"
#include "../../frame.hpp"
#include "../../group.hpp"
#include "../../time.hpp"
#include "../wait/failure.hpp"
#include "told.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// Writes a frame of `size` bytes as they come. `reader` is a protocol's. `grown()` is called whenever there are more.
template <class Reader, class Grown>
asio::awaitable<void> receive_payload(Reader &reader, FrameProducer frame, std::uint64_t size, Grown &grown) {
    std::error_code code;
    try {
        for (std::uint64_t left = size; left != 0;) {
            Bytes chunk = co_await reader.bytes(left);
            left -= chunk.size();
            frame.write(std::move(chunk));
            grown();
        }
        frame.finish();
        co_return;
    } catch (const std::system_error &error) {
        code = error.code();
    }
    // Before the frame is destroyed, which would end the group with another code.
    frame.abort(told(code));
    throw_error(code);
}

/// Writes the frame of `size` bytes that comes next, with what it has beside its payload. Gives what is left to do if not all of
/// it is here: nothing, nearly always. `grown(size)` is called for a frame that came in one piece.
template <class Reader, class Grown, class... Extras>
std::optional<asio::awaitable<void>> receive_frame(Reader &reader, GroupProducer &group, std::uint64_t size, Timestamp at,
                                                   Grown &grown, Extras... extras) {
    if (size > reader.buffered())
        return receive_payload(reader, group.create_frame(size, at, std::move(extras)...), size, grown);
    const auto whole = static_cast<std::size_t>(size);
    group.write_frame(reader.take(whole), at, std::move(extras)...);
    grown(whole);
    return std::nullopt;
}

/// For groups whose growth concerns nobody.
struct Uncounted {
    void operator()() const noexcept {}
    void operator()(std::size_t) const noexcept {}
};

}  // namespace comoq::detail
