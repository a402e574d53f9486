#pragma once
#include "../intrusive_list.hpp"
#include "../receive_half.hpp"
#include "../send_half.hpp"
#include "credit.hpp"

#include "../../qmux/frames.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace comoq::qmux::detail {

// The id of a stream says who opened it, in which directions it goes, and the how many-th of these it is (RFC 9000,
// section 2.1).

constexpr bool opened_by_server(std::uint64_t id) noexcept { return (id & 1) != 0; }
constexpr Direction direction_of(std::uint64_t id) noexcept { return (id & 2) != 0 ? Direction::Uni : Direction::Bidi; }
constexpr std::uint64_t index_of(std::uint64_t id) noexcept { return id >> 2; }
constexpr std::uint64_t id_of(Direction direction, bool server, std::uint64_t index) noexcept {
    return index << 2 | (direction == Direction::Uni ? 2u : 0u) | (server ? 1u : 0u);
}

struct FlowOfStreams;

/// The end of a stream that this side writes.
class SendSide final : public comoq::detail::SendHalf, public comoq::detail::ListNode<SendSide> {
public:
    SendSide(std::uint64_t stream, std::uint64_t allowed) noexcept : id(stream), limit(allowed) {}

    const std::uint64_t id;
    /// In bytes: so much has been handed to the wire, and so much may be.
    std::uint64_t sent = 0;
    std::uint64_t limit;
    /// The peer has been told of the stream.
    bool told = false;
    /// A RESET_STREAM with this code is to be sent.
    std::optional<std::uint64_t> reset_code;
    /// Its end has been sent, of whichever kind.
    bool gone = false;
    /// In the list of those whose end is to be sent.
    bool end_due = false;

    // The scheduler's: the flow that its order puts it into, and whether it waits for its turn there.
    FlowOfStreams *flow = nullptr;
    bool scheduled = false;
};

/// The end of a stream that this side reads.
class ReceiveSide final : public comoq::detail::ReceiveHalf, public comoq::detail::ListNode<ReceiveSide> {
public:
    ReceiveSide(std::uint64_t stream, std::uint64_t size) noexcept : id(stream), window(size) {}

    /// Nothing comes any more, and what came has been read or dropped.
    bool is_over() const noexcept { return ended() && buffered() == 0; }

    const std::uint64_t id;
    ReceiveWindow window;
    /// A STOP_SENDING with this code is to be sent.
    std::optional<std::uint64_t> stop_code;
    /// In the list of those of which something is to be sent.
    bool listed = false;
    /// Of a stream that this side opened: the other end here, until it is gone.
    SendSide *opener = nullptr;
};

}  // namespace comoq::qmux::detail
