// Streams of real peers, played again with this side in the place of one of the two.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lite/exchange_vectors.hpp"
#include "support/catch.hpp"

namespace exchanges_tests {

using namespace comoq;
using namespace comoq::test;

using Texts = std::vector<std::string>;

/// An exchange in which this side says what the real peer said.
inline const Exchange &alike(std::string_view name) {
    CAPTURE(name);
    CHECK_FALSE(is_deviating(name));
    return exchange_named(name);
}

/// One in which it says something else.
inline const Exchange &deviating(std::string_view name) {
    CAPTURE(name);
    CHECK(is_deviating(name));
    return exchange_named(name);
}

// What the recording publishers said: START of a path, at no cost, and TRACK_INFO. And the SETUP of a viewer.
inline constexpr std::string_view has_room_cam = "000c08726f6f6d2f63616d000000", has_r_c = "000703722f63000000";

inline constexpr std::string_view of_viewer = "050105026222";
inline constexpr std::string_view its_info = "07038000ea6043e8";

}  // namespace exchanges_tests
