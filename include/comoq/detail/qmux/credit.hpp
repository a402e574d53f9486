#pragma once
#include "../varint.hpp"

#include <algorithm>
#include <cstdint>

namespace comoq::qmux::detail {

/// What the peer may send, in bytes or in streams: at most `size` more than this side is done with.
class ReceiveWindow {
public:
    explicit ReceiveWindow(std::uint64_t size, std::uint64_t largest_limit = comoq::detail::max_varint) noexcept
        : size_(size), largest_(largest_limit), limit_(size) {}

    std::uint64_t received() const noexcept { return received_; }
    /// False, and nothing, if the peer was not allowed so much.
    bool receive(std::uint64_t count) noexcept {
        if (count > limit_ - received_) return false;
        received_ += count;
        return true;
    }
    /// So many of what was received are done with.
    void consume(std::uint64_t count) noexcept { consumed_ += count; }

    /// The peer should be told of more: of what it could be allowed it knows half, or less. What it could be allowed is
    /// less than the window while this side holds on to something, so that what is held for long makes the news smaller
    /// and never keeps it back.
    bool is_due() const noexcept {
        const std::uint64_t left = limit_ - received_;
        const std::uint64_t could_be = largest() - received_;
        return left < could_be && left <= could_be / 2;
    }
    /// The new limit, of which the peer is told.
    std::uint64_t raise() noexcept { return limit_ = largest(); }

private:
    std::uint64_t largest() const noexcept { return std::min(consumed_ + size_, largest_); }

    const std::uint64_t size_;
    const std::uint64_t largest_;
    std::uint64_t limit_;
    std::uint64_t received_ = 0;
    std::uint64_t consumed_ = 0;
};

}  // namespace comoq::qmux::detail
