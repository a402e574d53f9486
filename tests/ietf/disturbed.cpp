// A session of MoQ Transport that is disturbed at every point, on either side.
#include <comoq/ietf/session.hpp>

#include <string>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/disturbed_session.hpp"
#include "support/every_point.hpp"

namespace disturbed_tests {

using namespace comoq::test;

namespace {

/// Of 20 and 22 the session differs in what it writes. In 16 requests share a stream.
std::string draft() { return GENERATE("moqt-18", "moqt-16"); }

}  // namespace

TEST_CASE("MoQ Transport: when the holder of a session is cancelled at any step, nothing of the session is left", "[ietf][faults]") {
    const auto protocol = draft();
    CAPTURE(protocol);
    CHECK(cancel_at_every_step<DisturbedSession>(false, protocol, false) > 50);
    CHECK(cancel_at_every_step<DisturbedSession>(false, protocol, true) > 50);
}

TEST_CASE("MoQ Transport: if any one allocation fails, nothing of a session is left in the end, and nobody waits", "[ietf][faults]") {
    if (!allocations_can_fail()) return;
    // Those of the other side are included. Draft 16 has what 18 allocates, and the stream that requests share.
    CHECK(fail_every_allocation<DisturbedSession>(std::string("moqt-16"), true) > 200);
}

TEST_CASE("MoQ Transport: the context of a session may be destroyed at any point", "[ietf][faults]") {
    const auto protocol = draft();
    CAPTURE(protocol);
    CHECK(destroy_at_every_point<DisturbedSession>(protocol, false) > 50);
    CHECK(destroy_at_every_point<DisturbedSession>(protocol, true) > 50);
}

}  // namespace disturbed_tests
