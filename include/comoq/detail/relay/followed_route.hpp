// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "../../broadcast_info.hpp"
#include "../../operation.hpp"
#include "../media/broadcast_state.hpp"
#include "../media/held_info.hpp"
#include "../wait/outcome.hpp"
#include "../wait/step.hpp"
#include "../wait/sync.hpp"
#include "../wait/waiter.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// Follows the route of a broadcast, which may change while the broadcast goes on.
class FollowedRoute {
public:
    explicit FollowedRoute(const BroadcastConsumer &of)
        : broadcast_(of.state(Passkey())), seen_(broadcast_->route().changed_info()) {}

    /// As it was when this was made.
    const BroadcastInfo &info() const noexcept { return seen_ ? *seen_ : broadcast_->first_info(); }

    /// Gives it to another broadcast. Throws std::bad_alloc.
    void give_to(const BroadcastProducer &other) const {
        const auto &state = other.state(Passkey());
        if (*state->info() == info()) return;
        HeldInfo same(std::make_shared<const BroadcastInfo>(info()));
        WakeList wake;
        state->route().change(std::move(same), wake);
    }

    /// Completes when it is another one.
    Operation<void> changed() const { return Operation<void>(Passkey(), Step(Rule(broadcast_, seen_))); }

private:
    class Rule {
    public:
        using value_type = void;
        Rule(std::shared_ptr<BroadcastState> broadcast, HeldInfo seen) noexcept
            : broadcast_(std::move(broadcast)), seen_(std::move(seen)) {}
        Mutex &mutex() const noexcept { return broadcast_->route().mutex(); }
        WaitList &waits() const noexcept { return broadcast_->route().waits(); }
        bool available() const noexcept { return !(broadcast_->route().last() == seen_); }
        Outcome<void> take() { return Outcome<void>(); }

    private:
        std::shared_ptr<BroadcastState> broadcast_;
        HeldInfo seen_;
    };

    std::shared_ptr<BroadcastState> broadcast_;
    HeldInfo seen_;
};

}  // namespace comoq::detail
