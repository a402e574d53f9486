#include <comoq/detail/group_state.hpp>

#include <memory>

#include "support/catch.hpp"

using comoq::Bytes;
using comoq::Timescale;
using comoq::detail::FrameSlot;
using comoq::detail::GroupState;
using comoq::detail::MediaBounds;
using comoq::detail::TrackShared;

TEST_CASE("section 6 memory: the origin's count follows what its groups hold, and forgets those that are gone",
          "[group_state]") {
    auto bounds = std::make_shared<MediaBounds>();
    auto shared = std::make_shared<TrackShared>(bounds);
    auto one = std::make_shared<GroupState>(shared, 0, Timescale(1000));
    auto two = std::make_shared<GroupState>(shared, 1, Timescale(1000));
    CHECK(bounds->cached_groups == 2);
    one->write(FrameSlot{{}, Bytes::copy("abc"), nullptr});
    two->write(FrameSlot{{}, Bytes::copy("defgh"), nullptr});
    CHECK(bounds->cached_bytes == 8);
    one->abort(comoq::Error::Timeout);
    CHECK(bounds->cached_bytes == 5);
    CHECK(bounds->cached_groups == 1);
    one.reset();
    CHECK(bounds->cached_groups == 1);
    two.reset();
    CHECK(bounds->cached_bytes == 0);
    CHECK(bounds->cached_groups == 0);
}
