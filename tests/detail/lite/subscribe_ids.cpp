// Which ids of a peer's subscriptions count as used, and how many are remembered.
#include <comoq/detail/lite/subscribe_ids.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <comoq/detail/containers/sequence_set.hpp>

#include "support/catch.hpp"

namespace subscribe_ids_tests {

using comoq::lite::detail::SubscribeIds;
using Claim = SubscribeIds::Claim;

namespace {

bool use_once(SubscribeIds &ids, std::uint64_t id) { return Claim(ids, id).use(); }

}  // namespace

TEST_CASE("subscribe ids: each id can be used once, and not again after its subscription", "[lite][subscribe_ids]") {
    SubscribeIds ids;
    {
        Claim first(ids, 7), other(ids, 7);
        CHECK(first.use());
        CHECK_FALSE(other.use());
        CHECK_FALSE(use_once(ids, 7));
    }
    CHECK_FALSE(use_once(ids, 7));
    CHECK(use_once(ids, 6));
}

TEST_CASE("subscribe ids: an id that was refused may be used again", "[lite][subscribe_ids]") {
    SubscribeIds ids;
    { const Claim refused(ids, 7); }
    CHECK(ids.runs() == 0);
    CHECK(use_once(ids, 7));
}

TEST_CASE("subscribe ids: skipped ids do not use up memory, and a peer that counts up is not refused because of them",
          "[lite][subscribe_ids]") {
    SubscribeIds ids;
    // The handler that answers it is slow.
    Claim waiting(ids, 3);
    Claim in_use(ids, 1);
    CHECK(in_use.use());
    std::size_t most = 0;
    for (std::uint64_t id = 5; id < 10'000; id += 2) {
        REQUIRE(use_once(ids, id));
        most = std::max(most, ids.runs());
    }
    CHECK(most <= comoq::detail::SequenceSet::max_runs);
    // None of the ids that it skipped long ago counts any more.
    CHECK_FALSE(use_once(ids, 6));
    CHECK(use_once(ids, 9'998));
    CHECK_FALSE(use_once(ids, 1));
    CHECK(waiting.use());
    CHECK_FALSE(use_once(ids, 3));
}

}
