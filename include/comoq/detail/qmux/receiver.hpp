// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"
#include "../wait/waiter.hpp"
#include "../../transport_code.hpp"
#include "credit.hpp"
#include "faults.hpp"
#include "outgoing_record.hpp"
#include "sender.hpp"
#include "stream_sides.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace comoq::qmux::detail {

/// Incoming data of streams, and the credit that the peer gets. Guarded by the connection's lock.
class Receiver {
public:
    /// In bytes, of all streams together.
    explicit Receiver(std::uint64_t window) noexcept : window_(window) {}

    /// A byte stream loses nothing and keeps the order: data must follow the data before it.
    std::optional<Fault> receive(ReceiveSide &side, const Stream &frame, comoq::detail::WakeList &wake) {
        if (side.ended()) return Fault{TransportError::FinalSize, FrameType::Stream, "data after the end of its stream"};
        if (frame.offset != side.window.received())
            return Fault{TransportError::ProtocolViolation, FrameType::Stream, "data with a gap or an overlap"};
        const std::size_t count = frame.payload.size();
        if (!side.window.receive(count) || !window_.receive(count)) return too_much(FrameType::Stream);
        const bool wanted = side.push(frame.payload, wake);
        if (frame.fin) side.end(wake);
        consume(side, wanted ? 0 : count);
        return std::nullopt;
    }
    /// Peers reset streams that they have ended, with a size below the end of their data (JavaScript reads the size
    /// while a frame is on its way, and has 0 for a stream that it has forgotten): a smaller size is ignored.
    std::optional<Fault> receive(ReceiveSide &side, const ResetStream &frame, comoq::detail::WakeList &wake) {
        const std::uint64_t received = side.window.received();
        const std::uint64_t missing = frame.final_size > received ? frame.final_size - received : 0;
        if (side.ended()) {
            if (missing == 0) return std::nullopt;
            return Fault{TransportError::FinalSize, FrameType::ResetStream, "another final size"};
        }
        if (!side.window.receive(missing) || !window_.receive(missing)) return too_much(FrameType::ResetStream);
        consume(side, missing + side.reset(stream_ended(frame.code), wake));
        return std::nullopt;
    }

    /// `count` bytes have been read or dropped.
    void consume(ReceiveSide &side, std::uint64_t count) noexcept {
        window_.consume(count);
        side.window.consume(count);
        settle(side);
    }
    /// Asks the peer to stop sending.
    void stop(ReceiveSide &side, std::uint64_t code) noexcept {
        side.stop_code = code;
        settle(side);
    }
    void forget(ReceiveSide &side) noexcept {
        if (side.listed) listed_.remove(side);
        side.listed = false;
    }

    bool has_news() const noexcept { return window_.is_due() || !listed_.empty(); }

    /// Writes as much of it as there is room for.
    void write_news(OutgoingRecord &record) {
        if (window_.is_due() && record.room() >= longest_control_frame) record.add_frame(MaxData{window_.raise()});
        while (!listed_.empty() && record.room() >= 3 * longest_control_frame) {
            ReceiveSide &side = *listed_.front();
            if (side.stop_code) {
                if (side.opener != nullptr) Sender::tell_of(*side.opener, record);
                record.add_frame(StopSending{side.id, *side.stop_code});
                side.stop_code.reset();
            }
            if (side.window.is_due()) record.add_frame(MaxStreamData{side.id, side.window.raise()});
            forget(side);
        }
    }

private:
    static Fault too_much(FrameType frame) noexcept {
        return {TransportError::FlowControl, frame, "more data than there was credit for"};
    }
    /// Nothing needs to be said about a stream that receives nothing any more.
    void settle(ReceiveSide &side) noexcept {
        const bool has_news = !side.ended() && (side.stop_code || side.window.is_due());
        if (has_news == side.listed) return;
        if (has_news)
            listed_.push_back(side);
        else
            listed_.remove(side);
        side.listed = has_news;
    }

    ReceiveWindow window_;
    comoq::detail::IntrusiveList<ReceiveSide> listed_;
};

}  // namespace comoq::qmux::detail
