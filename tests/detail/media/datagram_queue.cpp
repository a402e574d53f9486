#include <comoq/detail/media/datagram_queue.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

namespace datagram_queue_tests {

using namespace comoq;
using comoq::detail::DatagramQueue;
using comoq::detail::DatagramSlot;
using comoq::detail::MediaBounds;

TEST_CASE("section 8 datagrams: the queue remembers the numbers of datagrams that have left it", "[datagram]") {
    DatagramQueue queue;
    for (std::uint64_t i = 0; i < MediaBounds::max_datagrams + 5; ++i) {
        queue.reserve({i + 10, 0});
        queue.use({i + 10, 0});
        queue.add(DatagramSlot{i + 10, {}, {}});
    }
    CHECK(queue.first() == 5);
    CHECK(queue.has_used({10, 0}));
    CHECK(queue.has_used({MediaBounds::max_datagrams + 14, 0}));
    CHECK_FALSE(queue.has_used({9, 0}));
    CHECK_FALSE(queue.has_used({MediaBounds::max_datagrams + 15, 0}));
    static_cast<void>(queue.release());
    CHECK(queue.has_used({10, 0}));
}

TEST_CASE("section 6 datagrams: old ones leave the queue, and its cost is that of the others and of the slots", "[datagram]") {
    DatagramQueue queue;
    const auto at = [](int seconds) { return comoq::detail::TimePoint() + std::chrono::seconds(seconds); };
    for (std::uint64_t i = 0; i < 4; ++i) {
        queue.add(DatagramSlot{i, {}, Bytes::copy("abc"), at(static_cast<int>(i))});
    }
    constexpr auto each = comoq::detail::MediaCost::datagram + 3, slot = sizeof(DatagramSlot);
    CHECK(queue.cost() == 4 * (each + slot));
    const std::chrono::milliseconds keep = std::chrono::seconds(2);
    CHECK_FALSE(queue.expired(at(2), keep));
    CHECK(queue.expired(at(4), keep));
    std::vector<DatagramSlot> old;
    queue.expire(at(4), keep, old);
    CHECK(old.size() == 2);
    CHECK(queue.first() == 2);
    CHECK(queue.size() == 2);
    // The slots are still there.
    CHECK(queue.cost() == 2 * each + 4 * slot);
    old.clear();
    queue.expire(at(9), keep, old);
    CHECK(old.size() == 2);
    CHECK(queue.cost() == 0);
}

TEST_CASE("section 6 datagrams: a full queue drops the oldest one, and indices count on", "[datagram]") {
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
    CHECK(queue.size() == MediaBounds::max_datagrams);
    const auto all = queue.release();
    CHECK(all.size() >= MediaBounds::max_datagrams);
    CHECK(queue.size() == 0);
    CHECK(queue.first() == queue.end());
    CHECK(queue.end() == MediaBounds::max_datagrams + 1);
    CHECK(queue.cost() == 0);
}

}
