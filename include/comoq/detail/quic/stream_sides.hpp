// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"
#include "../stream/receive_half.hpp"
#include "../stream/retained.hpp"
#include "../stream/send_half.hpp"
#include "../stream/send_scheduler.hpp"
#include "../h3/sorted_stream.hpp"
#include "ngtcp2.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace comoq::quic::detail {

/// The end of a stream that this side writes.
class SendSide final : public comoq::detail::SendHalf, public comoq::detail::ListNode<SendSide> {
public:
    explicit SendSide(std::int64_t stream) noexcept : id(stream) {}

    /// Bytes that are to be put into a packet for the first time.
    std::size_t to_send() const noexcept { return pending() + retained.unsent(); }

    const std::int64_t id;
    /// What was taken for a packet, until the peer has it.
    comoq::detail::Retained retained;
    /// When bytes of it last went into a packet for the first time.
    ngtcp2_tstamp sent_at = 0;
    /// The end has been put into a packet.
    bool end_sent = false;
    /// Nothing of it is to be sent any more.
    bool gone = false;
    /// It waits for the peer's credit.
    bool blocked = false;
    /// In the list of streams whose end must be sent.
    bool end_due = false;
    /// The session's flow control counts its bytes, but not the first ones.
    bool is_limited = false;
    std::uint8_t free_bytes = 0;
    /// It waits for credit of the session.
    bool waits_for_session = false;

    // For the scheduler.
    comoq::detail::FlowOfStreams<SendSide> *flow = nullptr;
    bool scheduled = false;
};

/// The end of a stream that this side reads.
class ReceiveSide final : public comoq::detail::ReceiveHalf {
public:
    explicit ReceiveSide(std::int64_t stream) noexcept : id(stream) {}

    /// Nothing more arrives, and all received data has been read or dropped.
    bool is_over() const noexcept { return stopped() || (ended() && buffered() == 0); }

    const std::int64_t id;
};

/// A stream. A missing side is null.
struct Stream {
    /// Nobody waits for anything of it any more, whatever the library thinks: after STOP_SENDING it forgets what came out of
    /// order, and if the peer had sent all of it, there is nothing that would ever end it. Before 1.0 the library reads the
    /// data of a stream that was reset until the peer knows of the reset.
    bool is_left() const noexcept {
        if (receive == nullptr || !receive->stopped()) return false;
        return send == nullptr || send->is_complete() || (send->over() && !peer_uni_streams_stay);
    }

    /// Whose it is.
    enum class Owner : std::uint8_t {
        Application,
        Unknown,   ///< Its first bytes have not come.
        Early,     ///< A session's, which has not begun.
        Protocol,  ///< HTTP/3's own.
    };

    std::int64_t id = 0;
    std::shared_ptr<SendSide> send;
    std::shared_ptr<ReceiveSide> receive;
    /// The application has it.
    bool accepted = false;
    /// Nothing more about it comes or goes on the wire.
    bool closed = false;
    Owner owner = Owner::Application;
    /// Of a stream whose owner was unknown: its first bytes.
    std::uint8_t head_size = 0;
    std::array<std::byte, h3::longest_stream_head> head;
    /// Of an early one.
    std::uint64_t session = 0;
};

}  // namespace comoq::quic::detail
