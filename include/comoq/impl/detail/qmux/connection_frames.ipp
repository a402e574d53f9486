// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/qmux/connection.hpp"

#include <variant>

// The effects of the peer's frames on a connection.

namespace comoq::qmux {

COMOQ_DECL void Connection::input(std::span<const std::byte> frames) { input(frames, frames.size()); }

COMOQ_DECL std::span<const std::byte> Connection::input(std::span<const std::byte> frames, std::size_t most) {
    const Time now = clock_();
    Aftermath after;
    Lock lock(mutex());
    if (is_closed()) return {};
    pings_.received(now);
    const std::size_t size = frames.size();
    if (const auto fault = take_frames(frames, most, after)) fail(*fault, after);
    if (is_closed()) frames = {};
    received_bytes_ += size - frames.size();
    wake_output(after);
    return frames;
}

COMOQ_DECL void Connection::malformed() {
    Aftermath after;
    Lock lock(mutex());
    if (is_closed()) return;
    fail(Fault{TransportError::FrameEncoding, FrameType::Padding, "not a record"}, after);
}

COMOQ_DECL Connection::MaybeFault Connection::take_frames(std::span<const std::byte> &frames, std::size_t most, Aftermath &after) {
    if (frames.size() > ours_.max_record_size)
        return Fault{TransportError::FrameEncoding, FrameType::Padding, "a record that is too large"};
    std::error_code failure;
    for (std::size_t left = most; left != 0; --left) {
        const auto read = next_frame(frames, failure);
        if (!read) {
            // PADDING is not a frame.
            frames = {};
            break;
        }
        const auto take_it = [this, &after](const auto &frame) { return take(frame, after); };
        if (auto fault = std::visit(take_it, read->frame)) return fault;
        if (is_closed()) return std::nullopt;
        frames = frames.subspan(read->size);
    }
    if (failure == Error::Decode) return Fault{TransportError::FrameEncoding, FrameType::Padding, "a malformed frame"};
    if (failure) return Fault{TransportError::FrameEncoding, FrameType::Padding, "a frame that has no place here"};
    return std::nullopt;
}

COMOQ_DECL Connection::MaybeFault Connection::find(std::uint64_t id, bool of_peer, FrameType frame, Entry *&found,
                                                   Aftermath &after) {
    return streams_.find(id, of_peer, frame, found, [&](Direction direction, const Entry &entry) {
        arrived(kind_of(direction), {entry.send, entry.receive}, after);
    });
}

// The beginning.

COMOQ_DECL Connection::MaybeFault Connection::received(const EncodedParameters &frame, Aftermath &after) {
    if (has_parameters_) {
        if (version_ == Version::Draft01) return std::nullopt;
        return Fault{TransportError::ProtocolViolation, FrameType::TransportParameters, "parameters twice"};
    }
    const auto theirs = decode(frame);
    if (!theirs) return Fault{TransportError::TransportParameter, FrameType::TransportParameters, "malformed parameters"};
    if (auto fault = agree_on_protocol(*theirs)) return fault;
    has_parameters_ = is_sooner_ = true;
    pings_.begin(theirs->idle_timeout);
    sender_.raise_limit(theirs->max_data);
    streams_.learn(*theirs, [this](SendSide &side, std::uint64_t limit) { sender_.raise_limit(side, limit); });
    for (const Direction direction : {Direction::Bidi, Direction::Uni})
        if (streams_.may_open(direction)) may_open_more(kind_of(direction), after);
    datagrams_.learn(theirs->max_datagram_frame_size);
    return std::nullopt;
}

COMOQ_DECL Connection::MaybeFault Connection::agree_on_protocol(const TransportParameters &theirs) {
    if (!protocol_.empty()) return std::nullopt;
    const auto chosen = is_client() ? choose_protocol(theirs.protocols, ours_.protocols)
                                    : choose_protocol(ours_.protocols, theirs.protocols);
    if (!chosen)
        return Fault{TransportError::NoApplicationProtocol, FrameType::TransportParameters, "no protocol in common"};
    protocol_ = *chosen;
    return std::nullopt;
}

// Data on streams.

COMOQ_DECL Connection::MaybeFault Connection::received(const Stream &frame, Aftermath &after) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, true, FrameType::Stream, entry, after)) return fault;
    // A stopped peer in JavaScript that is writing resets the stream and then sends the rest of that write, for which
    // it takes no credit: the rest is dropped, and counts for nothing.
    if (entry == nullptr || entry->receive == nullptr) return std::nullopt;
    if (auto fault = receiver_.receive(*entry->receive, frame, after.wake)) return fault;
    if (entry->receive->is_over()) settle(frame.id, after);
    return std::nullopt;
}

COMOQ_DECL Connection::MaybeFault Connection::received(const ResetStream &frame, Aftermath &after) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, true, FrameType::ResetStream, entry, after)) return fault;
    if (entry == nullptr || entry->receive == nullptr) return std::nullopt;
    if (auto fault = receiver_.receive(*entry->receive, frame, after.wake)) return fault;
    if (entry->receive->is_over()) settle(frame.id, after);
    return std::nullopt;
}

// A peer without credit gets more when the application has read; but this frame can open a stream.
COMOQ_DECL Connection::MaybeFault Connection::received(const StreamDataBlocked &frame, Aftermath &after) {
    Entry *entry = nullptr;
    return find(frame.id, true, FrameType::StreamDataBlocked, entry, after);
}

// The peer's limits for this side.

COMOQ_DECL Connection::MaybeFault Connection::received(const StopSending &frame, Aftermath &after) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, false, FrameType::StopSending, entry, after)) return fault;
    if (entry == nullptr || entry->send == nullptr) return std::nullopt;
    SendSide &side = *entry->send;
    if (!side.fail(stream_ended(frame.code), after)) return std::nullopt;
    side.reset_code = frame.code;
    sender_.changed(side);
    return std::nullopt;
}

COMOQ_DECL Connection::MaybeFault Connection::received(const MaxData &frame, Aftermath &) {
    sender_.raise_limit(frame.limit);
    return std::nullopt;
}

COMOQ_DECL Connection::MaybeFault Connection::received(const MaxStreamData &frame, Aftermath &after) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, false, FrameType::MaxStreamData, entry, after)) return fault;
    if (entry != nullptr && entry->send != nullptr) sender_.raise_limit(*entry->send, frame.limit);
    return std::nullopt;
}

COMOQ_DECL Connection::MaybeFault Connection::received(const MaxStreams &frame, Aftermath &after) {
    streams_.raise_limit(frame.direction, frame.limit);
    if (streams_.may_open(frame.direction)) may_open_more(kind_of(frame.direction), after);
    return std::nullopt;
}

// Datagrams and pings.

COMOQ_DECL Connection::MaybeFault Connection::received(const Datagram &frame, Aftermath &after) {
    // The shortest frame that can have carried it has a type and no length.
    if (frame.payload.size() + 1 > ours_.max_datagram_frame_size)
        return Fault{TransportError::ProtocolViolation, FrameType::Datagram, "a datagram that is too large"};
    auto datagram = Bytes::copy(frame.payload);
    datagram_arrived(datagram, after);
    return std::nullopt;
}

COMOQ_DECL Connection::MaybeFault Connection::received(const PingRequest &frame, Aftermath &) {
    if (pings_.answer(frame.sequence) || version_ == Version::Draft01) return std::nullopt;
    return Fault{TransportError::ProtocolViolation, FrameType::PingRequest, "a ping that does not increase"};
}

COMOQ_DECL Connection::MaybeFault Connection::received(const PingResponse &frame, Aftermath &) {
    is_sooner_ = true;
    const bool was_out = pings_.is_out();
    const bool was_sent = pings_.answered(frame.sequence);
    if (was_out && !pings_.is_out()) rate_.answered(pings_.last_received(), pings_.round_trip());
    if (is_held()) flight_.holds(pings_.last_received());
    if (const auto carried = flight_.answered(pings_.last_received(), frame.sequence))
        rate_.carried(pings_.last_received(), *carried);
    if (was_sent || version_ == Version::Draft01) return std::nullopt;
    return Fault{TransportError::ProtocolViolation, FrameType::PingResponse, "an answer to no ping"};
}

// The end.

COMOQ_DECL Connection::MaybeFault Connection::received(const ConnectionClose &frame, Aftermath &after) {
    ends_because(frame.reason);
    fall_silent(detail::error_of_close(frame.code), after);
    return std::nullopt;
}

COMOQ_DECL Connection::MaybeFault Connection::received(const ApplicationClose &frame, Aftermath &after) {
    ends_because(frame.reason);
    fall_silent(connection_ended(frame.code), after);
    return std::nullopt;
}

}  // namespace comoq::qmux
