#include <comoq/detail/qmux/delivery_rate.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "support/catch.hpp"

namespace delivery_rate_tests {

using namespace std::chrono_literals;
using comoq::qmux::detail::DeliveryRate;
using Time = DeliveryRate::Time;
using Duration = DeliveryRate::Duration;

namespace {

/// A link behind a queue that takes `room` bytes ahead, and a source that fills it or not.
struct Link {
    explicit Link(double bits) : bits_per_second(bits) {}

    Duration time_of(std::uint64_t bytes) const {
        return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(8.0 * static_cast<double>(bytes) / bits_per_second));
    }
    /// The source has `bytes` now, in records; the time passes until the queue has taken all of them. `has_more`: the
    /// source has even more then.
    void send(std::uint64_t bytes, bool has_more, std::uint64_t record = 16'000) {
        while (bytes != 0) {
            const std::uint64_t part = std::min(bytes, record);
            bytes -= part;
            rate.goes(now, static_cast<std::size_t>(part));
            // The link has carried all of the queue at `empty_at`.
            empty_at = std::max(empty_at, now) + time_of(part);
            now = std::max(now, empty_at - time_of(room));
            rate.taken(now, has_more || bytes != 0);
        }
    }
    /// A source that is faster than the link, for that long.
    void flood(Duration time) {
        for (const Time end = now + time; now < end;) send(16'000, true);
        send(1, false);
    }
    void pass(Duration time) { now += time; }
    /// A ping behind what was sent last; its answer takes the way besides.
    void ping() {
        rate.asked();
        const Time sent = now;
        now = std::max(now, empty_at) + way;
        rate.answered(now, now - sent);
    }
    std::optional<std::uint64_t> estimate() const { return rate.estimate(now); }
    bool is_about(double bits, double part = 0.1) const {
        const auto known = estimate();
        return known && std::abs(static_cast<double>(*known) - bits) <= part * bits;
    }

    double bits_per_second;
    std::uint64_t room = 64'000;
    Duration way = 20ms;
    DeliveryRate rate;
    Time now{1h};
    Time empty_at{};
};

}  // namespace

TEST_CASE("delivery rate: nothing is known of an idle connection, nor of a source that the link can carry", "[qmux][rate]") {
    Link link(1e6);
    CHECK_FALSE(link.estimate());
    link.pass(1h);
    CHECK_FALSE(link.estimate());
    // Half of the link's rate, a frame at a time.
    for (int i = 0; i < 1000; ++i) {
        link.send(2500, false);
        link.pass(40ms);
        CHECK_FALSE(link.estimate());
        CHECK_FALSE(link.rate.busy_rate(link.now));
    }
}

TEST_CASE("delivery rate: a busy channel takes what the link takes, and not what its queue takes first", "[qmux][rate]") {
    const double bits = GENERATE(1e5, 4e5, 1e6, 1e8);
    Link link(bits);
    // As much as the queue takes at once shows nothing.
    link.send(60'000, false);
    CHECK_FALSE(link.estimate());
    link.pass(1h);
    link.flood(10s);
    CHECK(link.is_about(bits, 0.01));
    CHECK(link.rate.busy_rate(link.now) == link.estimate());
}

TEST_CASE("delivery rate: the estimate follows the link down and up again", "[qmux][rate]") {
    Link link(1e6);
    link.room = 6'000;
    link.flood(5s);
    CHECK(link.is_about(1e6));
    link.bits_per_second = 4e5;
    link.flood(3s);
    CHECK(link.is_about(4e5));
    link.bits_per_second = 1e6;
    link.flood(3s);
    CHECK(link.is_about(1e6));
}

TEST_CASE("delivery rate: what the application limits does not lower the estimate, which ends after some time", "[qmux][rate]") {
    Link link(4e5);
    link.flood(5s);
    const auto known = link.estimate();
    REQUIRE(known);
    const Time end = link.now;
    while (link.now < end + DeliveryRate::lifetime - 1s) {
        link.send(500, false);
        link.pass(40ms);
        CHECK(link.estimate() == known);
    }
    link.pass(2s);
    CHECK_FALSE(link.estimate());
}

TEST_CASE("delivery rate: a short busy time is not a sample", "[qmux][rate]") {
    Link link(1e6);
    // The queue is full after 64,000 bytes, and 200 ms follow.
    link.send(64'000 + 25'000, false);
    CHECK_FALSE(link.estimate());
    link.pass(10s);
    link.send(64'000 + 60'000, false);
    CHECK(link.is_about(1e6, 0.02));
}

TEST_CASE("delivery rate: bursts show a lower bound of a link that is never busy", "[qmux][rate]") {
    Link link(GENERATE(4e5, 2e6));
    link.send(20, false);
    // Nothing tells how long the way alone takes, and a ping behind a burst does not either.
    CHECK_FALSE(link.rate.wants_ping(30'000));
    link.send(20'000, false);
    link.ping();
    CHECK_FALSE(link.estimate());
    CHECK_FALSE(link.rate.wants_ping(30'000));
    link.send(20, false);
    link.ping();
    CHECK_FALSE(link.estimate());
    CHECK_FALSE(link.rate.wants_ping(DeliveryRate::burst - 1));
    CHECK(link.rate.wants_ping(DeliveryRate::burst));
    link.send(20'000, false);
    link.ping();
    CHECK(link.is_about(link.bits_per_second, 0.01));
    // Another one, which a busy peer answers late, does not lower it.
    link.way += 300ms;
    link.pass(1s);
    link.send(20'000, false);
    link.ping();
    CHECK(link.is_about(link.bits_per_second, 0.01));
    link.pass(DeliveryRate::lifetime);
    CHECK_FALSE(link.estimate());
}

TEST_CASE("delivery rate: the noise of a round trip limits how fast a burst can seem", "[qmux][rate]") {
    Link link(1e12);
    link.send(20, false);
    link.ping();
    link.send(5'000, false);
    link.ping();
    CHECK(link.estimate() == 8'000'000);
}

TEST_CASE("delivery rate: a round trip that was measured behind other data is corrected, with what came of it", "[qmux][rate]") {
    Link link(1e6);
    link.way = 520ms;
    link.send(20, false);
    link.ping();
    link.way = 300ms;
    link.send(20'000, false);
    link.ping();
    CHECK(link.estimate() > 2'000'000u);
    link.way = 20ms;
    link.send(20, false);
    link.ping();
    CHECK_FALSE(link.estimate());
    link.send(20'000, false);
    link.ping();
    CHECK(link.is_about(1e6, 0.01));
}

TEST_CASE("delivery rate: data that piles up on the way shows the link, though the channel is never busy", "[qmux][rate]") {
    Link link(1e7);
    // As many bytes as there are may wait behind the channel.
    link.room = 1 << 30;
    const auto second = [&link](std::uint64_t bytes) {
        for (int i = 0; i < 25; ++i) {
            link.send(bytes / 25, false);
            link.pass(40ms);
        }
    };
    link.send(20, false);
    link.ping();
    second(125'000);
    link.send(20'000, false);
    link.ping();
    CHECK(link.is_about(1e7));
    link.bits_per_second = 4e5;
    second(125'000);
    link.ping();
    CHECK(link.is_about(4e5));
    second(125'000);
    link.ping();
    CHECK(link.is_about(4e5));
}

TEST_CASE("delivery rate: an answer that is a little late, or the only one for long, does not count as a queue", "[qmux][rate]") {
    Link link(1e7);
    link.send(20, false);
    link.ping();
    link.send(1'000, false);
    link.way += DeliveryRate::queued - 1ms;
    link.ping();
    CHECK_FALSE(link.estimate());
    link.pass(2s);
    link.send(1'000, false);
    link.way += 500ms;
    link.ping();
    CHECK_FALSE(link.estimate());
}

TEST_CASE("delivery rate: a late answer with next to nothing on the way shows the peer, and not the link", "[qmux][rate]") {
    Link link(1e7);
    link.send(20, false);
    link.ping();
    for (int i = 0; i < 3; ++i) {
        link.way = DeliveryRate::queued + 200ms;
        link.send(DeliveryRate::burst - 1, false);
        link.ping();
        CHECK_FALSE(link.estimate());
    }
}

TEST_CASE("delivery rate: a burst raises the estimate of a busy channel after a while, and a busy channel lowers it", "[qmux][rate]") {
    Link link(4e5);
    link.room = 6'000;
    link.send(20, false);
    link.ping();
    link.flood(5s);
    CHECK(link.is_about(4e5));
    link.bits_per_second = 2e6;
    link.pass(1s);
    link.send(5'000, false);
    link.ping();
    CHECK(link.is_about(4e5));
    link.pass(DeliveryRate::hold);
    link.send(5'000, false);
    link.ping();
    CHECK(link.is_about(2e6));
    // Of the channel alone nothing better is known.
    CHECK(*link.rate.busy_rate(link.now) < 500'000);
    link.bits_per_second = 4e5;
    link.flood(2s);
    CHECK(link.is_about(4e5));
}

TEST_CASE("delivery rate: a link that takes next to nothing is slow, and not unknown", "[qmux][rate]") {
    Link link(0.5);
    link.room = 1;
    link.send(20, true);
    link.send(20, true);
    CHECK(link.estimate() == 1u);
}

}
