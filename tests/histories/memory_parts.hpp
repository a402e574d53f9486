// SPDX-License-Identifier: MIT
/// \file What the model of memory knows of tracks, groups and readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>

#include "histories/said.hpp"
#include "support/media.hpp"

namespace comoq::test::memory_history {

using comoq::detail::MediaCost;

// Five groups, and a few frames in them.
inline constexpr std::size_t pool_size = 5 * MediaCost::group + 8 * MediaCost::frame + 60;

struct Held {
    std::size_t track = 0;
    bool live = true;
    bool replaced = false;  // by another fetch of its number, and a reader still has it
    GroupModelPtr group = std::make_shared<GroupModel>();
    std::int64_t used_at = 0;   // in milliseconds
    std::uint64_t used_as = 0;  // the number of uses before it

    /// A whole group, one that failed and has its frames, one that has only its error.
    int worth() const { return !group->failed ? 2 : group->released ? 0 : 1; }
    /// Nothing is left of it, not even a place in its track.
    bool is_gone() const { return group->released && replaced; }
    std::size_t cost() const {
        std::size_t sum = is_gone() ? 0 : MediaCost::group;
        if (!group->released) {
            for (const auto &frame : group->frames) {
                sum += MediaCost::frame + frame.size();
            }
        }
        return sum;
    }
};

struct Writer {
    std::size_t track;
    GroupProducer group;
    GroupModelPtr model;
};
struct Reader {
    GroupConsumer group;
    GroupModelPtr model;
    std::size_t at = 0;
};
struct Track {
    std::optional<TrackProducer> producer;
    TrackConsumer consumer;
    std::optional<TrackDynamic> handler;
    std::int64_t keep = 0;
    std::set<std::uint64_t> used = {};
};

}  // namespace comoq::test::memory_history
