#include <comoq/detail/media/coarse_clock.hpp>

#include <chrono>

#include "support/catch.hpp"

namespace coarse_clock_tests {

using comoq::detail::coarse_now;

TEST_CASE("section 6 memory: the coarse clock is the steady clock, a little behind, and never goes back", "[coarse_clock]") {
    auto before = coarse_now();
    bool forward = true;
    constexpr std::chrono::steady_clock::duration most = std::chrono::milliseconds(10);
    auto behind = std::chrono::steady_clock::duration::max();
    // The system moves the coarse clock on at its ticks, and a busy host may leave some of them out for a while.
    for (int i = 0; i < 1000 || (behind > most && i < 20'000'000); ++i) {
        const auto coarse = coarse_now();
        const auto exact = std::chrono::steady_clock::now();
        forward = forward && coarse >= before && coarse <= exact;
        // The least of many: this thread may be held up between the two.
        behind = std::min(behind, exact - coarse);
        before = coarse;
    }
    CHECK(forward);
    INFO("behind by " << std::chrono::duration_cast<std::chrono::microseconds>(behind).count() << " us at least");
    CHECK(behind <= most);
}

}
