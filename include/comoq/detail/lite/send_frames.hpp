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
            auto ready = group.take_frames(together_);
            if (ready.ready()) {
                auto taken = co_await std::move(ready);
                if (!taken) co_return;
                std::size_t total = 0;
                auto chunked = taken->chunked.begin();
                for (std::size_t place = 0; place < taken->frames.size(); ++place) {
                    auto &[timestamp, payload] = taken->frames[place];
                    const bool is_whole = chunked == taken->chunked.end() || chunked->first != place;
                    const std::uint64_t size = is_whole ? payload.size() : chunked->second->size();
                    total += static_cast<std::size_t>(size);
                    const auto header = header_of(timestamp, size);
                    auto written = stream_.write(header.span(), std::move(payload));
                    co_await std::move(written);
                    if (is_whole) continue;
                    // They go as they are: put together they would be in memory twice, for as long as the group is.
                    for (const Bytes &chunk : (chunked++)->second->chunks()) {
                        auto chunk_written = stream_.write(chunk);
                        co_await std::move(chunk_written);
                    }
                }
                together_ = std::clamp<std::size_t>(enough * taken->frames.size() / (total + 1), 1, most_together);
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
