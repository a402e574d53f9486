// SPDX-License-Identifier: MIT
#pragma once
#include "../session/send_frames.hpp"
#include "frame_header.hpp"
#include "message_fields.hpp"

#include <cstdint>
#include <utility>

namespace comoq::lite::detail {

/// What stands before a frame: how much later it is shown than the one before, and its size.
class FrameFraming {
public:
    WrittenFrameHeader header(const Frame &frame, std::uint64_t size) { return header_of(frame.timestamp, size); }
    WrittenFrameHeader header(const FrameConsumer &frame, std::uint64_t size) { return header_of(frame.timestamp(), size); }

private:
    WrittenFrameHeader header_of(Timestamp timestamp, std::uint64_t size) {
        const auto now = timestamp.value();
        const auto delta = static_cast<std::int64_t>(now) - static_cast<std::int64_t>(std::exchange(last_, now));
        return write_frame_header({delta, size});
    }

    std::uint64_t last_ = 0;
};

using FrameSender = comoq::detail::GroupSender<FrameFraming>;

/// The number of frames in a part of a group; none if it ends before it begins.
inline std::uint64_t count_of(const FrameBounds &part) noexcept {
    if (!part.last) return FrameSender::all;
    return *part.last < part.first ? 0 : *part.last - part.first + 1;
}

}  // namespace comoq::lite::detail
