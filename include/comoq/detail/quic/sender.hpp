// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"
#include "../stream/aftermath.hpp"
#include "../stream/send_scheduler.hpp"
#include "stream_sides.hpp"
#include "../../bytes.hpp"
#include "../../transport.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace comoq::quic::detail {

/// Which stream is next in a packet, and with what. Guarded by the connection's lock. ngtcp2 knows the peer's credit, and
/// what was lost.
class Sender {
public:
    /// There is more to send, or less.
    void changed(SendSide &side) {
        const bool is_end = !side.gone && side.finished() && !side.end_sent && side.to_send() == 0;
        if (is_end && !side.end_due) ends_.push_back(side);
        if (!is_end && side.end_due) ends_.remove(side);
        side.end_due = is_end;
        if (!side.gone && !side.blocked && side.to_send() != 0)
            scheduler_.add(side);
        else
            scheduler_.remove(side);
    }
    void reorder(SendSide &side, const SendOrder &order) {
        scheduler_.leave(side);
        side.set_order(order);
        changed(side);
    }
    /// The peer's credit for it is used up, or there is some again.
    void set_blocked(SendSide &side, bool is_blocked) {
        side.blocked = is_blocked;
        changed(side);
    }
    /// Nothing of it is to be sent any more.
    void forget(SendSide &side) noexcept {
        if (side.end_due) ends_.remove(side);
        side.end_due = false;
        side.gone = true;
        scheduler_.leave(side);
    }

    /// A stream that has an end to send, and nothing else: that needs no credit. Null if there is none.
    SendSide *next_end() const noexcept { return ends_.front(); }
    /// A stream that has data, if the peer takes `credit` more bytes of the connection. Null if there is none.
    ///
    /// Media leave a part of the credit to control: a peer that reads no media gives no more of it, and the answers of a
    /// session must pass nevertheless.
    SendSide *next_data(std::uint64_t credit) noexcept {
        window_ = std::max(window_, credit);
        if (scheduler_.empty() || credit == 0) return nullptr;
        SendSide &side = scheduler_.next();
        return side.order().control || credit > reserve() ? &side : nullptr;
    }
    /// How much of the credit that stream may use.
    std::uint64_t share_of(const SendSide &side, std::uint64_t credit) const noexcept {
        return side.order().control ? credit : credit - std::min(credit, reserve());
    }
    /// The stream of `next_data` had its turn.
    void end_turn(SendSide &side) noexcept { scheduler_.end_turn(side); }

    /// Takes up to `most` bytes of the stream's data to where they stay until the peer has them.
    static void prepare(SendSide &side, std::size_t most, comoq::detail::Aftermath &after) {
        const std::size_t has = side.retained.unsent();
        if (has >= most || side.pending() == 0) return;
        const auto keep = [&side](std::span<const std::byte> part, Bytes &&owner) { side.retained.keep(part, std::move(owner)); };
        side.take(most - has, keep, after.wake);
    }

private:
    std::uint64_t reserve() const noexcept {
        return std::min(window_ / 4, std::clamp(window_ / 16, least_reserve, most_reserve));
    }
    static constexpr std::uint64_t least_reserve = 4 * 1024, most_reserve = 64 * 1024;

    comoq::detail::SendScheduler<SendSide> scheduler_;
    comoq::detail::IntrusiveList<SendSide> ends_;
    std::uint64_t window_ = 0;  // the largest credit that the peer has given at a time
};

}  // namespace comoq::quic::detail
