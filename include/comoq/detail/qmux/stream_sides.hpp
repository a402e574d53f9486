// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"
#include "../stream/receive_half.hpp"
#include "../stream/send_half.hpp"
#include "../stream/send_scheduler.hpp"
#include "credit.hpp"

#include "frames.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace comoq::qmux::detail {

// A stream's id tells who opened it, its directions, and its ordinal number among such streams (RFC 9000, section 2.1).

constexpr bool opened_by_server(std::uint64_t id) noexcept { return (id & 1) != 0; }
constexpr Direction direction_of(std::uint64_t id) noexcept { return (id & 2) != 0 ? Direction::Uni : Direction::Bidi; }
constexpr std::uint64_t index_of(std::uint64_t id) noexcept { return id >> 2; }
constexpr std::uint64_t id_of(Direction direction, bool server, std::uint64_t index) noexcept {
    return index << 2 | (direction == Direction::Uni ? 2u : 0u) | (server ? 1u : 0u);
}

/// The end of a stream that this side writes.
class SendSide final : public comoq::detail::SendHalf, public comoq::detail::ListNode<SendSide> {
public:
    SendSide(std::uint64_t stream, std::uint64_t allowed) noexcept : id(stream), limit(allowed) {}

    const std::uint64_t id;
    /// In bytes: handed to the wire so far, and allowed in all.
    std::uint64_t sent = 0;
    std::uint64_t limit;
    /// The peer knows the stream.
    bool told = false;
    /// A RESET_STREAM with this code must be sent.
    std::optional<std::uint64_t> reset_code;
    /// Its end has been sent, in either form.
    bool gone = false;
    /// In the list of streams whose end must be sent.
    bool end_due = false;

    // For the scheduler: the flow of its order, and whether it waits there for its turn.
    comoq::detail::FlowOfStreams<SendSide> *flow = nullptr;
    bool scheduled = false;
};

/// The end of a stream that this side reads.
class ReceiveSide final : public comoq::detail::ReceiveHalf, public comoq::detail::ListNode<ReceiveSide> {
public:
    ReceiveSide(std::uint64_t stream, std::uint64_t size) noexcept : id(stream), window(size) {}

    /// Nothing more arrives, and all received data has been read or dropped.
    bool is_over() const noexcept { return ended() && buffered() == 0; }

    const std::uint64_t id;
    ReceiveWindow window;
    /// A STOP_SENDING with this code must be sent.
    std::optional<std::uint64_t> stop_code;
    /// In the list of streams with something to tell the peer.
    bool listed = false;
    /// Of a stream that this side opened: the other end here, until it is gone.
    SendSide *opener = nullptr;
};

}  // namespace comoq::qmux::detail
