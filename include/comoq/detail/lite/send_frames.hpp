#pragma once
#include "../../group.hpp"
#include "../../lite/frame_header.hpp"
#include "../../transport.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace comoq::lite::detail {

/// Writes a group's frames as they stand on the stream of a group or of a fetch, to the group's end. What is ready is taken
/// together; a frame that is still being written goes out chunk by chunk. Throws what ends the group, or the stream.
class FrameSender {
public:
    explicit FrameSender(SendStream &stream) noexcept : stream_(stream) {}

    asio::awaitable<void> send(GroupConsumer &group) {
        while (true) {
            auto ready = group.read_frames(together_);
            if (ready.ready()) {
                auto frames = co_await std::move(ready);
                if (!frames) co_return;
                std::size_t size = 0;
                for (const auto &frame : *frames) size += frame.payload.size();
                together_ = std::clamp<std::size_t>(enough * frames->size() / (size + 1), 1, most_together);
                for (auto &frame : *frames) {
                    const auto header = header_of(frame.timestamp, frame.payload.size());
                    auto written = stream_.write(header.span(), std::move(frame.payload));
                    co_await std::move(written);
                }
            } else {
                auto frame = co_await group.next_frame();
                if (!frame) co_return;
                const auto header = header_of(frame->timestamp(), frame->size());
                auto begun = stream_.write(header.span(), Bytes());
                co_await std::move(begun);
                while (auto chunk = co_await frame->read_chunk()) {
                    auto written = stream_.write(std::move(*chunk));
                    co_await std::move(written);
                }
            }
        }
    }

private:
    // What is taken is kept from going while the peer does not read: about so many bytes, judged by the last ones.
    static constexpr std::size_t enough = 64 * 1024;
    static constexpr std::size_t most_together = 64;

    WrittenFrameHeader header_of(Timestamp timestamp, std::uint64_t size) {
        const auto now = timestamp.value();
        const auto delta = static_cast<std::int64_t>(now) - static_cast<std::int64_t>(std::exchange(last_, now));
        return write_frame_header({delta, size});
    }

    SendStream &stream_;
    std::uint64_t last_ = 0;
    std::size_t together_ = 1;
};

}  // namespace comoq::lite::detail
