// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection.hpp"
#include "connection_begin.ipp"
#include "connection_endings.ipp"
#include "connection_events.ipp"

#include <algorithm>
#include <utility>

// A connection between its handshake and its end.

namespace comoq::quic {

// The wire's side.

COMOQ_DECL void Connection::input(std::span<const std::byte> datagram, const Path &path, unsigned ecn) {
    // The library takes none.
    if (datagram.empty()) return;
    const Time now = clock_();
    Aftermath after;
    Lock lock(mutex());
    received_bytes_ += datagram.size();
    ++received_packets_;
    if (stage_ == Stage::Closing) {
        // The peer has not heard of the end. It is told again, and the more it sends, the more seldom.
        const std::uint64_t count = ++after_farewell_;
        if (farewell_ != nullptr && (count & (count - 1)) == 0) wake_output(after);
        return;
    }
    if (stage_ != Stage::Open) return;
    Path addresses = path;
    const ngtcp2_path on = detail::path_of(addresses);
    ngtcp2_pkt_info info{};
    info.ecn = static_cast<decltype(info.ecn)>(ecn);
    stops_.clear();
    resets_.clear();
    acknowledged_ = 0;
    int result = 0;
    {
        const ConnectionEvents::Calling calling(*this, after);
        ConnectionEvents::reader = this;
        result = ngtcp2_conn_read_pkt(wire_.get(), &on, &info, detail::octets_of(datagram), datagram.size(), detail::stamp_of(now));
        ConnectionEvents::reader = nullptr;
        for (const auto &[stream, number] : stops_) stopped_by_peer(static_cast<std::int64_t>(stream), number, after);
        for (const std::int64_t stream : resets_) reset_by_peer(stream, after);
    }
    path_size_.acknowledged(acknowledged_);
    if (result == NGTCP2_ERR_DRAINING) return closed_by_peer(after);
    if (result != 0) return fail(result, after);
    if (why_) return fail(NGTCP2_ERR_CALLBACK_FAILURE, after);
    if (is_leaving()) look_for_leave(now, after);
    wake_output(after);
}

COMOQ_DECL void Connection::tick() {
    const Time now = clock_();
    Aftermath after;
    Lock lock(mutex());
    if (stage_ == Stage::Silent) return;
    if (stage_ != Stage::Open) {
        if (now >= silent_at_) fall_silent(make_error_code(Error::Transport), after);
        return;
    }
    int result = 0;
    {
        const ConnectionEvents::Calling calling(*this, after);
        result = ngtcp2_conn_handle_expiry(wire_.get(), detail::stamp_of(now));
    }
    if (result != 0) return fail(result, after);
    if (is_leaving()) look_for_leave(now, after);
    wake_output(after);
}

COMOQ_DECL std::optional<Connection::Time> Connection::deadline() const {
    Lock lock(mutex());
    if (stage_ == Stage::Silent) return std::nullopt;
    if (stage_ != Stage::Open) return silent_at_;
    const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(wire_.get());
    constexpr auto latest = static_cast<ngtcp2_tstamp>(std::numeric_limits<std::int64_t>::max());
    const std::chrono::nanoseconds since_epoch(static_cast<std::int64_t>(std::min(expiry, latest)));
    const Time of_library(std::chrono::duration_cast<Time::duration>(since_epoch));
    return is_leaving() ? std::min(of_library, http3_->leaving->until) : of_library;
}

COMOQ_DECL Operation<void> Connection::output_due() {
    return Operation<void>(comoq::detail::Passkey(),
                           comoq::detail::Step(OutputRule(std::static_pointer_cast<Connection>(shared_from_this()))));
}

COMOQ_DECL Operation<void> Connection::ready() {
    return Operation<void>(comoq::detail::Passkey(),
                           comoq::detail::Step(ReadyRule(std::static_pointer_cast<Connection>(shared_from_this()))));
}

COMOQ_DECL void Connection::lost(std::error_code code) {
    Aftermath after;
    Lock lock(mutex());
    // A caller that waits for the handshake is told what the system says: that nobody listens there, for instance.
    const bool says_why = code && (code.category() == error_category() || !is_ready_);
    fall_silent(says_why ? code : make_error_code(Error::Transport), after);
}

COMOQ_DECL void Connection::give_token(std::span<const std::byte> token) {
    Aftermath after;
    Lock lock(mutex());
    if (is_client() || !is_ready_ || stage_ != Stage::Open || token.empty()) return;
    if (ngtcp2_conn_submit_new_token(wire_.get(), detail::octets_of(token), token.size()) == 0) wake_output(after);
}

// The handshake.

COMOQ_DECL bool Connection::agrees_on_protocol() {
    protocol_ = tls_->protocol();
    // TLS goes on without a word if the peer names no protocol.
    if (protocol_.empty()) why_ = make_error_code(Error::UnknownAlpn);
    if (protocol_ == "h3" && config_.http3) http3_ = std::make_unique<detail::Http3Layer>();
    return !protocol_.empty();
}

COMOQ_DECL void Connection::handshake_over() {
    is_ready_ = true;
    const auto *theirs = ngtcp2_conn_get_remote_transport_params(wire_.get());
    ngtcp2_duration idle = detail::timeout_of(config_.idle_timeout);
    if (theirs != nullptr && theirs->max_idle_timeout != 0) idle = std::min(idle, theirs->max_idle_timeout);
    // A peer whose own timeout is tiny must not make this side send without a pause.
    constexpr ngtcp2_duration shortest = 500 * NGTCP2_MILLISECONDS;
    if (idle != 0) ngtcp2_conn_set_keep_alive_timeout(wire_.get(), std::max(idle / 3, shortest));
    learn_path_size();
    after_->wake.take(ready_waits_);
    StreamTransport::may_open_more(Kind::Bidi, *after_);
    StreamTransport::may_open_more(Kind::Uni, *after_);
}

COMOQ_DECL void Connection::learn_path_size() noexcept {
    // A short header, the longest packet number, a DATAGRAM frame's type and length, and what the cipher adds.
    constexpr std::size_t around = 1 + NGTCP2_MAX_CIDLEN + 4 + 3 + 16;
    const auto *theirs = ngtcp2_conn_get_remote_transport_params(wire_.get());
    if (theirs == nullptr || theirs->max_datagram_frame_size <= 3) return;
    const std::size_t room = path_size_.limit(ngtcp2_conn_get_path_max_tx_udp_payload_size(wire_.get()), clock_());
    const auto most = std::min<std::size_t>(room - around, static_cast<std::size_t>(theirs->max_datagram_frame_size) - 3);
    if (http3_ == nullptr) {
        max_datagram_ = most;
        return;
    }
    const bool can_send = http3_->has_datagrams && most > http3_->before_datagram.size;
    max_datagram_ = can_send ? most - http3_->before_datagram.size : 0;
}

// The application's wishes.

COMOQ_DECL bool Connection::may_open(Kind kind) const noexcept {
    // A peer that allows any number and ends none must not fill the memory.
    constexpr std::uint64_t most_own = 16 * 1024;
    if (!is_ready_ || stage_ != Stage::Open || own_[kind == Kind::Uni] >= most_own) return false;
    if (http3_ != nullptr && http3_->has_limits) {
        const auto &limit = http3_->limits[kind == Kind::Uni];
        if (limit.opened >= limit.may_open) return false;
    }
    const std::uint64_t left = kind == Kind::Uni ? ngtcp2_conn_get_streams_uni_left(wire_.get())
                                                 : ngtcp2_conn_get_streams_bidi_left(wire_.get());
    return left != 0;
}
COMOQ_DECL Connection::Halves Connection::open(Kind kind) {
    std::int64_t id = 0;
    const bool is_uni = kind == Kind::Uni;
    const int result = is_uni ? ngtcp2_conn_open_uni_stream(wire_.get(), &id, nullptr)
                              : ngtcp2_conn_open_bidi_stream(wire_.get(), &id, nullptr);
    if (result != 0) throw std::bad_alloc();
    Stream &stream = add(id, true, !is_uni);
    ngtcp2_conn_set_stream_user_data(wire_.get(), id, &stream);
    stream.accepted = true;
    ++own_[is_uni];
    if (http3_ != nullptr && !http3_->session) stream.owner = Stream::Owner::Protocol;
    if (http3_ != nullptr && http3_->session) {
        const auto head = (is_uni ? http3_->before_uni : http3_->before_bidi).span();
        ++http3_->limits[is_uni].opened;
        stream.send->is_limited = http3_->has_limits;
        stream.send->free_bytes = static_cast<std::uint8_t>(head.size());
        stream.send->push(head, Bytes());
        sender_.changed(*stream.send);
    }
    return {stream.send, stream.receive};
}
COMOQ_DECL void Connection::accepted(const Halves &halves, Aftermath &after) {
    const std::int64_t id = static_cast<const ReceiveSide &>(*halves.receive).id;
    if (Stream *stream = find(id)) stream->accepted = true;
    settle(id, after);
    wake_output(after);
}
COMOQ_DECL void Connection::send_changed(SendHalf &half, Aftermath &after) {
    sender_.changed(static_cast<SendSide &>(half));
    wake_output(after);
}
COMOQ_DECL void Connection::reset_wanted(SendHalf &half, std::uint64_t number, Aftermath &after) {
    auto &side = static_cast<SendSide &>(half);
    sender_.forget(side);
    if (stage_ != Stage::Open) return;
    detail::shut_down_write(wire_.get(), side.id, number_on_wire(side.id, number));
    settle(side.id, after);
    wake_output(after);
}
COMOQ_DECL void Connection::order_changed(SendHalf &half, const SendOrder &order) {
    sender_.reorder(static_cast<SendSide &>(half), order);
}
COMOQ_DECL std::size_t Connection::to_send(const SendHalf &half) const noexcept {
    // With what was taken for a packet, and found no room there: nothing says when its turn comes again.
    return half.over() ? 0 : static_cast<const SendSide &>(half).to_send();
}
COMOQ_DECL bool Connection::is_unanswered(const SendHalf &half) const noexcept {
    const auto &side = static_cast<const SendSide &>(half);
    if (stage_ != Stage::Open || side.over() || side.is_complete()) return false;
    if (!side.end_sent && side.retained.size() == side.retained.unsent()) return false;
    // As RFC 9002 judges, section 6.1.2, where an acknowledgement was not delayed longer than usual.
    const auto round_trip = detail::round_trip_of(wire_.get());
    return detail::stamp_of(clock_()) > side.sent_at + round_trip * 9 / 8 + NGTCP2_DEFAULT_MAX_ACK_DELAY;
}
COMOQ_DECL void Connection::consumed(ReceiveHalf &half, std::size_t count, Aftermath &after) {
    const std::int64_t id = static_cast<ReceiveSide &>(half).id;
    give_credit(id, count, count);
    settle(id, after);
    wake_output(after);
}
COMOQ_DECL void Connection::stop_wanted(ReceiveHalf &half, bool over, std::uint64_t number, Aftermath &after) {
    const std::int64_t id = static_cast<ReceiveSide &>(half).id;
    if (!over) detail::shut_down_read(wire_.get(), id, number_on_wire(id, number));
    settle(id, after);
    wake_output(after);
}
COMOQ_DECL void Connection::datagram_wanted(Bytes &datagram, Aftermath &after) {
    datagrams_out_.push(datagram);
    wake_output(after);
}

// Streams.

COMOQ_DECL Connection::Stream *Connection::find(std::int64_t id) noexcept {
    const auto place = streams_.find(id);
    return place == streams_.end() ? nullptr : &place->second;
}
COMOQ_DECL Connection::Stream &Connection::add(std::int64_t id, bool has_send, bool has_receive) {
    Stream &stream = streams_[id];
    stream.id = id;
    if (has_send) stream.send = std::make_shared<SendSide>(id);
    if (has_receive) stream.receive = std::make_shared<ReceiveSide>(id);
    return stream;
}
COMOQ_DECL void Connection::settle(std::int64_t id, Aftermath &after) {
    const auto place = streams_.find(id);
    if (place == streams_.end()) return;
    Stream &stream = place->second;
    if (!stream.accepted || !(stream.closed || stream.is_left())) return;
    if (stream.receive != nullptr && !stream.receive->is_over()) return;
    const bool was_of_peer = is_of_peer(id), uni = is_uni(id);
    if (was_of_peer && stream.owner == Stream::Owner::Application) is_over_for_session(uni, after);
    // The library may keep it.
    ngtcp2_conn_set_stream_user_data(wire_.get(), id, nullptr);
    if (!stream.closed && !(detail::peer_uni_streams_stay && uni)) may_leave_over();
    if (stream.send != nullptr) {
        sender_.forget(*stream.send);
        stream.send->retained.clear(after);
    }
    streams_.erase(place);
    if (!was_of_peer) {
        --own_[uni];
        StreamTransport::may_open_more(kind_of(id), after);
    } else {
        give_stream(uni);
    }
}
COMOQ_DECL void Connection::give_stream(bool uni) noexcept {
    // Each time is a frame that the peer has to acknowledge.
    const std::uint64_t most = uni ? config_.max_streams_uni : config_.max_streams_bidi;
    if (++owed_streams_[uni] < most / 8) return;
    const auto count = static_cast<std::size_t>(std::exchange(owed_streams_[uni], 0));
    if (uni)
        ngtcp2_conn_extend_max_streams_uni(wire_.get(), count);
    else
        ngtcp2_conn_extend_max_streams_bidi(wire_.get(), count);
}
COMOQ_DECL void Connection::give_credit(std::int64_t id, std::uint64_t stream_bytes, std::uint64_t connection_bytes) noexcept {
    if (stage_ != Stage::Open) return;
    if (stream_bytes != 0) ngtcp2_conn_extend_max_stream_offset(wire_.get(), id, stream_bytes);
    if (connection_bytes != 0) ngtcp2_conn_extend_max_offset(wire_.get(), connection_bytes);
}
COMOQ_DECL bool Connection::may_leave_over() noexcept {
    constexpr std::uint64_t most = std::uint64_t{1} << 18;
    if (++leftovers_ <= most) return true;
    why_ = make_error_code(Error::LimitReached);
    return false;
}
COMOQ_DECL void Connection::reset_by_peer(std::int64_t id, Aftermath &after) {
    // A stream that the reset itself has opened is never over for the library (ngtcp2 1.0 to 1.24).
    Stream *stream = find(id);
    if (stream == nullptr || stream->closed) return;
    may_leave_over();
    stream->closed = true;
    settle(id, after);
}
COMOQ_DECL void Connection::stopped_by_peer(std::int64_t id, std::uint64_t number, Aftermath &after) {
    Stream *stream = find(id);
    if (stream == nullptr || stream->send == nullptr) return;
    sender_.forget(*stream->send);
    stream->send->fail(code_of_end(number), after);
    settle(id, after);
}

// Observation.

COMOQ_DECL bool Connection::is_silent() const {
    Lock lock(mutex());
    return stage_ == Stage::Silent;
}
COMOQ_DECL std::string_view Connection::protocol() const noexcept {
    Lock lock(mutex());
    return protocol_;
}
COMOQ_DECL TransportStats Connection::stats() const {
    Lock lock(mutex());
    TransportStats stats;
    const std::uint64_t nanoseconds = wire_ != nullptr ? detail::round_trip_of(wire_.get()) : 0;
    stats.round_trip = std::chrono::microseconds(nanoseconds / 1000);
    stats.received_bytes = received_bytes_;
    stats.sent_bytes = sent_bytes_;
    stats.received_packets = received_packets_;
    stats.sent_packets = sent_packets_;
    return stats;
}
COMOQ_DECL std::size_t Connection::open_streams() const {
    Lock lock(mutex());
    return streams_.size();
}
COMOQ_DECL std::size_t Connection::unacknowledged() const {
    Lock lock(mutex());
    std::size_t bytes = 0;
    for (const auto &[id, stream] : streams_)
        if (stream.send != nullptr) bytes += stream.send->retained.size();
    return bytes;
}

}  // namespace comoq::quic
