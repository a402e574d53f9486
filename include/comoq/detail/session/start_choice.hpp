// SPDX-License-Identifier: MIT
#pragma once
#include "../media/track_state.hpp"
#include "../wait/sync.hpp"
#include "../../time.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace comoq::detail {

// Where a subscription begins whose subscriber says how old the groups may be that it still wants.

/// A group's number, and the timestamp of its first frame; nothing if it has none yet.
struct GroupTime {
    std::uint64_t sequence;
    std::optional<std::uint64_t> first;
};

/// The group to begin with.
struct StartChoice {
    std::optional<std::uint64_t> first;  // nothing if no group is there yet
    bool is_limited = false;             // an older group is there, and is too old
};

/// Chooses of the groups from `floor` on. `older()` gives the groups from the newest to the oldest, and then nothing.
///
/// A group's content reaches to where its successor begins. So a group still counts if its successor's first timestamp
/// is less than `max_age` behind `edge`, the timestamp of the newest frame, and the newest group always counts. All
/// times are in units of the track's timescale. The walk ends at the first group that is too old: it costs as much as
/// the groups that count.
template <class Older>
StartChoice choose_start(Older older, std::uint64_t floor, std::uint64_t edge, std::uint64_t max_age) {
    StartChoice start;
    std::optional<std::uint64_t> successor;
    while (const std::optional<GroupTime> group = older()) {
        if (group->sequence < floor) break;
        start.is_limited = successor && *successor <= edge && edge - *successor >= max_age;
        if (start.is_limited) break;
        start.first = group->sequence;
        // A group without a frame does not tell where the one before it ends.
        successor = group->first;
    }
    return start;
}

/// A time in units of `scale`, rounded up; times that are too long for it become the longest.
inline std::uint64_t units_of(std::chrono::milliseconds time, Timescale scale) noexcept {
    if (time.count() <= 0) return 0;
    const auto count = static_cast<std::uint64_t>(time.count()), units = scale.units_per_second();
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t seconds = count / 1000, rest = count % 1000;
    // A part of a second is at most `units`, whose product with 1,000 may be too large.
    const std::uint64_t part = units <= most / 1000 - 1 ? (rest * units + 999) / 1000 : (units / 1000 + 1) * rest;
    if (seconds != 0 && units > (most - part) / seconds) return most;
    return seconds * units + part;
}

/// The same for the groups that subscribers of `track` see.
inline StartChoice choose_start(const TrackState &track, std::uint64_t floor, std::chrono::milliseconds max_age) {
    const Lock lock(track.mutex());
    const LiveGroups &groups = track.cache().live();
    const auto first_of = [](const GroupState &group) -> std::optional<std::uint64_t> {
        const FrameLog &frames = group.frames();
        if (frames.first() != frames.end()) return frames.stored(frames.first()).timestamp(frames.scale()).value();
        if (group.open_frame() != nullptr) return group.open_frame()->timestamp().value();
        return std::nullopt;
    };
    const auto last_of = [](const GroupState &group) {
        const FrameLog &frames = group.frames();
        if (group.open_frame() != nullptr) return group.open_frame()->timestamp().value();
        return frames.stored(frames.end() - 1).timestamp(frames.scale()).value();
    };
    // A peer may ask as often as it likes, and another one may have made the groups.
    constexpr std::size_t most_looked_at = 1'024;
    std::uint64_t edge = 0;
    std::size_t left = most_looked_at;
    for (const GroupState *group = groups.last(); group != nullptr && left != 0; group = groups.before(group->sequence()), --left) {
        const auto first = first_of(*group);
        if (!first) continue;
        // Frames do not stand in the order in which they are shown.
        edge = std::max(*first, last_of(*group));
        break;
    }
    const GroupState *next = groups.last();
    left = most_looked_at;
    const auto older = [&]() -> std::optional<GroupTime> {
        // A group that has failed without a frame is none.
        for (; next != nullptr && left != 0 && next->kind == GroupState::Kind::Spent && next->failure(); --left)
            next = groups.before(next->sequence());
        if (next == nullptr || left == 0) return std::nullopt;
        --left;
        const GroupTime group{next->sequence(), first_of(*next)};
        next = groups.before(next->sequence());
        return group;
    };
    auto start = choose_start(older, floor, edge, units_of(max_age, track.info().timescale));
    start.is_limited = start.is_limited || (left == 0 && start.first && next != nullptr);
    return start;
}

/// The lowest group that may still come to a subscription from `floor` on, where `first` has come first. `chosen` is what
/// it was to begin with; `age` is the greatest that a group may have, if the subscriber has limited that.
inline std::uint64_t lowest_to_come(const TrackState &track, std::uint64_t floor, std::optional<std::chrono::milliseconds> age,
                                    const StartChoice &chosen, std::uint64_t first) {
    auto lowest = chosen.first.value_or(first);
    const Lock lock(track.mutex());
    // Groups may have come since the choice, and the newest of them goes first.
    if (const auto *group = chosen.first ? nullptr : track.cache().live().from(floor)) lowest = group->sequence();
    // A peer that gives the track may give the newest groups first, and is asked for older ones if it has not been.
    if (const auto &source = track.numbers().source_start()) {
        const bool is_told = age && source->asked.covers(floor, std::min(*age, track.info().max_latency));
        if (!chosen.is_limited && !is_told) lowest = floor;
        // Groups may have overtaken others that are still to come.
        if (!chosen.is_limited && is_told) {
            const auto begin = std::max(source->first, floor);
            lowest = chosen.first ? std::min(*chosen.first, track.numbers().next_open(begin)) : begin;
        }
    } else if (track.numbers().keeps_order()) {
        // The peer that gives the track has not said yet where it begins, and a group has overtaken that.
        lowest = floor;
    }
    return std::min(first, lowest);
}

}  // namespace comoq::detail
