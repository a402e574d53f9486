// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../../error.hpp"
#include "../../subscription.hpp"
#include "../wait/failure.hpp"
#include "../wire/wire_reader.hpp"
#include "../wire/wire_writer.hpp"
#include "version.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace comoq::lite {

// The parts that messages have in common.

/// A part of the groups that are asked for: from a frame of the first group on, and to a frame of the last one, which
/// is included.
struct FrameBounds {
    std::uint64_t first = 0;
    std::optional<std::uint64_t> last;

    friend bool operator==(const FrameBounds &, const FrameBounds &) = default;
    bool is_everything() const noexcept { return first == 0 && !last; }
};

namespace detail {

using comoq::detail::WireReader;
using comoq::detail::WireWriter;

/// Milliseconds, limited to what this side can hold: nobody waits longer than that.
inline std::chrono::milliseconds read_milliseconds(WireReader &from) noexcept {
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(from.varint()));
}
inline void write_milliseconds(WireWriter &to, std::chrono::milliseconds time) {
    const auto count = time.count();
    const auto most = comoq::detail::max_varint;
    to.varint(count < 0 ? 0 : std::min(static_cast<std::uint64_t>(count), most));
}

/// One more than the number; 0 for none.
inline std::optional<std::uint64_t> read_optional(WireReader &from) noexcept {
    const std::uint64_t value = from.varint();
    return value == 0 ? std::nullopt : std::optional(value - 1);
}
inline void write_optional(WireWriter &to, const std::optional<std::uint64_t> &value) {
    to.varint(value ? *value + 1 : 0);
}

inline void write_frames(WireWriter &to, const FrameBounds &frames, const Layout &layout) {
    if (!layout.frame_bounds) {
        if (!frames.is_everything()) comoq::detail::throw_error(make_error_code(Error::Encode));
        return;
    }
    to.varint(frames.first);
    write_optional(to, frames.last);
}
inline FrameBounds read_frames(WireReader &from, const Layout &layout) noexcept {
    FrameBounds frames;
    if (!layout.frame_bounds) return frames;
    frames.first = from.varint();
    frames.last = read_optional(from);
    return frames;
}

inline void write_wishes(WireWriter &to, const Subscription &wishes, const FrameBounds &frames, const Layout &layout) {
    // Each frame is of a group that is named.
    if ((frames.first != 0 && !wishes.start) || (frames.last && !wishes.end))
        comoq::detail::throw_error(make_error_code(Error::Encode));
    to.byte(wishes.priority);
    if (layout.ordered_byte) to.boolean(wishes.ordered);
    write_milliseconds(to, wishes.max_latency);
    if (layout.raw_start)
        to.varint(wishes.start.value_or(0));
    else
        write_optional(to, wishes.start);
    write_optional(to, wishes.end);
    write_frames(to, frames, layout);
}
inline void read_wishes(WireReader &from, Subscription &wishes, FrameBounds &frames, const Layout &layout) noexcept {
    wishes.priority = from.byte();
    if (layout.ordered_byte) wishes.ordered = from.boolean();
    wishes.max_latency = read_milliseconds(from);
    wishes.start = layout.raw_start ? std::optional(from.varint()) : read_optional(from);
    wishes.end = read_optional(from);
    frames = read_frames(from, layout);
    if (frames.last && !wishes.end) from.fail();
    // A plain 0 says nothing, unless it is the group of the first frame.
    if (layout.raw_start && wishes.start == std::uint64_t{0} && frames.first == 0) wishes.start.reset();
}

inline void write_hops(WireWriter &to, const std::vector<std::uint64_t> &hops) {
    to.varint(hops.size());
    for (const std::uint64_t hop : hops) to.varint(hop);
}
inline std::vector<std::uint64_t> read_hops(WireReader &from) {
    std::vector<std::uint64_t> hops;
    const std::uint64_t count = from.varint();
    if (count > BroadcastInfo::max_hops) from.fail();
    for (std::uint64_t left = count; left != 0 && from.ok(); --left) hops.push_back(from.varint());
    return hops;
}
/// The same; an id other than 0 that is in it twice is malformed.
inline std::vector<std::uint64_t> read_distinct_hops(WireReader &from) {
    BroadcastInfo route(read_hops(from));
    if (route.has_loop()) from.fail();
    return std::move(route.hops);
}

inline void write_cost(WireWriter &to, const Cost &cost) {
    to.varint(std::min(cost.warm, comoq::detail::max_varint));
    to.varint(std::min(cost.cold, comoq::detail::max_varint));
}
inline Cost read_cost(WireReader &from) noexcept {
    Cost cost;
    cost.warm = from.varint();
    cost.cold = from.varint();
    return cost;
}

/// For messages that only exist where announcements have numbers.
inline void need_announce_ids(const Layout &layout) {
    if (!layout.announce_ids) comoq::detail::throw_error(make_error_code(Error::Encode));
}

}  // namespace detail

}  // namespace comoq::lite
