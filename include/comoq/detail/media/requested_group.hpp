// SPDX-License-Identifier: MIT
#pragma once
#include "../request/request.hpp"
#include "track_state.hpp"

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

}  // namespace comoq::detail
