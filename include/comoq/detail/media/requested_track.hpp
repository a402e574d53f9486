// SPDX-License-Identifier: MIT
#pragma once
#include "broadcast_state.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

/// Takes the oldest track request of a broadcast.
class RequestedTrackRule {
public:
    using value_type = std::optional<Obligation<BroadcastState>>;
    explicit RequestedTrackRule(std::shared_ptr<BroadcastState> broadcast) noexcept : broadcast_(std::move(broadcast)) {}

    Mutex &mutex() const noexcept { return broadcast_->mutex(); }
    WaitList &waits() const noexcept { return broadcast_->handler_waits(); }
    bool available() const noexcept { return over() || !broadcast_->queue().empty(); }
    Outcome<value_type> take() {
        if (over()) return Outcome<value_type>(std::in_place, std::nullopt);
        return Outcome<value_type>(std::in_place, std::in_place, broadcast_,
                                   broadcast_->requests().take(broadcast_->queue()));
    }
    void pass_on(WakeList &wake) noexcept {
        if (!broadcast_->queue().empty()) wake.take_one(waits());
    }

private:
    bool over() const noexcept {
        return broadcast_->closed() || broadcast_->handlers.load(std::memory_order_relaxed) == 0;
    }
    std::shared_ptr<BroadcastState> broadcast_;
};

/// The reason why a broadcast ended, once it has.
class BroadcastClosedRule {
public:
    using value_type = std::error_code;
    explicit BroadcastClosedRule(std::shared_ptr<BroadcastState> broadcast) noexcept : broadcast_(std::move(broadcast)) {}

    Mutex &mutex() const noexcept { return broadcast_->mutex(); }
    WaitList &waits() const noexcept { return broadcast_->closed_waits(); }
    bool available() const noexcept { return broadcast_->closed(); }
    Outcome<value_type> take() {
        return Outcome<value_type>(std::in_place, broadcast_->ended_well() ? std::error_code() : broadcast_->cause());
    }

private:
    std::shared_ptr<BroadcastState> broadcast_;
};

}  // namespace comoq::detail
