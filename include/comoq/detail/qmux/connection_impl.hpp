#pragma once
#include "../../qmux/connection.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace comoq::qmux {

namespace detail {

/// What is told to the peer: where the protocol is known already, none is listed.
inline TransportParameters parameters_to_send(ConnectionConfig &config) {
    TransportParameters parameters = std::move(config.parameters);
    parameters.protocols = config.protocol.empty() ? std::move(config.protocols) : std::vector<std::string>();
    parameters.reset_stream_at = false;
    return parameters;
}

}  // namespace detail

inline Connection::Connection(asio::any_io_executor executor, bool client, ConnectionConfig config)
    : StreamTransport(std::move(executor), std::make_shared<comoq::detail::Mutex>(), client),
      version_(config.version),
      clock_(config.clock),
      ours_(detail::parameters_to_send(config)),
      protocol_(std::move(config.protocol)),
      streams_(!client, ours_),
      receiver_(ours_.max_data),
      idle_(clock_(), ours_.idle_timeout) {
    encode(ours_, parameters_);
    if (parameters_.size() > OutgoingRecord::most) comoq::detail::throw_error(make_error_code(Error::Encode));
}

inline void Connection::input(std::span<const std::byte> frames) {
    const Time now = clock_();
    WakeList wake;
    Lock lock(mutex());
    if (is_closed()) return;
    idle_.received(now);
    if (const auto fault = take_frames(frames, wake)) fail(*fault, wake);
    wake_output(wake);
}

inline void Connection::malformed() {
    WakeList wake;
    Lock lock(mutex());
    if (is_closed()) return;
    fail(Fault{TransportError::FrameEncoding, FrameType::Padding, "what came is no record"}, wake);
}

inline Connection::MaybeFault Connection::take_frames(std::span<const std::byte> frames, WakeList &wake) {
    if (frames.empty()) return Fault{TransportError::ProtocolViolation, FrameType::Padding, "a record without frames"};
    if (frames.size() > ours_.max_record_size)
        return Fault{TransportError::FrameEncoding, FrameType::Padding, "a record that is too large"};
    std::error_code failure;
    while (const auto read = next_frame(frames, failure)) {
        const auto take_it = [this, &wake](const auto &frame) { return take(frame, wake); };
        if (auto fault = std::visit(take_it, read->frame)) return fault;
        if (is_closed()) return std::nullopt;
        frames = frames.subspan(read->size);
    }
    if (failure == Error::Decode) return Fault{TransportError::FrameEncoding, FrameType::Padding, "a malformed frame"};
    if (failure) return Fault{TransportError::ProtocolViolation, FrameType::Padding, "a frame that has no place here"};
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const EncodedParameters &frame, WakeList &wake) {
    if (has_parameters_) {
        if (version_ == Version::Draft01) return std::nullopt;
        return Fault{TransportError::ProtocolViolation, FrameType::TransportParameters, "parameters twice"};
    }
    const auto theirs = decode(frame);
    if (!theirs) return Fault{TransportError::TransportParameter, FrameType::TransportParameters, "malformed parameters"};
    if (auto fault = agree_on_protocol(*theirs)) return fault;
    has_parameters_ = true;
    idle_.negotiate(theirs->idle_timeout);
    sender_.raise_limit(theirs->max_data);
    streams_.learn(*theirs, [this](SendSide &side, std::uint64_t limit) { sender_.raise_limit(side, limit); });
    for (const Direction direction : {Direction::Bidi, Direction::Uni})
        if (streams_.may_open(direction)) may_open_more(kind_of(direction), wake);

    // The limit is one of whole frames: there are a type and a length before the payload.
    const std::uint64_t largest = std::min<std::uint64_t>(theirs->max_datagram_frame_size, OutgoingRecord::most);
    const std::uint64_t head = 1 + comoq::detail::varint_size(largest);
    max_datagram_size_ = static_cast<std::size_t>(largest > head ? largest - head : 0);
    return std::nullopt;
}

inline Connection::MaybeFault Connection::agree_on_protocol(const TransportParameters &theirs) {
    if (!protocol_.empty()) return std::nullopt;
    const auto chosen = is_client() ? choose_protocol(theirs.protocols, ours_.protocols)
                                    : choose_protocol(ours_.protocols, theirs.protocols);
    if (!chosen)
        return Fault{TransportError::NoApplicationProtocol, FrameType::TransportParameters, "no protocol in common"};
    protocol_ = *chosen;
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const Stream &frame, WakeList &wake) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, true, FrameType::Stream, entry, wake)) return fault;
    // Peers in JavaScript that are stopped while they write reset the stream and then send the rest of that write, for which
    // they take no credit: it is dropped, and counts for nothing.
    if (entry == nullptr || entry->receive == nullptr) return std::nullopt;
    if (auto fault = receiver_.receive(*entry->receive, frame, wake)) return fault;
    if (entry->receive->is_over()) settle(frame.id, wake);
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const ResetStream &frame, WakeList &wake) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, true, FrameType::ResetStream, entry, wake)) return fault;
    if (entry == nullptr || entry->receive == nullptr) return std::nullopt;
    if (auto fault = receiver_.receive(*entry->receive, frame, wake)) return fault;
    if (entry->receive->is_over()) settle(frame.id, wake);
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const StopSending &frame, WakeList &wake) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, false, FrameType::StopSending, entry, wake)) return fault;
    if (entry == nullptr || entry->send == nullptr) return std::nullopt;
    SendSide &side = *entry->send;
    if (!side.fail(detail::error_of_code(frame.code), wake)) return std::nullopt;
    side.reset_code = frame.code;
    sender_.changed(side);
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const Datagram &frame, WakeList &wake) {
    // The shortest that it can have come in has a type and no length.
    if (frame.payload.size() + 1 > ours_.max_datagram_frame_size)
        return Fault{TransportError::ProtocolViolation, FrameType::Datagram, "a datagram that is too large"};
    datagram_arrived(Bytes::copy(frame.payload), wake);
    return std::nullopt;
}

inline void Connection::fail_streams(std::error_code code, WakeList &wake) {
    for (auto &[id, entry] : streams_.take_all()) {
        if (entry.send != nullptr) {
            sender_.forget(*entry.send);
            entry.send->fail(code, wake);
        }
        if (entry.receive != nullptr) {
            receiver_.forget(*entry.receive);
            entry.receive->fail(code, wake);
        }
    }
    datagrams_out_.clear();
    pongs_.clear();
}

inline bool Connection::output(OutgoingRecord &record) {
    const Time now = clock_();
    record.clear();
    WakeList wake;
    Lock lock(mutex());
    if (!has_output()) return false;
    fill(record, now, wake);
    idle_.sent(now);
    return true;
}

inline void Connection::fill(OutgoingRecord &record, Time now, WakeList &wake) {
    if (!parameters_.empty()) {
        record.add_copy(parameters_);
        parameters_.clear();
        return;
    }
    if (is_closed()) {
        record.add_copy(last_words_);
        silent_ = true;
        wake.take(output_waits_);
        return;
    }
    const auto is_gone = [this, &wake](SendSide &side) { settle(side.id, wake); };
    write_pings(record, now);
    receiver_.write_news(record);
    sender_.write_ends(record, wake, is_gone);
    streams_.write_news(record);
    write_datagrams(record);
    sender_.write_data(record, wake, is_gone);
}

inline void Connection::write_pings(OutgoingRecord &record, Time now) {
    for (; !pongs_.empty(); pongs_.pop_front()) record.add_frame(PingResponse{pongs_.front()});
    if (!ping_due_) return;
    ping_due_ = false;
    record.add_frame(PingRequest{next_ping_++});
    idle_.asked(now);
}

inline void Connection::write_datagrams(OutgoingRecord &record) {
    for (; !datagrams_out_.empty(); datagrams_out_.pop_front()) {
        const Bytes &datagram = datagrams_out_.front();
        if (record.room() < 1 + comoq::detail::varint_size(datagram.size()) + datagram.size()) return;
        record.add_datagram_head(datagram.size());
        record.add_payload(datagram.span(), datagram);
    }
}

inline void Connection::tick() {
    const Time now = clock_();
    WakeList wake;
    Lock lock(mutex());
    if (is_closed()) return;
    if (idle_.is_over(now)) return fall_silent(make_error_code(Error::Timeout), wake);
    ping_due_ = ping_due_ || idle_.should_ask(now);
    wake_output(wake);
}

inline void Connection::lost(std::error_code code) {
    WakeList wake;
    Lock lock(mutex());
    const bool ours = code && code.category() == error_category();
    fall_silent(ours ? code : make_error_code(Error::Transport), wake);
}

}  // namespace comoq::qmux
