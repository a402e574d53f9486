// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/outcome.hpp"
#include "../wait/waiter.hpp"
#include "../../bytes.hpp"
#include "../../error.hpp"

#include <cstddef>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The reading end of a stream, between the wire, which fills it, and the application, which empties it. Guarded by the
/// transport's lock.
///
/// The data since the last read is one piece of memory, however it arrived. A byte at a time, or a byte in a large
/// record, therefore costs no more than its size, and a slice of it keeps only its neighbours alive.
class ReceiveHalf {
public:
    ReceiveHalf() = default;
    ReceiveHalf(const ReceiveHalf &) = delete;
    ReceiveHalf &operator=(const ReceiveHalf &) = delete;
    virtual ~ReceiveHalf() = default;

    WaitList &read_waits() noexcept { return read_waits_; }
    bool readable() const noexcept { return !buffer_.empty() || ended_ || stopped_ || failure_; }
    /// The peer has sent the end, or has reset the stream: nothing more arrives.
    bool ended() const noexcept { return ended_ || reset_; }
    /// Nobody reads the data.
    bool stopped() const noexcept { return stopped_; }
    std::size_t buffered() const noexcept { return buffer_.size(); }

    /// False if nobody wants the data any more.
    bool push(std::span<const std::byte> bytes, WakeList &wake) {
        if (stopped_ || failure_) return false;
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
        if (!bytes.empty()) wake.take(read_waits_);
        return true;
    }
    void end(WakeList &wake) noexcept {
        if (ended()) return;
        ended_ = true;
        wake.take(read_waits_);
    }
    /// The peer's reset drops unread data. Returns how many bytes that was. Does nothing after the end.
    std::size_t reset(std::error_code code, WakeList &wake) noexcept {
        if (ended()) return 0;
        reset_ = true;
        // To a side that has stopped it, the reset is only the answer.
        return stopped_ ? 0 : fail(code, wake);
    }
    /// The connection is lost. A stream that had ended can still be read.
    std::size_t fail(std::error_code code, WakeList &wake) noexcept {
        if (ended_ || failure_) return 0;
        failure_ = code;
        wake.take(read_waits_);
        return drop();
    }
    /// Nobody will read any more. Returns how many bytes were left.
    std::size_t stop(WakeList &wake) noexcept {
        stopped_ = true;
        wake.take(read_waits_);
        return drop();
    }

    /// The half must be readable. Empty at the end.
    Outcome<Bytes> take() {
        if (failure_) return failure_;
        if (stopped_) return make_error_code(Error::Cancelled);
        give_back_spare();
        Bytes bytes(std::move(buffer_));
        buffer_.clear();
        return Outcome<Bytes>(std::in_place, std::move(bytes));
    }

private:
    /// A vector that grows may hold twice its size, and the pool counts the size. The copy costs less than taking in the data did,
    /// and is made only where more than a quarter is spare: data that came at once has none. Without memory for it, the data
    /// stay where they are.
    void give_back_spare() {
        const std::size_t spare = buffer_.capacity() - buffer_.size();
        if (spare > buffer_.size() / 4 + little) buffer_.shrink_to_fit();
    }
    static constexpr std::size_t little = 64;

    std::size_t drop() noexcept {
        const std::size_t size = buffer_.size();
        buffer_ = {};
        return size;
    }

    std::vector<std::byte> buffer_;
    bool ended_ = false;
    bool reset_ = false;
    bool stopped_ = false;
    std::error_code failure_;
    WaitList read_waits_;
};

}  // namespace comoq::detail
