// SPDX-License-Identifier: MIT
#pragma once
#include "stream_reader.hpp"
#include "../session/receive_payload.hpp"
#include "../wait/failure.hpp"
#include "../../error.hpp"
#include "../../group.hpp"
#include "../../time.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// Reads frames from the stream of a group or of a fetch, to the stream's end. An incomplete frame is passed on chunk
/// by chunk. Returns the code that ended it early: the stream's, or the code of the group's refusal, which the peer is
/// told. The caller ends the group. `grown()` is called whenever the group has got a part of a frame, and `grown(size)` for a
/// frame that came in one piece.
class FrameReceiver {
public:
    FrameReceiver(StreamReader &reader, Timescale timescale) noexcept : reader_(reader), timescale_(timescale) {}

    template <class Grown> asio::awaitable<std::error_code> receive(GroupProducer &group, Grown &&grown) {
        std::error_code code;
        try {
            while (auto header = co_await reader_.frame_header()) {
                const Timestamp timestamp = timestamp_of(*header);
                auto rest = comoq::detail::receive_frame(reader_, group, header->size, timestamp, grown);
                if (rest) co_await std::move(*rest);
            }
            co_return code;
        } catch (const std::system_error &error) {
            code = error.code();
        }
        reader_.stop(code);
        co_return code;
    }

private:
    Timestamp timestamp_of(const FrameHeader &header) {
        // The sum of a number below 2^62 and one of less than 2^62 of either sign.
        const auto sum = static_cast<std::int64_t>(last_) + header.delta;
        if (sum < 0) comoq::detail::throw_error(make_error_code(Error::Decode));
        last_ = static_cast<std::uint64_t>(sum);
        return Timestamp(last_, timescale_);
    }

    StreamReader &reader_;
    const Timescale timescale_;
    std::uint64_t last_ = 0;
};

}  // namespace comoq::lite::detail
