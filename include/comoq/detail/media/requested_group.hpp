// SPDX-License-Identifier: MIT
#pragma once
#include "../request/request.hpp"
#include "track_state.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

/// Takes the oldest group request of a track.
class RequestedGroupRule {
public:
    using value_type = std::optional<Obligation<TrackState>>;
    explicit RequestedGroupRule(std::shared_ptr<TrackState> track) noexcept : track_(std::move(track)) {}

    Mutex &mutex() const noexcept { return track_->mutex(); }
    WaitList &waits() const noexcept { return track_->group_requests().handler_waits(); }
    bool available() const noexcept { return over() || track_->group_requests().queued(); }
    Outcome<value_type> take() {
        if (over()) return Outcome<value_type>(std::in_place, std::nullopt);
        return Outcome<value_type>(std::in_place, std::in_place, track_, track_->group_requests().take());
    }
    void pass_on(WakeList &wake) noexcept {
        if (track_->group_requests().queued()) wake.take_one(waits());
    }

private:
    bool over() const noexcept {
        return track_->ended() || track_->moved_to() != nullptr ||
               track_->handlers.load(std::memory_order_relaxed) == 0;
    }
    std::shared_ptr<TrackState> track_;
};

/// How often the wishes for a group have changed, once that is more than was known.
class FetchWishesRule {
public:
    using value_type = std::uint64_t;
    FetchWishesRule(std::shared_ptr<TrackState> track, std::shared_ptr<RequestEntry<TrackState>> entry, std::uint64_t known) noexcept
        : track_(std::move(track)), entry_(std::move(entry)), known_(known) {}

    Mutex &mutex() const noexcept { return track_->mutex(); }
    WaitList &waits() const noexcept { return entry_->abandoned_waits(); }
    bool available() const noexcept { return entry_->settled() || entry_->payload().changes() != known_; }
    Outcome<value_type> take() { return Outcome<value_type>(std::in_place, entry_->payload().changes()); }

private:
    std::shared_ptr<TrackState> track_;
    std::shared_ptr<RequestEntry<TrackState>> entry_;
    std::uint64_t known_;
};

}  // namespace comoq::detail
