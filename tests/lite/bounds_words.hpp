// Bounds, as the tests write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lite/raw_peer.hpp"

namespace session_bounds_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

using Texts = std::vector<std::string>;
using std::chrono::milliseconds;

inline Subscription from(std::optional<std::uint64_t> start, milliseconds age, std::optional<std::uint64_t> end = {}) {
    Subscription wishes;
    wishes.start = start;
    wishes.max_latency = age;
    wishes.end = end;
    return wishes;
}

}  // namespace session_bounds_tests
