/// \file How long the tests run that look for growth: COMOQ_TEST_ENDURANCE=N makes them N times as long.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace comoq::test {

inline std::size_t times_as_long() {
    const char *times = std::getenv("COMOQ_TEST_ENDURANCE");
    return times != nullptr ? std::strtoull(times, nullptr, 10) : 1;
}

}  // namespace comoq::test
