// SPDX-License-Identifier: MIT
#pragma once
#include "../../location.hpp"
#include "../wait/failure.hpp"
#include "group_state.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace comoq::detail {

/// A lane in a track.
struct LaneKey {
    std::uint64_t sequence = 0;
    std::uint64_t subgroup = 0;
    static LaneKey of(const GroupState &group) noexcept { return {group.sequence(), group.subgroup()}; }
    friend auto operator<=>(const LaneKey &, const LaneKey &) = default;
};

/// The lanes of a track's groups, except for lane 0, which is the group for every other purpose. Guarded by the track's lock.
class LaneGroups {
public:
    /// Throws Duplicate if that lane is here, LimitReached if its group has as many as it may have.
    void throw_unless_new(const LaneKey &key) const {
        if (lanes_.contains(key)) throw_error(make_error_code(Error::Duplicate));
        const auto begin = lanes_.lower_bound({key.sequence, 0});
        std::size_t count = 0;
        for (auto lane = begin; lane != lanes_.end() && lane->first.sequence == key.sequence; ++lane) ++count;
        if (count >= MediaBounds::max_group_lanes) throw_error(make_error_code(Error::LimitReached));
    }
    void add(const std::shared_ptr<GroupState> &lane) { lanes_.emplace_hint(lanes_.end(), LaneKey::of(*lane), lane); }
    void erase(GroupState &lane) noexcept { lanes_.erase(LaneKey::of(lane)); }

    /// The highest group number that has one.
    std::optional<std::uint64_t> last() const noexcept {
        return lanes_.empty() ? std::nullopt : std::optional(lanes_.rbegin()->first.sequence);
    }
    bool has(std::uint64_t sequence) const noexcept { return first(sequence) != nullptr; }
    /// The lowest lane of that group.
    GroupState *first(std::uint64_t sequence) const noexcept {
        const auto found = lanes_.lower_bound({sequence, 0});
        return found != lanes_.end() && found->first.sequence == sequence ? found->second.get() : nullptr;
    }
    /// Calls `visit(lane)` for each one from that group on, in order, until it returns true. True if it has.
    template <class Visit> bool any_from(std::uint64_t sequence, Visit visit) const {
        return any_between(sequence, std::numeric_limits<std::uint64_t>::max(), visit);
    }

    /// The same for the lanes of the groups from `first` to `last`.
    template <class Visit> bool any_between(std::uint64_t first, std::uint64_t last, Visit visit) const {
        return std::any_of(lanes_.lower_bound({first, 0}), lanes_.upper_bound({last, std::numeric_limits<std::uint64_t>::max()}),
                           [&visit](const auto &lane) { return visit(lane.second); });
    }

    /// The largest place of a frame.
    std::optional<Location> largest() const noexcept {
        std::optional<Location> largest;
        for (auto lane = lanes_.rbegin(); lane != lanes_.rend(); ++lane) {
            if (largest && lane->first.sequence < largest->group) break;
            largest = std::max(largest, lane->second->largest());
        }
        return largest;
    }

private:
    std::map<LaneKey, std::shared_ptr<GroupState>> lanes_;
};

/// The lanes that a subscriber was given. Guarded by the track's lock.
class GivenLanes {
public:
    // As many as a subscriber remembers gaps.
    static constexpr std::size_t most = 1024;

    /// Also true for lanes below those that it remembers.
    bool contains(const LaneKey &key) const noexcept { return (forgotten_ && key <= *forgotten_) || keys_.contains(key); }
    void insert(const LaneKey &key) {
        keys_.insert(key);
        if (keys_.size() <= most) return;
        forgotten_ = *keys_.begin();
        keys_.erase(keys_.begin());
    }

private:
    std::set<LaneKey> keys_;
    std::optional<LaneKey> forgotten_;
};

}  // namespace comoq::detail
