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

COMOQ_DECL std::uint64_t TrackState::add_datagram(std::optional<std::uint64_t> wanted, Timestamp timestamp, Bytes &&payload) {
    std::vector<DatagramSlot> gone;
    MediaChange change(bounds());
    Lock lock(mutex());
    cache_.expire(change);
    const std::uint64_t sequence = free_number(wanted);
    numbers_.reserve();
    datagrams_->reserve();
    if (subscribers_.size() != 0)
        datagrams_->add(DatagramSlot{sequence, timestamp, std::move(payload), change.now}, gone);
    datagrams_->use(sequence);
    use_number(sequence, change.wake);
    change.wake.take(datagrams_->waits());
    return sequence;
}

COMOQ_DECL auto TrackState::fetch(std::uint64_t sequence, std::uint8_t priority) -> Fetched {
    MediaChange change(bounds());
    Lock lock(mutex());
    if (const auto to = moved_to_) {
        lock.unlock();
        return to->fetch(sequence, priority);
    }
    cache_.expire(change);
    auto group = cache_.find(sequence);
    if (group != nullptr && !group->failure()) {
        cache_.use(*group, change);
        return {{}, std::move(group), {}};
    }
    if (auto pending = requests_.join(sequence, priority))
        return {{}, nullptr, GroupRequester(shared_from_this(), std::move(pending), priority)};
    if (const auto refusal = no_fetch(sequence)) {
        // The rest of a group that failed is better than nothing.
        if (group != nullptr && !group->released()) return {{}, std::move(group), {}};
        return {refusal, nullptr, {}};
    }
    return {{}, nullptr, GroupRequester(shared_from_this(), requests_.open(sequence, priority, change.wake), priority)};
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
            datagrams = datagrams_->release();
        } else {
            if (!numbers_.final()) cause_ = make_error_code(Error::Dropped);
            cache_.track_ended();
        }
        requests_.settle_all(end_code(), wake);
        wake_readers(wake);
        wake.take(datagrams_->waits());
        wake.take(end_waits_);
        wake.take(usage_waits_);
        wake.take(requests_.handler_waits());
        hooks = hooks_.take();
    }
    hooks.call();
    // The former newest group may go now.
    bounds().trim();
}

COMOQ_DECL void TrackState::let_newest_go() noexcept {
    {
        const Lock lock(mutex());
        cache_.let_newest_go();
    }
    bounds().trim();
}

}  // namespace comoq::detail
