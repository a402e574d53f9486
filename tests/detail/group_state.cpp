#include <comoq/detail/group_state.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/seed.hpp"

using comoq::Bytes;
using comoq::Timescale;
using comoq::detail::FrameLog;
using comoq::detail::FrameSlot;
using comoq::detail::GroupState;
using comoq::detail::MediaBounds;
using comoq::detail::TrackShared;

namespace {

FrameSlot slot(std::size_t number) { return FrameSlot{{}, Bytes::copy(std::to_string(number)), nullptr}; }

}  // namespace

TEST_CASE("section 6 frame log: any history gives what a plain queue gives, and indices count on", "[group_state]") {
    std::mt19937_64 random(comoq::test::seed("frame_log"));
    bool same = true;
    for (int history = 0; history < 200; ++history) {
        FrameLog log(Timescale(1000));
        std::deque<std::string> plain;
        std::size_t first = 0;
        const auto bias = random() % 4;
        for (std::size_t step = 0; step < 200; ++step) {
            if (random() % 4 <= bias || plain.empty()) {
                log.push(slot(step));
                plain.push_back(std::to_string(step));
            } else {
                same = same && log.pop_front().payload.view() == plain.front();
                plain.pop_front();
                ++first;
            }
            same = same && log.first() == first && log.end() == first + plain.size();
            if (!plain.empty()) {
                const auto at = random() % plain.size();
                same = same && log[first + at].payload.view() == plain[at];
            }
        }
        const auto end = log.end();
        const auto released = log.release();
        same = same && log.first() == end && log.end() == end;
    }
    CHECK(same);
}

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
