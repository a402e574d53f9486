// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"
#include "../../frame.hpp"
#include "../wait/failure.hpp"
#include "told.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
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

}  // namespace comoq::detail
