// SPDX-License-Identifier: MIT
#pragma once
#include "arrival_log.hpp"
#include "group_state.hpp"
#include "../containers/intrusive_list.hpp"
#include "lane_groups.hpp"
#include "live_groups.hpp"
#include "media_change.hpp"
#include "track_counts.hpp"
#include "track_shared.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The groups that a track holds: written ones, and fetched ones. Guarded by the track's lock.
///
/// A group goes when it has not been used for the track's max_latency, or for the origin's pool, but never the newest
/// one of a live track: the next subscriber begins there. Where that is too much to keep, the pool may have it
/// (`let_newest_go`).
///
/// Its tables take 360 bytes, and are made for the first group.
class GroupCache final : public GroupHolder {
public:
    explicit GroupCache(TrackShared &shared) noexcept : shared_(shared) { shared_.holder = this; }
    GroupCache(const GroupCache &) = delete;
    GroupCache &operator=(const GroupCache &) = delete;
    ~GroupCache() {
        // From now on the readers of a group have it without its track.
        Lock lock(shared_.mutex);
        shared_.holder = nullptr;
        while (GroupState *group = ages_.front()) leave(*group);
    }

    /// The groups that subscribers see.
    const LiveGroups &live() const noexcept { return tables().live; }
    /// The lanes of groups that subscribers see, except for lane 0.
    const LaneGroups &lanes() const noexcept { return tables().lanes; }
    const ArrivalLog &arrivals() const noexcept { return tables().arrivals; }

    /// The best group with that number: a whole one, else one that has its frames, else one that tells why it went; of two
    /// alike, the written one.
    std::shared_ptr<GroupState> find(std::uint64_t sequence) const noexcept {
        if (tables_ == nullptr) return nullptr;
        GroupState *best = tables_->live.find(sequence);
        const auto found = tables_->fetched.find(sequence);
        if (found != tables_->fetched.end() && (best == nullptr || worth(*best) < worth(*found->second))) best = found->second.get();
        return best != nullptr ? best->shared_from_this() : nullptr;
    }

    /// True if nothing is better than it.
    static bool is_whole(const GroupState &group) noexcept { return !group.failure() && !group.is_partial(); }

    /// The largest place of a frame, or of what the source has said.
    std::optional<Location> largest() const noexcept {
        auto largest = shared_.past_largest;
        if (const GroupState *last = live().last_with_frames()) largest = std::max(largest, last->largest());
        return std::max(largest, lanes().largest());
    }

    /// Calls `visit(lane)` for each lane of the group that `find` gives, that one first.
    template <class Visit> void each_lane(std::uint64_t sequence, Visit visit) const {
        const auto found = find(sequence);
        if (found != nullptr) visit(found);
        const bool is_live = found != nullptr ? found->live() : lanes().has(sequence);
        (is_live ? lanes() : tables().fetched_lanes).any_from(sequence, [&](const std::shared_ptr<GroupState> &lane) {
            if (lane->sequence() != sequence) return true;
            visit(lane);
            return false;
        });
    }

    /// The group with the highest number of those that subscribers see and that went to make room or for their age, and
    /// the reason.
    struct Lost {
        std::uint64_t sequence;
        std::error_code code;
    };
    const std::optional<Lost> &lost() const noexcept { return tables().lost; }

    void count(TrackCounts &counts) const noexcept {
        for (GroupState *group = ages_.front(); group != nullptr; group = ages_.after(*group)) {
            counts.groups += group->released() ? 0 : 1;
            counts.lanes += group->released() || group->subgroup() == 0 ? 0 : 1;
            counts.bytes += group->bytes();
            counts.cost += group->cost();
        }
    }

    /// Adds a group. It must be new: for a live group, no live one has its number; for a fetched one, every other with
    /// its number has failed, or begins in the middle.
    void add(const std::shared_ptr<GroupState> &group, MediaChange &change) {
        if (tables_ == nullptr) tables_ = std::make_unique<Tables>();
        if (group->live()) {
            tables_->arrivals.add(group);
            try {
                if (group->subgroup() == 0)
                    tables_->live.add(group);
                else
                    tables_->lanes.add(group);
            } catch (...) {
                tables_->arrivals.remove(*group);
                throw;
            }
        } else if (group->subgroup() != 0) {
            tables_->fetched_lanes.add(group);
        } else {
            auto &place = tables_->fetched[group->sequence()];
            if (place != nullptr) leave(*place);
            change.replaced = std::exchange(place, group);
            while (GroupState *lane = tables_->fetched_lanes.first(group->sequence()))
                drop(*lane, make_error_code(Error::Evicted), change);
        }
        stamp(*group, change.now);
        ages_.push_back(*group);
        group->set_held(true);
        ++held_;

        std::shared_ptr<GroupState> may_go = group;
        if (group->live() && (newest_ == nullptr || is_newer(*group, *newest_))) may_go = keep_newest(group);
        if (may_go != nullptr) shared_.bounds->pool.add(may_go, may_go->stamp());
        if (ages_.front() == group.get()) note_oldest();
        expire(change);
        while (held_ > MediaBounds::max_track_groups) {
            GroupState *oldest = ages_.front();
            if (oldest == newest_.get()) oldest = ages_.after(*oldest);
            drop(*oldest, make_error_code(Error::Evicted), change);
        }
    }

    std::shared_ptr<GroupState> add_lane(const GroupState &group, const GroupInfo &info, MediaChange &change) override {
        (group.live() ? lanes() : tables().fetched_lanes).throw_unless_new({group.sequence(), info.subgroup});
        auto lane = std::make_shared<GroupState>(group.shared(), group.sequence(), group.timescale(), group.live(), info);
        add(lane, change);
        if (lane->live()) shared_.group_waits.wake_for(lane->sequence(), change.wake);
        return lane;
    }

    /// The group was fetched.
    void use(GroupState &group, MediaChange &change) noexcept {
        const bool was_oldest = ages_.front() == &group;
        if (ages_.back() != &group) {
            ages_.remove(group);
            ages_.push_back(group);
        }
        stamp(group, change.now);
        if (was_oldest) note_oldest();
    }
    void written(GroupState &group, MediaChange &change) noexcept override { use(group, change); }
    void sort(GroupState &group) noexcept override {
        if (group.subgroup() == 0)
            tables_->live.sort(group);
        else
            group.kind = group.kind_now();
    }

    /// Keeps `TrackShared::may_expire` up to date: the oldest group, or the time that it is kept, may have changed.
    void note_oldest() noexcept {
        auto expires = TimePoint::max();
        if (const GroupState *oldest = ages_.front())
            expires = oldest->used_at() + shared_.bounds->keep(shared_.info.max_latency);
        shared_.expires.store(expires.time_since_epoch().count(), std::memory_order_relaxed);
    }

    void expire(MediaChange &change) noexcept override {
        if (!shared_.may_expire(change.now)) return;
        const auto keep = shared_.bounds->keep(shared_.info.max_latency);
        for (GroupState *group = ages_.front(), *next = nullptr; group != nullptr; group = next) {
            if (change.now - group->used_at() <= keep) break;
            next = ages_.after(*group);
            drop(*group, make_error_code(Error::Old), change);
        }
        note_oldest();
    }

    bool let_go(GroupState &group, std::error_code code, WakeList &wake) noexcept override {
        if (&group == newest_.get()) {
            // Only to make room: it has no age.
            if (!newest_may_go_ || code != Error::Evicted) return false;
            newest_ = nullptr;
        }
        // The newest group does not age lane by lane, though the pool may have its other lanes.
        if (code == Error::Old && group.live() && newest_ != nullptr && newest_->sequence() == group.sequence()) return false;
        auto &lost = tables_->lost;
        if (group.live() && group.subgroup() == 0 && (!lost || lost->sequence <= group.sequence()))
            lost = Lost{group.sequence(), group.released() ? group.failure() : code};
        if (group.held()) take_off(group);
        shared_.group_waits.wake_all(wake);
        shared_.first_frame_waits.wake_all(wake);
        shared_.frame_waits.wake_all(wake);
        return true;
    }

    /// From now on the newest group is like any other.
    void track_ended() noexcept {
        if (const auto last = keep_newest(nullptr)) shared_.bounds->pool.add(last, last->stamp());
    }
    /// The bytes of the newest group, if that stays whatever the pool says.
    std::size_t kept_bytes() const noexcept { return newest_ != nullptr && !newest_may_go_ ? newest_->cost() : 0; }
    /// From now on the pool may evict the group that is the newest one now.
    void let_newest_go() noexcept {
        if (newest_ == nullptr) return;
        newest_may_go_ = true;
        shared_.bounds->pool.add(newest_, newest_->stamp());
    }

    void release_all(std::error_code code, Garbage &garbage, WakeList &wake) noexcept {
        newest_ = nullptr;
        while (GroupState *group = ages_.front()) {
            const auto keep = group->shared_from_this();
            take_off(*group);
            group->release(code, garbage, wake);
        }
    }

private:
    struct Tables {
        LiveGroups live;
        std::map<std::uint64_t, std::shared_ptr<GroupState>> fetched;
        LaneGroups lanes, fetched_lanes;
        ArrivalLog arrivals;
        std::optional<Lost> lost;
    };
    /// Never destroyed: a track may outlive what static objects there are.
    union NoTables {
        NoTables() noexcept : tables() {}
        NoTables(const NoTables &) = delete;
        ~NoTables() {}
        const Tables tables;
    };
    const Tables &tables() const noexcept {
        if (tables_ != nullptr) return *tables_;
        static const NoTables none;
        return none.tables;
    }

    /// Whether the newest group is that one. Of its lanes, the lowest that is there.
    static bool is_newer(const GroupState &group, const GroupState &other) noexcept {
        if (group.sequence() != other.sequence()) return group.sequence() > other.sequence();
        return group.subgroup() < other.subgroup();
    }
    static int worth(const GroupState &group) noexcept { return is_whole(group) ? 2 : group.released() ? 0 : 1; }
    /// Returns the group that was the newest one until now.
    std::shared_ptr<GroupState> keep_newest(std::shared_ptr<GroupState> group) noexcept {
        newest_may_go_ = false;
        return std::exchange(newest_, std::move(group));
    }

    void drop(GroupState &group, std::error_code code, MediaChange &change) noexcept {
        const auto keep = group.shared_from_this();
        if (!let_go(group, code, change.wake)) return;
        if (!group.released()) group.count_eviction();
        group.release(code, change.garbage, change.wake);
    }

    void leave(GroupState &group) noexcept {
        ages_.remove(group);
        --held_;
        group.set_held(false);
    }

    void take_off(GroupState &group) noexcept {
        leave(group);
        if (group.live()) {
            tables_->arrivals.remove(group);
            if (group.subgroup() == 0)
                tables_->live.erase(group);
            else
                tables_->lanes.erase(group);
        } else if (group.subgroup() != 0) {
            tables_->fetched_lanes.erase(group);
        } else {
            tables_->fetched.erase(group.sequence());
        }
    }

    void stamp(GroupState &group, TimePoint now) noexcept {
        // Two writers may look at the clock and come here in another order.
        last_use_ = std::max(last_use_, now);
        group.set_used(last_use_, MediaPool::stamp());
    }

    TrackShared &shared_;
    std::unique_ptr<Tables> tables_;      // null until the first group
    IntrusiveList<GroupState> ages_;      // the one that was used longest ago first
    std::shared_ptr<GroupState> newest_;  // of a live track: the one with the highest number
    bool newest_may_go_ = false;          // it is in the pool
    std::size_t held_ = 0;
    TimePoint last_use_ = TimePoint::min();
};

}  // namespace comoq::detail
