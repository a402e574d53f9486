// A group's reader that goes to a frame by its number.
#include <comoq/group.hpp>

#include <cstddef>

#include <comoq/detail/media/media_bounds.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace group_skipping_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("a group's reader: it goes to any frame that the group still has, or may get", "[lite][bounds]") {
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    auto group = track.append_group();
    auto reader = group.consume();
    CHECK_FALSE(GroupConsumer().skip_to(detail::Passkey(), 0));
    CHECK(GroupConsumer().take_frames(detail::Passkey(), 1).code() == Error::Closed);
    CHECK(FrameConsumer().has_chunk(detail::Passkey()));
    // One frame more than a group keeps.
    for (std::size_t i = 0; i <= detail::MediaBounds::max_group_frames; ++i) {
        group.write_frame(payload("x"), Timestamp(i, Timescale(1000)));
    }
    CHECK_FALSE(reader.skip_to(detail::Passkey(), 0));
    CHECK(reader.skip_to(detail::Passkey(), 1));
    CHECK(now(reader.read_frame())->timestamp.value() == 1);
    CHECK(reader.skip_to(detail::Passkey(), detail::MediaBounds::max_group_frames + 1));
    CHECK_FALSE(reader.read_frame().ready());
}

}  // namespace group_skipping_tests
