#include <comoq/detail/session/link_price.hpp>

#include <cstdint>

#include "support/catch.hpp"

namespace link_price_tests {

using comoq::Cost;
using comoq::detail::dearest;
using comoq::detail::over_link;

TEST_CASE("the price of a link is added to both costs, up to the most that the wire can carry", "[lite][routes]") {
    constexpr std::uint64_t most = (std::uint64_t{1} << 62) - 1;
    CHECK(over_link({10, 20}, 7) == Cost{17, 27});
    CHECK(over_link({0, 0}, 0) == Cost{0, 0});
    CHECK(over_link({0, most}, 0) == Cost{0, most});
    CHECK(over_link({0, most}, 1) == Cost{1, most});
    CHECK(over_link({most - 1, most - 2}, 1) == Cost{most, most - 1});
    CHECK(over_link({most - 1, 1}, 2) == Cost{most, 3});
    CHECK(over_link(dearest, 1) == dearest);
    CHECK(over_link({1, 2}, most) == dearest);
    CHECK(over_link({1, 2}, ~std::uint64_t{0}) == dearest);
    CHECK(over_link({~std::uint64_t{0}, 2}, 1) == Cost{most, 3});
    static_assert(over_link({1, 2}, 3) == Cost{4, 5});
}

}
