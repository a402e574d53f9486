// SPDX-License-Identifier: MIT
// A track's properties on the wire, and as the model keeps them.
#include <comoq/detail/ietf/track_facts.hpp>

#include <cstddef>
#include <vector>

#include <comoq/detail/media/media_bounds.hpp>
#include <comoq/error.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace track_facts_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("track facts: more unknown properties than a track keeps are refused, and the most are not", "[ietf]") {
    const auto kept_of = [](std::size_t size) {
        const std::vector<std::byte> bytes(size);
        ietf::Pairs properties;
        properties.add(0x3b, bytes);
        return ietf::detail::info_of(properties).properties.size();
    };
    constexpr std::size_t most = detail::MediaBounds::max_track_properties;
    const std::size_t framing = kept_of(1'000) - 1'000;
    CHECK(kept_of(most - framing) == most);
    CHECK(error_of([&] { return kept_of(most - framing + 1); }) == Error::BoundsExceeded);
}

}
