// SPDX-License-Identifier: MIT
#pragma once
#include "group_state.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

namespace comoq::detail {

/// The groups of a track that subscribers see, by number, sorted by what a reader of frames finds there: so that it
/// finds the next one in a few steps, however many without a frame are in between. Guarded by the track's lock.
class LiveGroups {
public:
    using Kind = GroupState::Kind;

    bool contains(std::uint64_t sequence) const noexcept { return find(sequence) != nullptr; }
    GroupState *find(std::uint64_t sequence) const noexcept {
        for (const Map &map : maps_) {
            const auto found = lower_bound(map, sequence);
            if (found != map.end() && found->first == sequence) return found->second.get();
        }
        return nullptr;
    }
    /// The one with the highest number.
    GroupState *last() const noexcept {
        GroupState *last = nullptr;
        for (const Map &map : maps_)
            if (!map.empty() && (last == nullptr || last->sequence() < map.rbegin()->first)) last = map.rbegin()->second.get();
        return last;
    }
    /// The one with the highest number that has a frame now.
    GroupState *last_with_frames() const noexcept {
        const Map &map = map_of(Kind::Begun);
        return map.empty() ? nullptr : map.rbegin()->second.get();
    }
    /// The one with the highest number below `sequence`.
    GroupState *before(std::uint64_t sequence) const noexcept {
        GroupState *before = nullptr;
        for (const Map &map : maps_) {
            const auto after = map.lower_bound(sequence);
            if (after == map.begin()) continue;
            GroupState *const found = std::prev(after)->second.get();
            if (before == nullptr || before->sequence() < found->sequence()) before = found;
        }
        return before;
    }
    /// The one with the lowest number from `sequence` on: of all, of one kind, or of those that have a frame or may get
    /// one.
    GroupState *from(std::uint64_t sequence) const noexcept {
        return lower(from_with_frames(sequence), from(Kind::Spent, sequence));
    }
    GroupState *from(Kind kind, std::uint64_t sequence) const noexcept {
        const Map &map = map_of(kind);
        const auto found = lower_bound(map, sequence);
        return found != map.end() ? found->second.get() : nullptr;
    }
    GroupState *from_with_frames(std::uint64_t sequence) const noexcept {
        return lower(from(Kind::Begun, sequence), from(Kind::Empty, sequence));
    }

    void add(const std::shared_ptr<GroupState> &group) {
        group->kind = group->kind_now();
        Map &map = map_of(group->kind);
        map.emplace_hint(map.end(), group->sequence(), group);
    }
    void erase(GroupState &group) noexcept { map_of(group.kind).erase(group.sequence()); }
    /// The kind of one of them may have changed.
    void sort(GroupState &group) noexcept {
        auto place = map_of(group.kind).extract(group.sequence());
        group.kind = group.kind_now();
        Map &map = map_of(group.kind);
        map.insert(map.end(), std::move(place));
    }

private:
    using Map = std::map<std::uint64_t, std::shared_ptr<GroupState>>;

    // Most groups are written, and looked for, in the order of their numbers: at the end of a map nothing is searched.
    static Map::const_iterator lower_bound(const Map &map, std::uint64_t sequence) noexcept {
        if (map.empty()) return map.end();
        const auto last = std::prev(map.end());
        if (last->first <= sequence) return last->first == sequence ? last : map.end();
        return map.lower_bound(sequence);
    }

    Map &map_of(Kind kind) noexcept { return maps_[static_cast<std::size_t>(kind)]; }
    const Map &map_of(Kind kind) const noexcept { return maps_[static_cast<std::size_t>(kind)]; }
    static GroupState *lower(GroupState *one, GroupState *other) noexcept {
        if (one == nullptr || other == nullptr) return one != nullptr ? one : other;
        return one->sequence() < other->sequence() ? one : other;
    }

    Map maps_[3];
};

}  // namespace comoq::detail
