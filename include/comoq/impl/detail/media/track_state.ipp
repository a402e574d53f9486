// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/media/track_state.hpp"

namespace comoq::detail {

COMOQ_DECL void TrackState::move_to(const std::shared_ptr<TrackState> &to, WakeList &wake) noexcept {
    // The only place with the locks of two tracks. Only the request has a track that is not live, so no other path can
    // take the locks the other way round.
    Lock lock(mutex());
    while (SubscriberPlace *place = subscribers_.front()) {
        subscribers_.remove(*place);
        place->moved_to = to;
        to->subscribe(*place, wake);
    }
    moved_to_ = to;
    wake.take(info_waits_);
    requests_.wake_all(wake);
}

COMOQ_DECL std::uint64_t TrackState::add_datagram(bool wanted, DatagramSlot &&slot) {
    std::vector<DatagramSlot> gone;
    MediaChange change(bounds());
    Lock lock(mutex());
    cache_.expire(change);
    slot.sequence = open_number(wanted ? std::optional(slot.sequence) : std::nullopt);
    slot.came_at = change.now;
    const Location place{slot.sequence, slot.object};
    // Whatever comes first: a group that begins with another object can have it.
    const GroupState *const group = place.object == 0 ? cache_.live().find(place.group) : nullptr;
    const bool is_there = group != nullptr && group->info().first_object == 0;
    if (is_there || had_datagram(place)) throw_error(make_error_code(Error::Duplicate));
    // Its readers have been told so.
    if (place.object != 0 && datagrams_over()) throw_error(end_code());
    const bool exists = slot.extras.parts().status == ObjectStatus::Normal;
    numbers_.reserve();
    if (datagrams_ == nullptr) datagrams_ = std::make_shared<TrackDatagrams>(shared_);
    datagrams_->reserve(place);
    const bool is_kept = subscribers_.size() != 0;
    if (is_kept) datagrams_->add(std::move(slot), gone);
    if (is_kept || place.object == 0) datagrams_->use(place);
    if (place.object != 0) has_many_datagrams_ = true;
    if (exists) shared_->note_largest(place);
    use_number(place.group, change.wake);
    change.wake.take(datagram_waits_);
    return place.group;
}

COMOQ_DECL TrackCounts TrackState::counts() const noexcept {
    TrackCounts counts;
    Lock lock(mutex());
    cache_.count(counts);
    counts.cost += shared_->properties_cost();
    if (const DatagramQueue *const kept = datagrams()) {
        counts.datagrams = kept->size();
        counts.cost += kept->cost();
    }
    counts.subscribers = subscribers_.size();
    counts.pending = requests_.size();
    counts.evicted_groups = shared_->evicted_groups;
    counts.lagged_readers = shared_->lagged_readers;
    return counts;
}

COMOQ_DECL void TrackState::unsubscribe(SubscriberPlace &place) noexcept {
    std::vector<DatagramSlot> unread;
    WakeList wake;
    Lock lock(mutex());
    if (const auto elsewhere = place.moved_to; elsewhere != nullptr && elsewhere.get() != this) {
        lock.unlock();
        elsewhere->unsubscribe(place);
        return;
    }
    subscribers_.remove(place);
    if (subscribers_.size() == 0) unread = release_datagrams();
    wake.take(usage_waits_);
}

COMOQ_DECL std::uint64_t TrackState::write_group(FrameSlot &&slot) {
    std::shared_ptr<GroupState> group;
    MediaChange change(bounds());
    Lock lock(mutex());
    group = make_group(std::nullopt);
    group->fill(std::move(slot));
    insert(group, change);
    shared_->first_frame_waits.wake_for(group->sequence(), change.wake);
    return group->sequence();
}

COMOQ_DECL std::shared_ptr<GroupState> TrackState::accept(Requests::Entry &entry, const TrackInfo &info,
                                                             const GroupInfo &of_group) {
    GroupInfo lane = of_group;
    lane.subgroup = 0;
    MediaChange change(bounds());
    Lock lock(mutex());
    if (entry.settled()) throw_error(entry.outcome().ec ? entry.outcome().ec : make_error_code(Error::Duplicate));
    const auto timescale = info_fixed_ ? shared_->info.timescale : info.timescale;
    auto group = std::make_shared<GroupState>(shared_, entry.key(), timescale, false, lane);
    cache_.add(group, change);
    fix_info(info, change.wake);
    requests_.settle(entry, Outcome<std::shared_ptr<GroupState>>(std::in_place, group), change.wake);
    return group;
}

COMOQ_DECL void TrackState::refuse(std::error_code code, WakeList &wake) noexcept {
    Lock lock(mutex());
    if (live_ || ended_) return;
    ended_ = true;
    cause_ = code;
    requests_.settle_queued(code, wake);
    wake.take(info_waits_);
    wake.take(requests_.handler_waits());
}

COMOQ_DECL std::vector<std::shared_ptr<GroupState>> TrackState::lanes_of(std::uint64_t sequence) {
    // Declared first: what it has when memory runs out is freed after unlocking.
    std::vector<std::shared_ptr<GroupState>> lanes;
    MediaChange change(bounds());
    Lock lock(mutex());
    cache_.expire(change);
    cache_.each_lane(sequence, [&lanes](const std::shared_ptr<GroupState> &lane) { lanes.push_back(lane); });
    return lanes;
}

COMOQ_DECL auto TrackState::fetch(std::uint64_t sequence, const FetchWish &wish) -> Fetched {
    MediaChange change(bounds());
    Lock lock(mutex());
    if (const auto to = moved_to_) {
        lock.unlock();
        return to->fetch(sequence, wish);
    }
    cache_.expire(change);
    auto group = cache_.find(sequence);
    if (group != nullptr && GroupCache::is_whole(*group)) {
        cache_.use(*group, change);
        return {{}, std::move(group), {}};
    }
    if (auto pending = requests_.join(sequence, wish, change.wake))
        return {{}, nullptr, GroupRequester(shared_from_this(), std::move(pending), wish)};
    if (const auto refusal = no_fetch(sequence)) {
        // The rest of a group that failed, or that begins in the middle, is better than nothing.
        if (group != nullptr && !group->released()) return {{}, std::move(group), {}};
        return {refusal, nullptr, {}};
    }
    return {{}, nullptr, GroupRequester(shared_from_this(), requests_.open(sequence, wish, change.wake), wish)};
}

COMOQ_DECL void TrackState::end(std::optional<std::error_code> code) noexcept {
    EndHooks::Taken hooks;
    std::vector<DatagramSlot> datagrams;
    ResumeScope scope;
    Garbage garbage;
    WakeList wake;
    {
        Lock lock(mutex());
        if (ended_) return;
        ended_ = true;
        if (code) {
            cause_ = failure(*code);
            cache_.release_all(cause_, garbage, wake);
            datagrams = release_datagrams();
        } else {
            if (!numbers_.final()) cause_ = make_error_code(Error::Dropped);
            cache_.track_ended();
        }
        find_edge(0, wake);
        requests_.settle_all(end_code(), wake);
        wake_readers(wake);
        wake.take(datagram_waits_);
        wake.take(end_waits_);
        wake.take(usage_waits_);
        wake.take(requests_.handler_waits());
        hooks = hooks_.take();
    }
    hooks.call();
    // The former newest group may go now.
    bounds().trim();
}

COMOQ_DECL void TrackState::last_handler_gone() noexcept {
    WakeList wake;
    Lock lock(mutex());
    // A new handler may have come since the count was zero.
    if (handlers.load(std::memory_order_relaxed) != 0) return;
    // Before the track is live, the handler that accepts it may still bring another handler.
    if (live_) requests_.settle_queued(make_error_code(Error::NotFound), wake);
    wake.take(requests_.handler_waits());
}

COMOQ_DECL void TrackState::lose_edge() noexcept {
    Lock lock(mutex());
    if (numbers_.latest() && !is_newest_here()) edge_.lose();
}

COMOQ_DECL void TrackState::find_edge(std::uint64_t newest) noexcept {
    WakeList wake;
    Lock lock(mutex());
    find_edge(newest, wake);
}

COMOQ_DECL void TrackState::find_edge(std::uint64_t newest, WakeList &wake) noexcept {
    if (!edge_.find(newest)) return;
    subscribers_.begin_at(edge(), wake);
    wake.take(end_waits_);
}

COMOQ_DECL void TrackState::let_newest_go() noexcept {
    {
        const Lock lock(mutex());
        cache_.let_newest_go();
    }
    bounds().trim();
}

}  // namespace comoq::detail
