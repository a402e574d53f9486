// SPDX-License-Identifier: MIT
/// \file
/// The counters of a session.
#pragma once
#include "config.hpp"
#include "detail/text/printed.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace comoq {

/// What a session has at the moment, and what it has done since it began. The numbers are read one after the other while the
/// session goes on, so that two of them may differ by what happened between. Those of the moment are 0 again once all coroutines
/// of the session are over (`done()`); the others stay.
struct SessionStats {
    /// The peer's streams that are being served or read, requests and groups alike.
    std::uint64_t streams = 0;
    /// The peer's subscriptions to tracks of this side that are served. Those that wait for an answer do not count.
    std::uint64_t subscriptions = 0;
    /// Tracks of the peer's that are requested or live here.
    std::uint64_t tracks = 0;
    /// Broadcasts that the peer has announced, and that are announced here.
    std::uint64_t announced = 0;
    /// See `Session::announcements_left_out`.
    std::uint64_t announcements_left_out = 0;
    /// See `Session::announcements_not_told`.
    std::uint64_t announcements_not_told = 0;
    /// Messages that told the peer of a broadcast since the beginning: that it is there, that it has changed, or that it has ended.
    std::uint64_t announcements_told = 0;
    /// Groups that are being sent to the peer's subscriptions, or wait for their turn. Here and below each lane of a group counts
    /// in MoQ Transport, and groups that the peer has fetched do not count.
    std::uint64_t groups_in_flight = 0;
    /// Groups that the peer got since the beginning, as far as it wanted them.
    std::uint64_t groups_sent = 0;
    /// Groups that were given up on their way since the beginning: they were late, failed, or the peer stopped them. What was under
    /// way when its subscription ended does not count.
    std::uint64_t groups_given_up = 0;
    /// Bytes of frames that were taken to be sent to the peer since the beginning, fetched ones included, datagrams not.
    std::uint64_t media_bytes = 0;
    /// Those of them that have not been sent yet, as in `OriginStats::unsent_bytes`.
    std::uint64_t unsent_bytes = 0;
    /// As in `TransportStats`, from here on: nothing if the transport does not know.
    std::optional<std::chrono::microseconds> round_trip = std::nullopt;
    /// In bits per second.
    std::optional<std::uint64_t> bandwidth = std::nullopt;
    /// All bytes of the connection, not only those of media.
    std::optional<std::uint64_t> received_bytes = std::nullopt, sent_bytes = std::nullopt;
    /// The packets of a transport that makes them itself.
    std::optional<std::uint64_t> received_packets = std::nullopt, sent_packets = std::nullopt;
};

/// The counters as a JSON object in one line, by the names that they have here, null for what is not known; the round trip is
/// `round_trip_us`, in microseconds. It is what fmt and streams print.
std::string to_json(const SessionStats &stats);
/// The same as `to_json`.
inline std::string to_string(const SessionStats &stats) { return to_json(stats); }

}  // namespace comoq

COMOQ_PRINTED(comoq::SessionStats);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/session_stats.ipp"
#endif
