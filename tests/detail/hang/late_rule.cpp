// Which group a reader goes on with that has fallen behind.
#include <comoq/detail/hang/late_rule.hpp>

#include <optional>
#include <vector>

#include "support/catch.hpp"

namespace hang_late_rule_tests {

using comoq::hang::detail::groups_to_skip;
using comoq::hang::detail::MediaTime;
using Begins = std::vector<std::optional<MediaTime>>;

namespace {

MediaTime at(int seconds) { return std::chrono::seconds(seconds); }

}  // namespace

TEST_CASE("a reader stays while the newest group is within its latency", "[hang]") {
    CHECK(groups_to_skip(at(10), Begins{}, at(1)) == std::nullopt);
    CHECK(groups_to_skip(at(10), Begins{std::nullopt}, at(1)) == std::nullopt);
    CHECK(groups_to_skip(at(10), Begins{at(11)}, at(1)) == std::nullopt);
    CHECK(groups_to_skip(at(10), Begins{at(3)}, at(1)) == std::nullopt);
}

TEST_CASE("a reader that is behind goes on with the first group that is not", "[hang]") {
    CHECK(groups_to_skip(at(10), Begins{at(12)}, at(1)) == 0u);
    CHECK(groups_to_skip(at(10), Begins{at(11), at(12), at(13)}, at(1)) == 1u);
    CHECK(groups_to_skip(at(10), Begins{at(11), at(12), at(13)}, at(0)) == 2u);
    CHECK(groups_to_skip(at(10), Begins{std::nullopt, at(14), std::nullopt}, at(2)) == 1u);
}

}  // namespace hang_late_rule_tests
