// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/broadcast.h"
#include "../../c/session.h"
#include "../../c/track.h"
#include "../../error.hpp"
#include "../../origin.hpp"
#include "../../session_stats.hpp"
#include "code.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <system_error>
#include <vector>

/// \file
/// Structures of C: they begin with their size, which tells how much of them the caller knows.

namespace comoq::detail::c {

/// What the caller's library knows of a structure, zeros for the rest, and for null. Throws BadArgument.
template <class T> T read_prefix(const T *from) {
    T structure{};
    if (from == nullptr) return structure;
    if (from->struct_size < sizeof(std::uint32_t)) throw BadArgument();
    std::memcpy(&structure, from, from->struct_size < sizeof(T) ? from->struct_size : sizeof(T));
    return structure;
}

/// Fills as much as the caller knows. False if that is nothing.
template <class T> bool write_prefix(T *to, T structure) noexcept {
    if (to == nullptr || to->struct_size < sizeof(std::uint32_t)) return false;
    structure.struct_size = to->struct_size;
    std::memcpy(to, &structure, to->struct_size < sizeof(T) ? to->struct_size : sizeof(T));
    return true;
}

inline std::chrono::milliseconds milliseconds_of(std::uint64_t count) noexcept {
    // A hundred years. Clocks count nanoseconds, and add them to the present time.
    constexpr std::uint64_t most = std::uint64_t{100} * 365 * 24 * 60 * 60 * 1000;
    return std::chrono::milliseconds(static_cast<std::int64_t>(count < most ? count : most));
}

inline OriginConfig origin_config_of(const comoq_origin_config *from) {
    const auto given = read_prefix(from);
    OriginConfig config;
    config.id = given.id;
    if (given.max_pending_requests != 0) config.max_pending_requests = given.max_pending_requests;
    if (given.max_cached_bytes != 0) config.max_cached_bytes = given.max_cached_bytes;
    if (given.max_frame_size != 0) config.max_frame_size = given.max_frame_size;
    if (given.max_latency_ms != 0) config.max_latency = milliseconds_of(given.max_latency_ms);
    return config;
}

inline BroadcastInfo broadcast_info_of(const comoq_broadcast_info *from) {
    const auto given = read_prefix(from);
    if (given.hop_count > BroadcastInfo::max_hops) throw std::system_error(make_error_code(Error::BoundsExceeded));
    if (given.hops == nullptr && given.hop_count != 0) throw BadArgument();
    BroadcastInfo info;
    if (given.hops != nullptr) info.hops.assign(given.hops, given.hops + given.hop_count);
    info.cost = Cost{given.warm_cost, given.cold_cost};
    return info;
}

inline TrackInfo track_info_of(const comoq_track_info *from) {
    const auto given = read_prefix(from);
    TrackInfo info;
    info.priority = given.priority;
    info.ordered = given.ordered != 0;
    if (given.max_latency_ms != 0) info.max_latency = milliseconds_of(given.max_latency_ms);
    if (given.timescale != 0) info.timescale = Timescale(given.timescale);
    return info;
}

inline comoq_track_info track_info_for(const TrackInfo &info) noexcept {
    comoq_track_info given{};
    given.priority = info.priority;
    given.ordered = info.ordered ? 1 : 0;
    given.max_latency_ms = static_cast<std::uint64_t>(info.max_latency.count());
    given.timescale = info.timescale.units_per_second();
    return given;
}

inline Subscription subscription_of(const comoq_subscription *from) {
    const auto given = read_prefix(from);
    Subscription wishes;
    wishes.priority = given.priority;
    wishes.ordered = given.ordered != 0;
    wishes.max_latency = milliseconds_of(given.max_latency_ms);
    if ((given.flags & COMOQ_HAS_START) != 0) wishes.start = given.start;
    if ((given.flags & COMOQ_HAS_END) != 0) wishes.end = given.end;
    return wishes;
}

inline comoq_subscription subscription_for(const Subscription &wishes) noexcept {
    comoq_subscription given{};
    given.priority = wishes.priority;
    given.ordered = wishes.ordered ? 1 : 0;
    given.max_latency_ms = static_cast<std::uint64_t>(wishes.max_latency.count());
    given.flags = static_cast<std::uint16_t>((wishes.start ? COMOQ_HAS_START : 0u) | (wishes.end ? COMOQ_HAS_END : 0u));
    given.start = wishes.start.value_or(0);
    given.end = wishes.end.value_or(0);
    return given;
}

inline comoq_origin_stats origin_stats_for(const OriginStats &stats) noexcept {
    return {0, 0, stats.announced, stats.nodes, stats.watchers, stats.handlers, stats.pending, stats.served,
            stats.cached_bytes, stats.cached_groups, stats.unsent_bytes, stats.evicted_groups, stats.lagged_readers};
}

inline comoq_session_stats session_stats_for(const SessionStats &stats) noexcept {
    const auto known = [](const std::optional<std::uint64_t> &value) { return value.value_or(COMOQ_UNKNOWN); };
    std::optional<std::uint64_t> round_trip;
    if (stats.round_trip) round_trip = static_cast<std::uint64_t>(stats.round_trip->count());
    return {0, 0, stats.streams, stats.subscriptions, stats.tracks, stats.announced, stats.announcements_left_out,
            stats.announcements_not_told, stats.announcements_told, stats.groups_in_flight, stats.groups_sent, stats.groups_given_up,
            stats.media_bytes, stats.unsent_bytes, known(round_trip), known(stats.bandwidth), known(stats.received_bytes),
            known(stats.sent_bytes), known(stats.received_packets), known(stats.sent_packets)};
}

inline comoq_broadcast_stats broadcast_stats_for(const BroadcastStats &stats) noexcept {
    return {0, 0, stats.tracks, stats.handlers, stats.pending, stats.cached_groups, stats.cached_bytes, stats.evicted_groups,
            stats.lagged_readers};
}

inline comoq_track_stats track_stats_for(const TrackStats &stats) noexcept {
    return {0, 0, stats.groups, stats.bytes, stats.datagrams, stats.cached_bytes, stats.subscribers, stats.handlers, stats.pending,
            stats.evicted_groups, stats.lagged_readers};
}

inline comoq_subscriber_stats subscriber_stats_for(const SubscriberStats &stats) noexcept {
    return {0, 0, stats.groups, stats.frames, stats.datagrams, stats.bytes, stats.skipped_groups, stats.missing_groups,
            stats.skipped_datagrams, stats.gaps_given_up};
}

}  // namespace comoq::detail::c
