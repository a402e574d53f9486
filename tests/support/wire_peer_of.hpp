// SPDX-License-Identifier: MIT
/// \file A session over qmux whose peer consists only of the bytes that it sends: everything else on the heap is held
/// for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/detail/qmux/codec.hpp>
#include <comoq/detail/qmux/connection.hpp>
#include <comoq/lite/session_config.hpp>
#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/heap.hpp"
#include "support/manual_sleep.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace comoq::test {

using Octets = std::vector<std::byte>;

/// `Session` is that of either protocol. A class for one of them adds what its peer says.
template <class Session> struct WirePeerOf {
    /// The limits that the peer sets for the session.
    static qmux::TransportParameters generous() {
        auto parameters = qmux::default_parameters();
        parameters.max_streams_bidi = parameters.max_streams_uni = 1 << 20;
        parameters.max_data = parameters.max_stream_data_bidi_local = 1 << 30;
        parameters.max_stream_data_bidi_remote = parameters.max_stream_data_uni = 1 << 30;
        return parameters;
    }

    explicit WirePeerOf(Origin of) : origin(std::move(of)) {
        config.publish = origin.consumer();
        config.subscribe = origin.producer();
        config.sleep = time;
        record_.reserve(64 * 1024);
    }
    WirePeerOf(const WirePeerOf &) = delete;
    WirePeerOf &operator=(const WirePeerOf &) = delete;
    ~WirePeerOf() {
        session.reset();
        run();
    }

    /// Begins the session; the peer sends its parameters.
    void begin_with(const std::string &protocol, const qmux::TransportParameters &theirs) {
        qmux::ConnectionConfig of_connection;
        of_connection.protocol = protocol;
        of_connection.version = qmux::Version::Draft02;
        connection = std::make_shared<qmux::Connection>(context.get_executor(), false, std::move(of_connection));
        session.emplace(connection, config);
        run();
        auto parameters = theirs;
        parameters.protocols = {protocol};
        record_.clear();
        qmux::encode(parameters, record_);
        deliver();
    }

    /// Runs everything that is due, and takes the session's bytes, unless the peer reads nothing.
    void run() {
        settle_down(context);
        if (deaf || connection == nullptr) return;
        qmux::OutgoingRecord record;
        while (connection->output(record)) {
            if (listens) listen(record);
            settle_down(context);
        }
    }

    void send(const qmux::Frame &frame) {
        record_.clear();
        qmux::encode(frame, record_);
        deliver();
    }
    /// In as many records as they need.
    void write(std::uint64_t id, std::uint64_t offset, std::span<const std::byte> octets, bool fin = false) {
        constexpr std::size_t most = 16'000;
        for (; octets.size() > most; octets = octets.subspan(most), offset += most)
            send(qmux::Stream{id, offset, octets.first(most), false});
        send(qmux::Stream{id, offset, octets, fin});
    }
    std::uint64_t open_bidi(std::span<const std::byte> octets, bool fin = false) {
        const auto id = 4 * bidi_++;
        write(id, 0, octets, fin);
        return id;
    }
    std::uint64_t open_uni(std::span<const std::byte> octets, bool fin = false) {
        const auto id = 4 * uni_++ + 2;
        write(id, 0, octets, fin);
        return id;
    }
    /// True if the session goes on.
    bool open() { return !wait(session->closed()).done(); }

    asio::io_context context;
    Origin origin;
    ManualSleep time;
    lite::SessionConfig config;
    std::shared_ptr<qmux::Connection> connection;
    std::optional<Session> session;
    /// Bytes of frames, without the length of their record: an attacker puts many into one.
    std::size_t sent = 0;
    /// Streams that the session has stopped, while the peer `listens`.
    std::size_t refused = 0;
    bool deaf = false, listens = false;

protected:
    /// What has come on each stream, while the peer listened.
    std::map<std::uint64_t, Octets> heard_;

private:
    void deliver() {
        sent += record_.size();
        connection->input(record_);
        run();
    }
    void listen(const qmux::OutgoingRecord &record) {
        Octets octets;
        for (const auto &buffer : record.buffers()) {
            const auto *begin = static_cast<const std::byte *>(buffer.data());
            octets.insert(octets.end(), begin, begin + buffer.size());
        }
        std::span<const std::byte> rest(octets);
        std::error_code failure;
        while (const auto read = qmux::next_frame(rest, failure)) {
            if (const auto *stream = std::get_if<qmux::Stream>(&read->frame)) {
                auto &heard = heard_[stream->id];
                heard.insert(heard.end(), stream->payload.begin(), stream->payload.end());
            }
            if (std::get_if<qmux::StopSending>(&read->frame) != nullptr) ++refused;
            rest = rest.subspan(read->size);
        }
    }

    Octets record_;
    std::uint64_t bidi_ = 0, uni_ = 0;
};

/// The bytes that a peer sends in `act`, and the memory that is held for it afterwards.
template <class Peer> Taken taken_by(Peer &peer, const std::function<void()> &act) {
    peer.run();
    const auto sent = peer.sent;
    const auto before = heap_in_use();
    act();
    peer.run();
    return {static_cast<double>(peer.sent - sent), static_cast<double>(heap_in_use()) - static_cast<double>(before)};
}

/// For `check_cost`: a new peer each time, prepared by `begin`, sends the first, second and so on by `send`.
template <class Peer, class Begin, class Send> auto each_of(Begin begin, Send send) {
    return [=](std::size_t count) {
        Peer peer;
        begin(peer);
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) send(peer, i);
        });
    };
}

/// Fills a peer up to a bound, and as much again for the reserve of containers. Everything after that must add nothing.
template <class Peer>
void check_bound(std::string_view thing, Peer &peer, std::size_t limit, const std::function<void(std::size_t)> &send) {
    const auto full = taken_by(peer, [&] {
        for (std::size_t i = 0; i < 2 * limit; ++i) send(i);
    });
    const auto more = taken_by(peer, [&] {
        for (std::size_t i = 0; i < 2 * limit; ++i) send(2 * limit + i);
    });
    check_flat(thing, full.held, more.held);
}
/// The same, and the memory at the bound is at most what the table says.
template <class Peer>
void check_row_bound(std::string_view thing, Peer &peer, std::size_t limit, const std::function<void(std::size_t)> &send) {
    const auto before = heap_in_use();
    check_bound(thing, peer, limit, send);
    const auto held = static_cast<double>(heap_in_use()) - static_cast<double>(before);
    CHECK(held <= 1.25 * cost_row(thing).held * static_cast<double>(limit));
}

}  // namespace comoq::test
