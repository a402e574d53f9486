// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/h3/capsule_reader.hpp"
#include "../../detail/h3/settings.hpp"
#include "../../detail/h3/sorted_stream.hpp"
#include "../../detail/quic/stream_numbers.hpp"
#include "../../quic/connection.hpp"
#include "connection_begin.ipp"
#include "connection_events.ipp"

#include <algorithm>
#include <utility>
#include <vector>

// What a connection does for the HTTP/3 above it: whose stream is it, what goes before the session's, and its last words.

namespace comoq::quic {

// Numbers.

COMOQ_DECL std::uint64_t Connection::number_on_wire(std::int64_t id, std::uint64_t number) noexcept {
    if (http3_ == nullptr) return detail::maps_numbers(protocol_) ? detail::mapped(number) : number;
    const Stream *stream = find(id);
    return stream != nullptr && stream->owner == Stream::Owner::Protocol ? number : detail::mapped(number);
}
COMOQ_DECL std::error_code Connection::code_of_end(std::uint64_t number) const noexcept {
    // HTTP/3's own numbers say nothing to an application: Chromium ends its streams with some of them when a page goes.
    if (http3_ != nullptr && !detail::is_mapped(number)) return make_error_code(Error::Cancelled);
    const bool maps = detail::maps_numbers(protocol_) || protocol_ == "h3";
    return stream_ended(maps ? detail::unmapped(number) : number);
}

// Streams of the peer.

COMOQ_DECL void Connection::sort(Stream &stream, std::span<const std::byte> bytes, bool is_end) {
    Aftermath &after = *after_;
    const std::size_t before = stream.head_size, room = stream.head.size() - before;
    const auto first = bytes.first(std::min(bytes.size(), room));
    std::copy(first.begin(), first.end(), stream.head.begin() + static_cast<std::ptrdiff_t>(before));
    stream.head_size = static_cast<std::uint8_t>(before + first.size());
    const auto head = std::span(stream.head).first(stream.head_size);
    const auto sorted = h3::sort_stream(head, is_uni(stream.id), !is_client());
    using Sorted = h3::SortedStream::Kind;
    const auto drop = [&](h3::Code code) {
        const std::size_t rest = bytes.size() - first.size();
        give_credit(stream.id, rest, rest);
        refuse(stream, code, after);
    };
    switch (sorted.kind) {
    case Sorted::Unknown:
        if (is_end) drop(h3::Code::RequestIncomplete);
        return;
    case Sorted::Wrong:
        http3_->failure = sorted.code;
        return;
    case Sorted::Refused:
        return drop(sorted.code);
    case Sorted::Session:
        if (http3_->session && sorted.value != *http3_->session) return drop(h3::Code::BufferedStreamRejected);
        break;
    case Sorted::Protocol:
        break;
    }
    if (is_closed()) return drop(h3::Code::SessionGone);
    give_credit(stream.id, sorted.size, sorted.size);
    stream.receive->push(head.subspan(sorted.size), after.wake);
    stream.receive->push(bytes.subspan(first.size()), after.wake);
    if (is_end) stream.receive->end(after.wake);
    const std::int64_t id = stream.id;
    if (sorted.kind == Sorted::Protocol) {
        stream.owner = Stream::Owner::Protocol;
        http3_->arrivals.push_back({sorted.value, {stream.send, stream.receive}});
        after.wake.take(http3_->waits);
    } else if (http3_->session) {
        if (!comes(stream)) {
            http3_->failure = h3::Code::FlowControlError;
            return;
        }
        arrived(kind_of(id), {stream.send, stream.receive}, after);
    } else {
        keep_early(stream, sorted.value, after);
    }
    if (Stream *kept = find(id); kept != nullptr && is_end) ConnectionEvents::received_all(*this, *kept);
}

COMOQ_DECL void Connection::keep_early(Stream &stream, std::uint64_t session, Aftermath &after) {
    stream.owner = Stream::Owner::Early;
    stream.session = session;
    http3_->early_bytes += stream.receive->buffered();
    const bool is_full = http3_->early.size() >= detail::Http3Layer::most_early_streams;
    if (is_full || http3_->early_bytes > detail::Http3Layer::most_early_bytes)
        return refuse(stream, h3::Code::BufferedStreamRejected, after);
    http3_->early.push_back(stream.id);
}

COMOQ_DECL void Connection::refuse(Stream &stream, h3::Code code, Aftermath &after) {
    const std::int64_t id = stream.id;
    const bool over = stream.receive->ended();
    std::erase(http3_->early, id);
    if (stream.owner == Stream::Owner::Early && !http3_->session) is_lost_for_session(is_uni(id), after);
    if (stream.owner == Stream::Owner::Early) http3_->early_bytes -= std::min(http3_->early_bytes, stream.receive->buffered());
    const std::size_t in_head = stream.owner == Stream::Owner::Unknown ? stream.head_size : 0;
    stream.owner = Stream::Owner::Protocol;
    stream.accepted = true;
    const std::size_t dropped = stream.receive->stop(after.wake) + in_head;
    give_credit(id, dropped, dropped);
    if (!over) detail::shut_down_read(wire_.get(), id, h3::number_of(code));
    if (stream.send != nullptr && stream.send->fail(make_error_code(Error::Cancelled), after)) {
        sender_.forget(*stream.send);
        detail::shut_down_write(wire_.get(), id, h3::number_of(code));
    }
    settle(id, after);
}

COMOQ_DECL comoq::detail::Outcome<detail::Http3Layer::Arrival> Connection::ProtocolRule::take() {
    if (connection_->is_closed()) return connection_->lost_code();
    auto &arrivals = connection_->http3_->arrivals;
    comoq::detail::Outcome<value_type> first(std::in_place, std::move(arrivals.front()));
    arrivals.pop_front();
    return first;
}
COMOQ_DECL Operation<Connection::ProtocolStream> Connection::accept_protocol_stream() {
    const auto self = std::static_pointer_cast<Connection>(shared_from_this());
    const auto with_handles = [self](detail::Http3Layer::Arrival &&arrival) {
        using comoq::detail::ReceiveHandle;
        using comoq::detail::SendHandle;
        return self->StreamTransport::accepted(arrival.halves, [&] {
            ProtocolStream made;
            made.type = arrival.type;
            if (arrival.halves.send != nullptr) made.stream.send = std::make_unique<SendHandle>(self, arrival.halves.send);
            made.stream.receive = std::make_unique<ReceiveHandle>(self, arrival.halves.receive);
            return made;
        });
    };
    return Operation<ProtocolStream>(comoq::detail::Passkey(),
                                     comoq::detail::mapped<ProtocolStream>(comoq::detail::Step(ProtocolRule(self)), with_handles));
}

COMOQ_DECL std::uint64_t Connection::id_of(const SendStream &stream) {
    const auto &half = dynamic_cast<const comoq::detail::SendHandle &>(stream).half();
    return static_cast<std::uint64_t>(static_cast<const SendSide &>(half).id);
}

// Datagrams.

COMOQ_DECL void Connection::datagram_of_layer(std::span<const std::byte> datagram, Aftermath &after) {
    const auto quarter = comoq::detail::read_varint(datagram);
    constexpr std::uint64_t most = (std::uint64_t{1} << 60) - 1;
    if (!quarter || quarter->value > most) {
        http3_->failure = h3::Code::DatagramError;
        return;
    }
    if (http3_->session) {
        if (quarter->value == *http3_->session / 4) datagram_of_session(datagram, quarter->size, after);
        return;
    }
    if (http3_->early_datagrams.size() == detail::Http3Layer::most_early_datagrams) {
        after.drop(std::move(http3_->early_datagrams.front()));
        http3_->early_datagrams.pop_front();
    }
    http3_->early_datagrams.push_back(Bytes::copy(datagram));
}
COMOQ_DECL void Connection::datagram_of_session(std::span<const std::byte> datagram, std::size_t head, Aftermath &after) {
    Bytes copy = Bytes::copy(datagram.subspan(head));
    datagram_arrived(copy, after);
    after.drop(std::move(copy));
}

// The session.

COMOQ_DECL void Connection::begin_session(std::uint64_t id, bool has_datagrams, const h3::SessionLimits &own,
                                          const h3::SessionLimits &peers) {
    Aftermath after;
    Lock lock(mutex());
    if (is_closed()) return;
    detail::Http3Layer &layer = *http3_;
    layer.session = id;
    layer.has_datagrams = has_datagrams;
    layer.has_limits = own.any() && peers.any();
    for (const bool uni : {false, true}) {
        auto &limit = layer.limits[uni];
        limit.first = limit.granted = uni ? own.uni : own.bidi;
        limit.may_open = uni ? peers.uni : peers.bidi;
    }
    layer.max_data = layer.data_left = peers.data;
    for (const auto &[head, type] : {std::pair(&layer.before_uni, h3::session_uni_stream),
                                     std::pair(&layer.before_bidi, h3::session_bidi_stream)}) {
        head->put(type);
        head->put(id);
    }
    layer.before_datagram.put(id / 4);
    learn_path_size();
    for (const std::int64_t each : std::exchange(layer.early, {})) {
        Stream *stream = find(each);
        if (stream == nullptr) continue;
        if (stream->session != id || !comes(*stream)) {
            refuse(*stream, h3::Code::BufferedStreamRejected, after);
            continue;
        }
        arrived(kind_of(each), {stream->send, stream->receive}, after);
    }
    for (const Bytes &each : std::exchange(layer.early_datagrams, {})) {
        const auto quarter = comoq::detail::read_varint(each.span());
        if (quarter->value == id / 4) datagram_of_session(each.span(), quarter->size, after);
    }
    wake_output(after);
}

COMOQ_DECL h3::SessionLimits Connection::own_limits() const noexcept {
    return {detail::sendable_count(config_.max_streams_uni), detail::sendable_count(config_.max_streams_bidi), std::uint64_t{1} << 60};
}
COMOQ_DECL bool Connection::comes(Stream &stream) noexcept {
    auto &limit = http3_->limits[is_uni(stream.id)];
    ++limit.came;
    if (http3_->has_limits && limit.came > limit.granted) return false;
    stream.owner = Stream::Owner::Application;
    if (stream.send != nullptr) stream.send->is_limited = http3_->has_limits;
    return true;
}
COMOQ_DECL void Connection::is_lost_for_session(bool uni, Aftermath &after) {
    ++http3_->limits[uni].came;
    is_over_for_session(uni, after);
}
COMOQ_DECL void Connection::is_over_for_session(bool uni, Aftermath &after) {
    if (http3_ == nullptr) return;
    auto &limit = http3_->limits[uni];
    ++limit.over;
    if (!http3_->has_limits || is_closed() || limit.first + limit.over - limit.granted < (limit.first + 1) / 2) return;
    Stream *own = find(static_cast<std::int64_t>(*http3_->session));
    if (own == nullptr || own->send == nullptr || own->send->finished() || own->send->over()) return;
    limit.granted = limit.first + limit.over;
    std::vector<std::byte> capsule, frame;
    h3::write_limit(uni ? h3::capsule::max_uni : h3::capsule::max_bidi, limit.granted, capsule);
    h3::begin_block(h3::data_frame, capsule.size(), frame);
    frame.insert(frame.end(), capsule.begin(), capsule.end());
    own->send->push({}, Bytes(std::move(frame)));
    send_changed(*own->send, after);
}
COMOQ_DECL bool Connection::raise_limits(const h3::SessionLimits &peers) {
    Aftermath after;
    Lock lock(mutex());
    if (is_closed() || !http3_->has_limits) return true;
    for (const auto &[kind, limit] : {std::pair(Kind::Bidi, peers.bidi), std::pair(Kind::Uni, peers.uni)}) {
        auto &known = http3_->limits[kind == Kind::Uni].may_open;
        if (limit == 0 || limit == known) continue;
        if (limit < known) return false;
        known = limit;
        StreamTransport::may_open_more(kind, after);
    }
    if (peers.data == 0 || peers.data == http3_->max_data) return true;
    if (peers.data < http3_->max_data) return false;
    http3_->data_left += peers.data - http3_->max_data;
    http3_->max_data = peers.data;
    for (auto &[id, stream] : streams_)
        if (stream.send != nullptr && std::exchange(stream.send->waits_for_session, false)) sender_.set_blocked(*stream.send, false);
    wake_output(after);
    return true;
}

COMOQ_DECL void Connection::end_session(const SendStream *last, Bytes words, std::error_code code, std::uint64_t number,
                                        std::string_view reason) {
    Aftermath after;
    Lock lock(mutex());
    if (is_closed() || stage_ != Stage::Open) return;
    ends_because(reason);
    if (last == nullptr || http3_ == nullptr) {
        const bool is_text = reason.size() <= 200 && comoq::detail::is_utf8(reason);
        last_reason_ = is_text ? reason : std::string_view();
        return end_with(detail::application_error(number, last_reason_), code, after);
    }
    auto &half = dynamic_cast<const comoq::detail::SendHandle &>(*last).half();
    auto &side = static_cast<SendSide &>(half);
    const Time now = clock_();
    http3_->leaving = detail::Http3Layer::Leaving{side.id, now + std::chrono::seconds(1), number};
    if (!side.finished()) {
        side.push({}, std::move(words));
        side.finish(after.wake);
        sender_.changed(side);
    }
    lose(code, after);
    wake_output(after);
}

COMOQ_DECL void Connection::fail_for_application(std::error_code code, Aftermath &after) {
    constexpr std::uint64_t gone = h3::number_of(h3::Code::SessionGone);
    for (auto &[id, stream] : streams_) {
        stream.accepted = true;
        if (id == http3_->leaving->last_stream) continue;
        if (stream.send != nullptr && stream.send->fail(code, after)) {
            sender_.forget(*stream.send);
            // The control stream stays as it is: its end would be an error.
            if (stream.owner != Stream::Owner::Protocol) detail::shut_down_write(wire_.get(), id, gone);
        }
        if (stream.receive == nullptr) continue;
        const bool over = stream.receive->ended();
        stream.receive->fail(code, after.wake);
        if (!over && stream.owner != Stream::Owner::Protocol) detail::shut_down_read(wire_.get(), id, gone);
    }
    datagrams_out_.clear(after);
    after.wake.take(ready_waits_);
}

COMOQ_DECL void Connection::look_for_leave(Time now, Aftermath &after) {
    if (stage_ != Stage::Open) return;
    const auto leaving = *http3_->leaving;
    const Stream *last = find(leaving.last_stream);
    if (last != nullptr && !last->closed && now < leaving.until) return;
    end_with(detail::application_error(leaving.number, {}), lost_code(), after);
}
COMOQ_DECL void Connection::stop_leaving(Aftermath &after) {
    if (!is_leaving()) return;
    http3_->leaving.reset();
    fail_streams(lost_code(), after);
}

}  // namespace comoq::quic
