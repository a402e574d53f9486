#pragma once
#include "outcome.hpp"
#include "waiter.hpp"
#include "../bytes.hpp"
#include "../transport.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// What is written to a stream and not sent: payloads that are shared, each with a few bytes before it.
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
    /// So many bytes may be waiting to be sent before a writer waits. Enough for a record of qmux to be filled from one
    /// stream; the more there are, the later does an urgent stream overtake.
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
    const SendOrder &order() const noexcept { return order_; }
    void set_order(const SendOrder &order) noexcept { order_ = order; }

    WaitList &write_waits() noexcept { return write_waits_; }
    WaitList &stop_waits() noexcept { return stop_waits_; }

    /// False if nobody wants it.
    bool push(std::span<const std::byte> head, Bytes payload) {
        if (over() || finished_) return false;
        // It would stay until something follows it, and bring no writer to wait.
        if (head.empty() && payload.empty()) return true;
        pieces_.emplace_back(head, std::move(payload));
        pending_ += pieces_.back().size();
        return true;
    }
    void finish(WakeList &wake) noexcept {
        finished_ = true;
        wake.take(write_waits_);
    }

    /// The stream is over before its time. False if it was over, or all of it has been sent.
    bool fail(std::error_code code, WakeList &wake) noexcept {
        if (over() || complete_) return false;
        failure_ = code;
        drop();
        wake.take(write_waits_);
        wake.take(stop_waits_);
        return true;
    }
    /// Everything has been sent, the end included: nothing can go wrong any more.
    void complete(WakeList &wake) noexcept {
        complete_ = true;
        finish(wake);
    }

    /// Gives up to `most` bytes to `sink(span, owner)`, which is called for contiguous parts; the owner is null for a head,
    /// whose bytes are to be copied. Gives how many there were.
    template <class Sink> std::size_t take(std::size_t most, Sink &&sink, WakeList &wake) {
        std::size_t taken = 0;
        while (!pieces_.empty() && taken < most) {
            SendPiece &piece = pieces_.front();
            const auto head = piece.head_bytes();
            if (gone_ < head.size()) {
                const auto part = head.subspan(gone_, std::min(most - taken, head.size() - gone_));
                sink(part, static_cast<const Bytes *>(nullptr));
                taken += part.size();
                gone_ += part.size();
                if (gone_ < head.size()) break;
            }
            const std::size_t from = gone_ - head.size();
            const std::size_t count = std::min(most - taken, piece.payload.size() - from);
            if (count != 0) sink(piece.payload.span().subspan(from, count), &std::as_const(piece.payload));
            taken += count;
            gone_ += count;
            if (gone_ == piece.size()) {
                pieces_.pop_front();
                gone_ = 0;
            }
        }
        pending_ -= taken;
        if (taken != 0 && pending_ < enough) wake.take(write_waits_);
        return taken;
    }

private:
    void drop() noexcept {
        pieces_.clear();
        pending_ = 0;
        gone_ = 0;
    }

    std::deque<SendPiece> pieces_;
    // Of the first piece: so many bytes of it have been taken.
    std::size_t gone_ = 0;
    std::size_t pending_ = 0;
    SendOrder order_;
    bool finished_ = false;
    bool complete_ = false;
    std::error_code failure_;
    WaitList write_waits_;
    WaitList stop_waits_;
};

}  // namespace comoq::detail
