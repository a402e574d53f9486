// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/event.hpp"
#include "../../broadcast.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// A broadcast to hand out, and an event for when its last holder has let go of it. From that moment on, a lookup
/// through a weak reference does not find it. Threads: any.
class Lease {
public:
    /// `over` is set then.
    explicit Lease(const BroadcastConsumer &of, Event over = {})
        : over_(std::move(over)),
          given_(of.state(Passkey()).get(),
                 [state = of.state(Passkey()), over = over_](BroadcastState *) mutable noexcept {
                     state.reset();
                     over.set();
                 }),
          held_(given_) {}
    Lease(Lease &&) noexcept = default;
    Lease &operator=(Lease &&) = delete;

    /// The broadcast to hand out; call it once.
    BroadcastConsumer give() noexcept { return BroadcastConsumer(Passkey(), std::move(given_)); }
    Operation<void> over() const { return over_.wait(); }
    /// Locking it keeps the lease from being over, unless it is already.
    const std::weak_ptr<BroadcastState> &held() const noexcept { return held_; }

private:
    Event over_;
    std::shared_ptr<BroadcastState> given_;
    std::weak_ptr<BroadcastState> held_;
};

}  // namespace comoq::detail
