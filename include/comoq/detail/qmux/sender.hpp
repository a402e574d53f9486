// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"
#include "../wait/waiter.hpp"
#include "outgoing_record.hpp"
#include "send_scheduler.hpp"
#include "stream_sides.hpp"

#include "../../bytes.hpp"
#include "stream_header.hpp"
#include "../../transport.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace comoq::qmux::detail {

/// The longest frame other than a STREAM frame with a payload: its type, and three numbers of eight bytes.
inline constexpr std::size_t longest_control_frame = 32;

/// Outgoing data of streams. Guarded by the connection's lock.
class Sender {
public:
    /// The peer takes `limit` bytes in all, counted from the beginning.
    void raise_limit(std::uint64_t limit) noexcept {
        limit_ = std::max(limit_, limit);
        window_ = std::max(window_, limit_ - sent_);
    }
    void raise_limit(SendSide &side, std::uint64_t limit) {
        if (limit <= side.limit) return;
        side.limit = limit;
        changed(side);
    }

    /// The stream has more to send, or is to end.
    void changed(SendSide &side) {
        if (side.gone) return;
        // An end without data takes no credit and a few bytes: it need not wait for a turn.
        const bool ends = side.reset_code || (side.finished() && side.pending() == 0);
        if (ends && !side.end_due) ends_.push_back(side);
        side.end_due = side.end_due || ends;
        if (!side.reset_code && side.pending() != 0 && side.sent < side.limit)
            scheduler_.add(side);
        else
            scheduler_.remove(side);
    }
    void reorder(SendSide &side, const SendOrder &order) {
        scheduler_.leave(side);
        side.set_order(order);
        changed(side);
    }
    /// The connection is over: nothing of the stream is sent any more.
    void forget(SendSide &side) noexcept {
        if (side.end_due) ends_.remove(side);
        side.end_due = false;
        side.gone = true;
        scheduler_.leave(side);
    }

    /// Bytes of streams put into records since the beginning.
    std::uint64_t sent() const noexcept { return sent_; }
    bool has_ends() const noexcept { return !ends_.empty(); }
    bool has_data() const noexcept { return !scheduler_.empty() && sent_ < limit_of(scheduler_.next()); }
    /// Bytes that wait in the stream whose turn is next.
    std::size_t next_size() const noexcept { return has_data() ? scheduler_.next().pending() : 0; }
    /// True if there is data of control: it goes before everything else.
    bool has_control() const noexcept { return has_data() && scheduler_.next().order().control; }

    /// Writes ends of streams, as many as there is room for. Passes each of these streams to `is_gone(SendSide &)`.
    template <class IsGone> void write_ends(OutgoingRecord &record, comoq::detail::WakeList &wake, IsGone &&is_gone) {
        while (has_ends() && record.room() >= 2 * longest_control_frame) {
            SendSide &side = *ends_.front();
            if (side.reset_code) {
                tell_of(side, record);
                record.add_frame(ResetStream{side.id, *side.reset_code, side.sent});
            } else {
                record.add_frame(StreamHeader{side.id, side.sent, 0, true});
            }
            end(side, wake);
            is_gone(side);
        }
    }
    /// Writes data of streams in their order, as much as there is room for, or `only_control`. Passes streams that end
    /// with it to `is_gone`.
    template <class IsGone>
    void write_data(OutgoingRecord &record, bool only_control, comoq::detail::WakeList &wake, IsGone &&is_gone) {
        while (only_control ? has_control() : has_data()) {
            SendSide &side = scheduler_.next();
            const auto fits = longest_payload(side.id, side.sent, record.room());
            if (!fits || *fits == 0) return;
            const std::uint64_t credit = std::min(side.limit - side.sent, limit_of(side) - sent_);
            const auto count = static_cast<std::size_t>(std::min({*fits, credit, std::uint64_t{side.pending()}}));
            const bool ends = side.finished() && count == side.pending();
            record.add_frame(StreamHeader{side.id, side.sent, count, ends});
            const auto add = [&record](std::span<const std::byte> part, Bytes &&owner) {
                owner.empty() ? record.add_copy(part) : record.add_payload(part, std::move(owner));
            };
            scheduler_.end_turn(side);
            side.take(count, add, wake);
            side.sent += count;
            side.told = true;
            sent_ += count;
            if (ends) {
                end(side, wake);
                is_gone(side);
            } else {
                changed(side);
            }
        }
    }

    /// A peer of this family does not learn of a stream by a RESET_STREAM or STOP_SENDING: the stream's other direction
    /// would stay open here for ever. An empty STREAM frame opens it.
    static void tell_of(SendSide &side, OutgoingRecord &record) {
        if (!side.told && direction_of(side.id) == Direction::Bidi) record.add_frame(StreamHeader{side.id, 0, 0, false});
        side.told = true;
    }

private:
    /// How far the stream may use the connection's credit. The streams of control share it with media, and a peer that
    /// reads no media gives no more of it: so media leave a part of the peer's window to control. That is small, so that
    /// media are not slower for it, and so that peers that wait until the credit is nearly used give more in time.
    std::uint64_t limit_of(const SendSide &side) const noexcept {
        return side.order().control ? limit_ : limit_ - std::min(reserve(), limit_ - sent_);
    }
    std::uint64_t reserve() const noexcept {
        return std::min(window_ / 4, std::clamp(window_ / 16, least_reserve, most_reserve));
    }
    static constexpr std::uint64_t least_reserve = 4 * 1024, most_reserve = 64 * 1024;

    void end(SendSide &side, comoq::detail::WakeList &wake) noexcept {
        forget(side);
        if (!side.reset_code) side.complete(wake);
    }

    SendScheduler scheduler_;
    comoq::detail::IntrusiveList<SendSide> ends_;
    std::uint64_t sent_ = 0;
    std::uint64_t limit_ = 0;
    std::uint64_t window_ = 0;  // the largest credit that the peer has given at a time
};

}  // namespace comoq::qmux::detail
