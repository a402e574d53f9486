#include <comoq/detail/datagram_queue.hpp>

#include <cstdint>

#include "support/catch.hpp"

using namespace comoq;
using comoq::detail::DatagramQueue;
using comoq::detail::DatagramSlot;
using comoq::detail::MediaBounds;

TEST_CASE("section 6 datagrams: the queue gives the oldest up when it is full, and indices count on", "[datagram]") {
    DatagramQueue queue;
    CHECK(queue.first() == queue.end());
    for (std::uint64_t i = 0; i < MediaBounds::max_datagrams; ++i) {
        CHECK_FALSE(queue.add(DatagramSlot{2 * i, {}, {}}).has_value());
    }
    const auto oldest = queue.add(DatagramSlot{1, {}, {}});
    REQUIRE(oldest.has_value());
    CHECK(oldest->sequence == 0);
    CHECK(queue.first() == 1);
    CHECK(queue.end() == MediaBounds::max_datagrams + 1);
    CHECK(queue[1].sequence == 2);
    CHECK(queue[queue.end() - 1].sequence == 1);
    CHECK(queue.contains(1));
    CHECK(queue.contains(2 * (MediaBounds::max_datagrams - 1)));
    CHECK_FALSE(queue.contains(0));
    CHECK_FALSE(queue.contains(3));
    CHECK(queue.size() == MediaBounds::max_datagrams);
    const auto all = queue.release();
    CHECK(all.size() >= MediaBounds::max_datagrams);
    CHECK(queue.size() == 0);
    CHECK(queue.first() == queue.end());
    CHECK(queue.end() == MediaBounds::max_datagrams + 1);
    CHECK_FALSE(queue.contains(2));
}
