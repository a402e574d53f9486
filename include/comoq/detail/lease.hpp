#pragma once
#include "event.hpp"
#include "../broadcast.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// A broadcast as it is given to others, and word of when the last of them has let go of it. Whoever looks it up where it is
/// remembered weakly does not find it from that moment on. Threads: any.
class Lease {
public:
    explicit Lease(const BroadcastConsumer &of)
        : given_(of.state().get(), [state = of.state(), over = over_](BroadcastState *) mutable noexcept {
              state.reset();
              over.set();
          }),
          held_(given_) {}
    Lease(Lease &&) noexcept = default;
    Lease &operator=(Lease &&) = delete;

    /// What is given to others; once.
    BroadcastConsumer give() noexcept { return BroadcastConsumer(std::move(given_)); }
    Operation<void> over() const { return over_.wait(); }
    /// Keeps it from being over, unless it is.
    const std::weak_ptr<BroadcastState> &held() const noexcept { return held_; }

private:
    Event over_;
    std::shared_ptr<BroadcastState> given_;
    std::weak_ptr<BroadcastState> held_;
};

}  // namespace comoq::detail
