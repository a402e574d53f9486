#include <comoq/detail/session/quiet_octets.hpp>

#include <optional>

#include "support/catch.hpp"

namespace quiet_octets_tests {

using comoq::detail::QuietOctets;

TEST_CASE("quiet octets: as many as a session may have are allowed at a time, and none are always allowed", "[session]") {
    QuietOctets quiet;
    std::optional<QuietOctets::Wait> first(std::in_place, quiet, QuietOctets::most - 1);
    CHECK(first->is_allowed());
    {
        const QuietOctets::Wait last(quiet, 1), too_many(quiet, 1), none(quiet, 0);
        CHECK(last.is_allowed());
        CHECK_FALSE(too_many.is_allowed());
        CHECK(none.is_allowed());
    }
    // What was not allowed has not been counted, and what was is given back.
    const QuietOctets::Wait again(quiet, 1);
    CHECK(again.is_allowed());
    first.reset();
    const QuietOctets::Wait most(quiet, QuietOctets::most - 1), more(quiet, 1);
    CHECK(most.is_allowed());
    CHECK_FALSE(more.is_allowed());
}

}  // namespace quiet_octets_tests
