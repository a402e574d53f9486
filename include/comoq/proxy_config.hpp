#pragma once
#include "with_timeout.hpp"

#include <chrono>

namespace comoq {

/// The times for which `proxy` and `mirror` wait.
struct ProxyConfig {
    ProxyConfig() {}

    /// How long a request for a track may wait upstream before the proxy checks whether it has come back: relays that
    /// are each other's upstreams in a ring would wait for one another. The check asks the same way for a track whose
    /// name nobody else has. If that question arrives here, the first one is refused with NotFound. Publishers refuse
    /// it too: they have no such track.
    std::chrono::milliseconds ring_check = std::chrono::milliseconds(250);
    /// How long to wait for a publisher's return once the lost upstream is there again.
    std::chrono::milliseconds absence = std::chrono::seconds(10);
    /// For tests, which have their own time.
    Sleep sleep;
};

}  // namespace comoq
