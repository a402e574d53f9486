#include <comoq/detail/media/coarse_clock.hpp>

#include <chrono>

#include "support/catch.hpp"

using comoq::detail::coarse_now;

TEST_CASE("section 6 memory: the coarse clock is the steady clock, a little behind, and never goes back", "[coarse_clock]") {
    auto before = coarse_now();
    bool forward = true;
    auto behind = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 1000; ++i) {
        const auto coarse = coarse_now();
        const auto exact = std::chrono::steady_clock::now();
        forward = forward && coarse >= before && coarse <= exact;
        // The least of many: this thread may be held up between the two.
        behind = std::min(behind, exact - coarse);
        before = coarse;
    }
    CHECK(forward);
    CHECK(behind <= std::chrono::milliseconds(10));
}
