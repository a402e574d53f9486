// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection.hpp"
#include "connection_begin.ipp"
#include "connection_events.ipp"

#include <algorithm>
#include <array>
#include <cstring>

// How a packet is made.

namespace comoq::quic {

/// A packet that is being made. Until it is complete, the library must not be used for anything else.
struct Connection::Writing {
    std::uint8_t *to() noexcept { return reinterpret_cast<std::uint8_t *>(packet.buffer.data()); }
    /// The packet goes on with another frame, or there is none.
    bool goes_on() const noexcept { return written == NGTCP2_ERR_WRITE_MORE; }

    Packet &packet;
    const std::size_t room;
    ngtcp2_path_storage path;
    ngtcp2_pkt_info info;
    ngtcp2_tstamp now;
    /// What the library said last: the size of the packet, or a failure.
    ngtcp2_ssize written = NGTCP2_ERR_WRITE_MORE;
};

namespace detail {

inline void read_address(const ngtcp2_addr &from, asio::ip::udp::endpoint &to) noexcept {
    if (from.addrlen == 0 || from.addrlen > to.capacity()) return;
    std::memcpy(to.data(), from.addr, from.addrlen);
    to.resize(from.addrlen);
}

}  // namespace detail

COMOQ_DECL bool Connection::output(Packet &packet) {
    const Time now = clock_();
    packet.size = 0;
    Aftermath after;
    Lock lock(mutex());
    has_new_deadline_ = false;
    if (is_leaving()) look_for_leave(now, after);
    if (stage_ == Stage::Closing) return fill_last_words(packet, now, after);
    if (stage_ != Stage::Open || !is_dirty_) return false;
    look_for_black_hole(now);
    bool has_packet = false;
    try {
        const ConnectionEvents::Calling calling(*this, after);
        has_packet = fill(packet, now, after);
    } catch (...) {
        // The packet is lost, and what it had: the library believes that it was sent, and the caller does not get it.
        fall_silent(make_error_code(Error::Transport), after);
        throw;
    }
    if (has_packet) {
        sent_bytes_ += packet.size;
        ++sent_packets_;
        burst_ += packet.size;
        // A larger one is a try.
        if (wire_ != nullptr && packet.size <= ngtcp2_conn_get_path_max_tx_udp_payload_size(wire_.get())) path_size_.sent(packet.size, now);
    }
    if (stage_ == Stage::Silent) return has_packet;
    if (stage_ != Stage::Open) return has_packet || fill_last_words(packet, now, after);
    if (!has_packet || burst_ >= ngtcp2_conn_get_send_quantum(wire_.get())) {
        // The library now knows how much went at once, and its deadline is when more may go.
        ngtcp2_conn_update_pkt_tx_time(wire_.get(), detail::stamp_of(now));
        burst_ = 0;
        is_dirty_ = false;
        learn_path_size();
    }
    return has_packet;
}

COMOQ_DECL void Connection::look_for_black_hole(Time now) noexcept {
    if (!is_ready_) return;
    const std::chrono::nanoseconds wait(static_cast<std::int64_t>(ngtcp2_conn_get_pto(wire_.get())));
    // Datagrams of the old size would never fit.
    if (path_size_.turns_black(now, wait)) learn_path_size();
}

COMOQ_DECL bool Connection::fill(Packet &packet, Time now, Aftermath &after) {
    Writing writing{packet, path_size_.limit(packet.buffer.size(), now), {}, {}, detail::stamp_of(now)};
    ngtcp2_path_storage_zero(&writing.path);
    const auto complete = [&] {
        if (!writing.goes_on()) return;
        writing.written = ngtcp2_conn_writev_stream(wire_.get(), &writing.path.path, &writing.info, writing.to(), writing.room,
                                                    nullptr, NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0, writing.now);
    };
    try {
        if (is_ready_) {
            const bool goes_on = write_datagrams(writing, after) && write_ends(writing, after) && write_data(writing, after);
            static_cast<void>(goes_on);
        }
    } catch (...) {
        // The library never gives back the memory of a packet that is not complete.
        complete();
        throw;
    }
    complete();
    if (writing.written < 0) {
        fail(static_cast<int>(writing.written), after);
        return false;
    }
    if (writing.written == 0) return false;
    packet.size = static_cast<std::size_t>(writing.written);
    packet.ecn = static_cast<unsigned>(writing.info.ecn);
    detail::read_address(writing.path.path.local, packet.path.local);
    detail::read_address(writing.path.path.remote, packet.path.remote);
    return true;
}

COMOQ_DECL bool Connection::write_datagrams(Writing &writing, Aftermath &after) {
    while (!datagrams_out_.empty()) {
        const auto payload = datagrams_out_.front().span();
        // The path may have become smaller.
        if (payload.size() > max_datagram_) {
            after.drop(datagrams_out_.take());
            continue;
        }
        // The library takes no empty part.
        std::array<ngtcp2_vec, 2> parts;
        std::size_t count = 0;
        for (const auto part : {http3_ != nullptr ? http3_->before_datagram.span() : std::span<const std::byte>(), payload})
            if (!part.empty()) parts[count++] = {const_cast<std::uint8_t *>(detail::octets_of(part)), part.size()};
        int is_accepted = 0;
        writing.written = ngtcp2_conn_writev_datagram(wire_.get(), &writing.path.path, &writing.info, writing.to(), writing.room,
                                                      &is_accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, payload.size(), parts.data(), count,
                                                      writing.now);
        if (is_accepted != 0) after.drop(datagrams_out_.take());
        if (!writing.goes_on()) return false;
    }
    return true;
}

COMOQ_DECL bool Connection::write_ends(Writing &writing, Aftermath &after) {
    while (SendSide *side = sender_.next_end())
        if (!write_stream(writing, *side, 0, after)) return false;
    return true;
}

COMOQ_DECL bool Connection::write_data(Writing &writing, Aftermath &after) {
    // A short header with ids and what the cipher adds; and the head of a frame. What the library repeats is not known.
    constexpr std::size_t around_packet = 48, around_frame = 12;
    for (std::size_t used = around_packet;;) {
        // The library takes no more than it may send now: what is prepared in vain would not be urgent any more later.
        const std::uint64_t credit = ngtcp2_conn_get_max_data_left(wire_.get());
        SendSide *side = ngtcp2_conn_get_cwnd_left(wire_.get()) != 0 ? sender_.next_data(credit) : nullptr;
        if (side == nullptr) return true;
        auto share = std::min<std::uint64_t>(sender_.share_of(*side, credit), Packet::most);
        if (side->is_limited) share = std::min(share, side->free_bytes + http3_->data_left);
        if (share == 0) {
            side->waits_for_session = true;
            sender_.set_blocked(*side, true);
            continue;
        }
        // What fits into a packet of its own is not cut in two: its rest would wait behind what is more urgent meanwhile, and
        // perhaps until it is given up, and the beginning would have been sent in vain.
        const std::size_t before = side->to_send(), size = before + around_frame;
        const bool is_cut = used != around_packet && used + size > writing.room && around_packet + size <= writing.room;
        if (is_cut && side->retained.size() == side->retained.unsent()) return true;
        if (!write_stream(writing, *side, static_cast<std::size_t>(share), after)) return false;
        used += around_frame + before - std::min(before, side->to_send());
    }
}

COMOQ_DECL bool Connection::write_stream(Writing &writing, SendSide &side, std::size_t most, Aftermath &after) {
    detail::Sender::prepare(side, most, after);
    constexpr std::size_t most_parts = 16;
    std::array<ngtcp2_vec, most_parts> parts;
    std::size_t count = 0, size = 0;
    side.retained.look(most_parts, [&](std::span<const std::byte> part) {
        part = part.first(std::min(part.size(), most - size));
        if (part.empty()) return;
        parts[count++] = ngtcp2_vec{const_cast<std::uint8_t *>(detail::octets_of(part)), part.size()};
        size += part.size();
    });
    const bool is_end = side.finished() && size == side.to_send();
    const std::uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE | (is_end ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0);
    ngtcp2_ssize taken = -1;
    writing.written = ngtcp2_conn_writev_stream(wire_.get(), &writing.path.path, &writing.info, writing.to(), writing.room, &taken,
                                                flags, side.id, parts.data(), count, writing.now);
    if (most != 0) sender_.end_turn(side);
    if (taken >= 0) {
        const auto bytes = static_cast<std::size_t>(taken);
        side.retained.sent(bytes);
        side.sent_at = writing.now;
        if (side.is_limited) {
            const auto free = static_cast<std::uint8_t>(std::min<std::size_t>(side.free_bytes, bytes));
            side.free_bytes = static_cast<std::uint8_t>(side.free_bytes - free);
            http3_->data_left -= bytes - free;
        }
        if (is_end && bytes == size) side.end_sent = true;
        sender_.changed(side);
        return writing.goes_on();
    }
    switch (writing.written) {
    case NGTCP2_ERR_STREAM_DATA_BLOCKED:
        sender_.set_blocked(side, true);
        break;
    case NGTCP2_ERR_STREAM_SHUT_WR:
    case NGTCP2_ERR_STREAM_NOT_FOUND:
        // The peer has stopped it, and its number comes when the stream is over.
        sender_.forget(side);
        break;
    default:
        return false;
    }
    writing.written = NGTCP2_ERR_WRITE_MORE;
    return true;
}

COMOQ_DECL bool Connection::fill_last_words(Packet &packet, Time now, Aftermath &after) {
    if (!is_dirty_) return false;
    is_dirty_ = false;
    if (farewell_ == nullptr) {
        ngtcp2_path_storage path;
        ngtcp2_path_storage_zero(&path);
        ngtcp2_pkt_info info{};
        auto *to = reinterpret_cast<std::uint8_t *>(packet.buffer.data());
        const auto written = ngtcp2_conn_write_connection_close(wire_.get(), &path.path, &info, to, packet.buffer.size(), &last_words_,
                                                                detail::stamp_of(now));
        if (written <= 0) {
            // Before a first packet there is nobody to tell.
            fall_silent(make_error_code(Error::Transport), after);
            return false;
        }
        packet.size = static_cast<std::size_t>(written);
        packet.ecn = 0;
        detail::read_address(path.path.local, packet.path.local);
        detail::read_address(path.path.remote, packet.path.remote);
        silent_at_ = now + 3 * std::chrono::nanoseconds(ngtcp2_conn_get_pto(wire_.get()));
        farewell_ = std::make_unique<Packet>(packet);
    } else {
        packet = *farewell_;
    }
    sent_bytes_ += packet.size;
    ++sent_packets_;
    return true;
}

}  // namespace comoq::quic
