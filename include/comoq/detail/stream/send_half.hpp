// SPDX-License-Identifier: MIT
#pragma once
#include "aftermath.hpp"
#include "piece_queue.hpp"
#include "stop_list.hpp"
#include "../wait/outcome.hpp"
#include "../wait/waiter.hpp"
#include "../../bytes.hpp"
#include "../../transport.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// Data that is written to a stream and not sent: shared payloads, each with a few bytes before it.
struct SendPiece {
    SendPiece(std::span<const std::byte> before, Bytes after) noexcept
        : head_size(static_cast<std::uint8_t>(before.size())), payload(std::move(after)) {
        assert(before.size() <= head.size());
        std::copy(before.begin(), before.end(), head.begin());
    }
    std::size_t size() const noexcept { return head_size + payload.size(); }
    std::span<const std::byte> head_bytes() const noexcept { return std::span(head).first(head_size); }

    std::array<std::byte, SendStream::max_head> head;
    std::uint8_t head_size;
    Bytes payload;
};

/// The writing end of a stream, between the application, which fills it, and the wire, which empties it. Guarded by the
/// transport's lock.
class SendHalf {
public:
    /// A writer waits while this many bytes are waiting to be sent. Enough to fill a record of qmux from one stream; a
    /// larger backlog delays an urgent stream.
    static constexpr std::size_t enough = 32 * 1024;

    SendHalf() = default;
    SendHalf(const SendHalf &) = delete;
    SendHalf &operator=(const SendHalf &) = delete;
    virtual ~SendHalf() = default;

    bool over() const noexcept { return static_cast<bool>(failure_); }
    std::error_code failure() const noexcept { return failure_; }
    bool finished() const noexcept { return finished_; }
    /// All of it has been sent.
    bool is_complete() const noexcept { return complete_; }
    std::size_t pending() const noexcept { return pending_; }
    bool can_take_more() const noexcept { return over() || pending_ < enough; }
    /// True if it can take more even after so many bytes.
    bool has_room_for(std::size_t size) const noexcept {
        return !over() && !finished_ && pending_ < enough && size < enough - pending_;
    }
    const SendOrder &order() const noexcept { return order_; }
    void set_order(const SendOrder &order) noexcept { order_ = order; }

    WaitList &write_waits() noexcept { return write_waits_; }
    WaitList &stop_waits() noexcept { return stop_waits_; }

    /// False if nobody wants the data: the payload then stays in place.
    bool push(std::span<const std::byte> head, Bytes &&payload) {
        if (over() || finished_) return false;
        // An empty piece would stay in the queue until another follows, and would never make the writer wait.
        if (head.empty() && payload.empty()) return true;
        pending_ += queue_.emplace_back(head, std::move(payload)).size();
        return true;
    }
    void finish(WakeList &wake) noexcept {
        finished_ = true;
        wake.take(write_waits_);
    }

    /// The stream ends early. False if it was over, or all of it has been sent.
    bool fail(std::error_code code, Aftermath &after) noexcept {
        if (over() || complete_) return false;
        failure_ = code;
        pending_ = 0;
        gone_ = 0;
        queue_.clear(after);
        after.wake.take(write_waits_);
        after.wake.take(stop_waits_);
        if (hook_ != nullptr) std::exchange(hook_, nullptr)->failed(code, after.wake);
        return true;
    }
    /// Tells `hook`, which may be null, of a failure from now on, or now. Returns true: it does.
    bool tell(StopHook *hook, WakeList &wake) noexcept {
        hook_ = hook;
        if (hook != nullptr && over()) std::exchange(hook_, nullptr)->failed(failure_, wake);
        return true;
    }
    /// Everything has been sent, including the end: nothing can fail any more.
    void complete(WakeList &wake) noexcept {
        complete_ = true;
        finish(wake);
        wake.take(stop_waits_);
    }

    /// Passes up to `most` bytes to `sink(span, Bytes &&owner)`, one call for each contiguous part. The owner is empty
    /// for a head, whose bytes are to be copied. With the last part of a payload the sink gets the stream's own
    /// reference, so that it decides where and when the payload ends. Returns the number of bytes.
    ///
    /// If the sink throws, its part has not been taken, unless it took the owner; earlier parts have been taken.
    template <class Sink> std::size_t take(std::size_t most, Sink &&sink, WakeList &wake) {
        std::size_t taken = 0;
        while (pending_ != 0 && taken < most) taken += take_part(most - taken, sink);
        if (taken != 0 && pending_ < enough) wake.take(write_waits_);
        return taken;
    }

private:
    template <class Sink> std::size_t take_part(std::size_t most, Sink &sink) {
        SendPiece &piece = queue_.front();
        const std::size_t size = piece.size();
        const auto head = piece.head_bytes();
        const bool of_head = gone_ < head.size();
        const std::size_t count = std::min(most, (of_head ? head.size() : size) - gone_);
        if (of_head) {
            sink(head.subspan(gone_, count), Bytes());
        } else {
            const auto part = piece.payload.span().subspan(gone_ - head.size(), count);
            if (gone_ + count == size)
                sink(part, std::move(piece.payload));
            else
                sink(part, Bytes(piece.payload));
        }
        gone_ += count;
        pending_ -= count;
        if (gone_ == size) {
            queue_.pop_front();
            gone_ = 0;
        }
        return count;
    }

    PieceQueue<SendPiece> queue_;
    // How many bytes of the first piece have been taken.
    std::size_t gone_ = 0;
    std::size_t pending_ = 0;
    SendOrder order_ = SendOrder::for_control();
    bool finished_ = false;
    bool complete_ = false;
    std::error_code failure_;
    WaitList write_waits_;
    WaitList stop_waits_;
    StopHook *hook_ = nullptr;
};

}  // namespace comoq::detail
