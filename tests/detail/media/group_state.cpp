#include <comoq/detail/media/group_state.hpp>

#include <memory>

#include "support/catch.hpp"

namespace group_state_tests {

using comoq::Bytes;
using comoq::Timescale;
using comoq::detail::GroupState;
using comoq::detail::MediaBounds;
using comoq::detail::MediaCost;
using comoq::detail::TrackShared;

TEST_CASE("section 6 memory: the origin's count follows the memory of its groups, and excludes groups that are gone",
          "[group_state]") {
    auto bounds = std::make_shared<MediaBounds>();
    auto shared = std::make_shared<TrackShared>(bounds);
    auto one = std::make_shared<GroupState>(shared, 0, Timescale(1000));
    auto two = std::make_shared<GroupState>(shared, 1, Timescale(1000));
    CHECK(bounds->cached_groups.load() == 2);
    one->write(Bytes::copy("abc"), {});
    two->write(Bytes::copy("defgh"), {});
    CHECK(bounds->cached_bytes.load() == 8 + 2 * (MediaCost::group + MediaCost::frame));
    one->abort(comoq::Error::Timeout);
    CHECK(bounds->cached_bytes.load() == 5 + MediaCost::group + MediaCost::frame);
    CHECK(bounds->cached_groups.load() == 1);
    one.reset();
    CHECK(bounds->cached_groups.load() == 1);
    two.reset();
    CHECK(bounds->cached_bytes.load() == 0);
    CHECK(bounds->cached_groups.load() == 0);
}

}
