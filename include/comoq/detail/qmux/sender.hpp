#pragma once
#include "../intrusive_list.hpp"
#include "../waiter.hpp"
#include "outgoing_record.hpp"
#include "send_scheduler.hpp"
#include "stream_sides.hpp"

#include "../../bytes.hpp"
#include "../../qmux/stream_header.hpp"
#include "../../transport.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace comoq::qmux::detail {

/// A frame that is no STREAM frame with a payload is never longer: its type, and three numbers of eight bytes.
inline constexpr std::size_t longest_control_frame = 32;

/// What is to be sent on streams. Guarded by the connection's lock.
class Sender {
public:
    /// The peer takes so many bytes in all, from the beginning.
    void raise_limit(std::uint64_t limit) noexcept { limit_ = std::max(limit_, limit); }
    void raise_limit(SendSide &side, std::uint64_t limit) {
        if (limit <= side.limit) return;
        side.limit = limit;
        changed(side);
    }

    /// There is more to send on it, or it is to end.
    void changed(SendSide &side) {
        if (side.gone) return;
        // An end without data takes no credit, and a few bytes: it need not wait for a turn.
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
    /// The connection is over: nothing is sent of it any more.
    void forget(SendSide &side) noexcept {
        if (side.end_due) ends_.remove(side);
        side.end_due = false;
        side.gone = true;
        scheduler_.leave(side);
    }

    bool has_ends() const noexcept { return !ends_.empty(); }
    bool has_data() const noexcept { return sent_ < limit_ && !scheduler_.empty(); }

    /// Ends of streams, as many as there is room for. Each of them is given to `is_gone(SendSide &)`.
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
    /// Data of streams, in the order that they want, as much as there is room for. Those that end with it are given to
    /// `is_gone`.
    template <class IsGone> void write_data(OutgoingRecord &record, comoq::detail::WakeList &wake, IsGone &&is_gone) {
        while (has_data()) {
            SendSide &side = scheduler_.next();
            const auto fits = longest_payload(side.id, side.sent, record.room());
            if (!fits || *fits == 0) return;
            const std::uint64_t credit = std::min(side.limit - side.sent, limit_ - sent_);
            const auto count = static_cast<std::size_t>(std::min({*fits, credit, std::uint64_t{side.pending()}}));
            const bool ends = side.finished() && count == side.pending();
            record.add_frame(StreamHeader{side.id, side.sent, count, ends});
            const auto add = [&record](std::span<const std::byte> part, const Bytes *owner) {
                owner != nullptr ? record.add_payload(part, *owner) : record.add_copy(part);
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

    /// Peers of this family take a RESET_STREAM or STOP_SENDING for no news of a stream: its other direction would then
    /// stay open here for ever. An empty STREAM frame says that it is there.
    static void tell_of(SendSide &side, OutgoingRecord &record) {
        if (!side.told && direction_of(side.id) == Direction::Bidi) record.add_frame(StreamHeader{side.id, 0, 0, false});
        side.told = true;
    }

private:
    void end(SendSide &side, comoq::detail::WakeList &wake) noexcept {
        forget(side);
        if (!side.reset_code) side.complete(wake);
    }

    SendScheduler scheduler_;
    comoq::detail::IntrusiveList<SendSide> ends_;
    std::uint64_t sent_ = 0;
    std::uint64_t limit_ = 0;
};

}  // namespace comoq::qmux::detail
