/// \file
/// A clock that stands still until a test moves it.
#pragma once

#include <chrono>
#include <memory>

#include <comoq/origin.hpp>

namespace comoq::test {

class ManualClock {
public:
    void advance(std::chrono::nanoseconds by) { *now_ += by; }

    Clock clock() const {
        return [now = now_] { return *now; };
    }
    /// An origin that uses this clock.
    Origin origin(std::size_t max_cached_bytes = OriginConfig().max_cached_bytes) const {
        OriginConfig config;
        config.clock = clock();
        config.max_cached_bytes = max_cached_bytes;
        return Origin(std::move(config));
    }

private:
    using TimePoint = std::chrono::steady_clock::time_point;
    std::shared_ptr<TimePoint> now_ = std::make_shared<TimePoint>(std::chrono::hours(1));
};

}  // namespace comoq::test
