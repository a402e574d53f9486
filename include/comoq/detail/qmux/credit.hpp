// SPDX-License-Identifier: MIT
#pragma once
#include "../wire/varint.hpp"

#include <algorithm>
#include <cstdint>

namespace comoq::qmux::detail {

/// The peer's credit, in bytes or in streams: at most `size` more than this side has consumed.
class ReceiveWindow {
public:
    explicit ReceiveWindow(std::uint64_t size, std::uint64_t largest_limit = comoq::detail::max_varint) noexcept
        : size_(size), largest_(largest_limit), limit_(size) {}

    std::uint64_t received() const noexcept { return received_; }
    /// False, without an effect, if the peer exceeds its limit.
    bool receive(std::uint64_t count) noexcept {
        if (count > limit_ - received_) return false;
        received_ += count;
        return true;
    }
    /// This side has consumed `count` of the received ones.
    void consume(std::uint64_t count) noexcept { consumed_ += count; }

    /// True when a larger limit should be sent: the peer has at most half of the credit that it could have. While this
    /// side holds on to something, that credit is less than the window. A long hold therefore makes updates smaller,
    /// and never stops them.
    bool is_due() const noexcept {
        const std::uint64_t left = limit_ - received_;
        const std::uint64_t could_be = largest() - received_;
        return left < could_be && left <= could_be / 2;
    }
    /// The new limit, to be sent to the peer.
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
