#pragma once
#include "arrival_log.hpp"
#include "group_state.hpp"
#include "intrusive_list.hpp"
#include "media_change.hpp"
#include "track_counts.hpp"
#include "track_shared.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The groups that a track holds: those that were written to it, and those that were fetched. Guarded by the track's lock.
///
/// A group goes when it has not been used for the track's max_latency, or to the origin's pool, but never the newest one
/// of a live track: that is where the next subscriber begins.
class GroupCache final : public GroupHolder {
public:
    using Groups = std::map<std::uint64_t, std::shared_ptr<GroupState>>;

    explicit GroupCache(TrackShared &shared) noexcept : shared_(shared) { shared_.holder = this; }
    GroupCache(const GroupCache &) = delete;
    GroupCache &operator=(const GroupCache &) = delete;
    ~GroupCache() {
        // Who still reads a group knows it without its track from now on.
        Lock lock(shared_.mutex);
        shared_.holder = nullptr;
        while (GroupState *group = ages_.front()) leave(*group);
    }

    /// What subscribers see.
    const Groups &live() const noexcept { return live_; }
    const ArrivalLog &arrivals() const noexcept { return arrivals_; }

    /// The group with that number: the one that was written, unless that failed and it was fetched since.
    std::shared_ptr<GroupState> find(std::uint64_t sequence) const noexcept {
        const auto written = live_.find(sequence);
        if (written != live_.end() && !written->second->failure()) return written->second;
        if (const auto found = fetched_.find(sequence); found != fetched_.end()) return found->second;
        return written != live_.end() ? written->second : nullptr;
    }

    void count(TrackCounts &counts) const noexcept {
        for (GroupState *group = ages_.front(); group != nullptr; group = ages_.after(*group)) {
            counts.groups += group->released() ? 0 : 1;
            counts.bytes += group->bytes();
        }
    }

    /// Adds a group. It must be new: no live one of that number if it is live, else none that has not failed.
    void add(const std::shared_ptr<GroupState> &group, MediaChange &change) {
        if (group->live()) {
            arrivals_.add(group);
            try {
                live_.emplace(group->sequence(), group);
            } catch (...) {
                arrivals_.remove(*group);
                throw;
            }
        } else {
            auto &place = fetched_[group->sequence()];
            if (place != nullptr) leave(*place);
            change.replaced = std::exchange(place, group);
        }
        stamp(*group, change.now);
        ages_.push_back(*group);
        group->held = true;

        std::shared_ptr<GroupState> may_go = group;
        if (group->live() && (newest_ == nullptr || newest_->sequence() < group->sequence()))
            may_go = std::exchange(newest_, group);
        if (may_go != nullptr) shared_.bounds->pool.add(may_go, may_go->stamp());
        expire(change);
    }

    /// The group was fetched.
    void use(GroupState &group, MediaChange &change) noexcept {
        ages_.remove(group);
        stamp(group, change.now);
        ages_.push_back(group);
    }
    void written(GroupState &group, MediaChange &change) noexcept override {
        if (group.held) use(group, change);
    }

    void expire(MediaChange &change) noexcept override {
        // A century is for ever, and can be counted in nanoseconds.
        constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365 * 100);
        const auto keep = std::min(shared_.info.max_latency, longest);
        for (GroupState *group = ages_.front(), *next = nullptr; group != nullptr; group = next) {
            if (change.now - group->used_at() <= keep) return;
            next = ages_.after(*group);
            drop(*group, change);
        }
    }

    bool let_go(GroupState &group, WakeList &wake) noexcept override {
        if (&group == newest_.get()) return false;
        if (group.held) take_off(group);
        wake.take(shared_.group_waits);
        return true;
    }

    /// The newest group is like any other from now on.
    void track_ended() noexcept {
        if (const auto last = std::exchange(newest_, nullptr)) shared_.bounds->pool.add(last, last->stamp());
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
    void drop(GroupState &group, MediaChange &change) noexcept {
        const auto keep = group.shared_from_this();
        if (!let_go(group, change.wake)) return;
        if (!group.released()) group.count_eviction();
        group.release(make_error_code(Error::Old), change.garbage, change.wake);
    }

    void leave(GroupState &group) noexcept {
        ages_.remove(group);
        group.held = false;
    }

    void take_off(GroupState &group) noexcept {
        leave(group);
        if (group.live()) {
            arrivals_.remove(group);
            live_.erase(group.sequence());
        } else {
            fetched_.erase(group.sequence());
        }
    }

    void stamp(GroupState &group, TimePoint now) noexcept {
        // Two writers may look at the clock and come here in another order.
        last_use_ = std::max(last_use_, now);
        group.set_used(last_use_, shared_.bounds->pool.stamp());
    }

    TrackShared &shared_;
    Groups live_;
    Groups fetched_;
    ArrivalLog arrivals_;
    IntrusiveList<GroupState> ages_;      // used longest ago first
    std::shared_ptr<GroupState> newest_;  // of a live track: the one with the highest number
    TimePoint last_use_ = TimePoint::min();
};

}  // namespace comoq::detail
