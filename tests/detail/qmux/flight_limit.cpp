// A limit of what is on the way, on links of this file's making: how late data arrives, and how much of a link is used.
#include <comoq/detail/qmux/flight_limit.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <random>

#include "detail/qmux/flight_link.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace flight_limit_tests {

using namespace std::chrono_literals;
using comoq::test::FlightLimit;
using comoq::test::FlightLink;
using Time = FlightLimit::Time;

TEST_CASE("flight limit: a fast link has none, and about a marker a second", "[qmux][rate]") {
    std::mt19937_64 random(comoq::test::seed("flight limit of a fast link"));
    const auto any = [&random](double least, double most) { return std::uniform_real_distribution<>(least, most)(random); };
    const double jitter = GENERATE(0.0, 40.0);
    FlightLink scene(any(2e6, 100e6), any(1, 250), any(16e3, 256e3), any(1e3, 1.5e6));
    scene.jitter = jitter;
    for (int second = 0; second < 20; ++second) {
        scene.pass(1000);
        REQUIRE_FALSE(scene.limit.is_on());
        REQUIRE(scene.limit.room() == FlightLimit::no_limit);
        REQUIRE_FALSE(scene.limit.deadline());
    }
    CHECK(scene.markers >= 1);
    // Those behind a queue may be four.
    CHECK(scene.markers <= (scene.rate > 20e6 && jitter == 0 ? 21 : 81));
}

TEST_CASE("flight limit: what is newest comes in time over a slow link, which is used, and a free one is used again",
          "[qmux][rate]") {
    std::mt19937_64 random(comoq::test::seed("flight limit of a slow link"));
    const auto any = [&random](double least, double most) { return std::uniform_real_distribution<>(least, most)(random); };
    for (int run = 0; run < 6; ++run) {
        const double rate = any(20e3, 250e3), round_trip = any(2, 200);
        FlightLink scene(10e6, round_trip, run % 2 == 0 ? 256e3 : any(0.7 * rate, 256e3), any(1.3, 4) * rate);
        scene.jitter = run % 3 == 0 ? 0 : 30;
        CAPTURE(run, rate, round_trip, scene.buffer, scene.source, scene.jitter);
        scene.pass(4000);
        REQUIRE_FALSE(scene.limit.is_on());
        scene.rate = rate;
        // With what was on the way before the limit.
        scene.pass(12'000);
        CHECK(scene.limit.is_on());
        scene.start_measuring();
        scene.pass(20'000);
        const double least = 1000 * static_cast<double>(FlightLimit::least_window) / rate;
        // A link that was taken for a faster one, by answers that jitter, stays so for some seconds.
        CHECK(scene.age(0.95) < 340 + 1.5 * round_trip + least + scene.jitter);
        CHECK(scene.carried > 0.88 * 20 * rate);
        CHECK(scene.told > 0.6 * rate);
        CHECK(scene.told < 1.4 * rate);
        CHECK(scene.markers - scene.markers_before < 20 * 22);
        scene.rate = 10e6;
        scene.pass(8'000);
        scene.start_measuring();
        scene.pass(20'000);
        CHECK(scene.carried > 0.97 * 20 * scene.source);
        if (round_trip < 50) CHECK_FALSE(scene.limit.is_on());
    }
}

TEST_CASE("flight limit: a long way is used", "[qmux][rate]") {
    FlightLink scene(10e6, 600, 256e3, 217e3);
    scene.pass(4000);
    scene.rate = 145e3;
    scene.pass(12'000);
    REQUIRE(scene.limit.is_on());
    scene.start_measuring();
    scene.pass(60'000);
    CHECK(scene.carried > 0.9 * 60 * scene.rate);
}

TEST_CASE("flight limit: answers that wait behind the peer's own data do not make a free link slow", "[qmux][rate]") {
    FlightLink scene(12.5e6, 20, 1e6, 250e3);
    scene.delay_back = [](double at) { return std::max(0.0, 600 - 0.5 * std::fmod(at, 2000)); };
    scene.pass(4000);
    scene.start_measuring();
    scene.pass(60'000);
    CHECK(scene.carried > 0.95 * 60 * scene.source);
}

TEST_CASE("flight limit: a long way that becomes free again is used again", "[qmux][rate]") {
    FlightLink scene(10e6, GENERATE(600.0, 900.0), 256e3, 300e3);
    scene.pass(5000);
    scene.rate = 60e3;
    scene.pass(12'000);
    REQUIRE(scene.limit.is_on());
    scene.rate = 10e6;
    scene.pass(25'000);
    scene.start_measuring();
    scene.pass(10'000);
    CHECK(scene.carried > 0.95 * 10 * scene.source);
}

TEST_CASE("flight limit: a peer that pauses on a fast link is not slow for long", "[qmux][rate]") {
    const double source = GENERATE(30e3, 300e3, 2e6);
    FlightLink scene(20e6, 20, 1e6, source);
    scene.pass(3000);
    scene.start_measuring();
    for (int i = 0; i < 6; ++i) {
        scene.pass(4500);
        scene.empty_at = static_cast<double>(scene.ms) + 500;
        scene.pass(1000);
    }
    CHECK(scene.carried > 0.97 * 33 * source);
    CHECK(scene.age(0.8) < 50);
}

TEST_CASE("flight limit: a way that becomes longer is not mistaken for a slow one", "[qmux][rate]") {
    const double source = GENERATE(30e3, 300e3, 2e6);
    FlightLink scene(20e6, 20, 1e6, source);
    scene.pass(3000);
    scene.round_trip = 500;
    scene.pass(9000);
    scene.start_measuring();
    scene.pass(10'000);
    CHECK(scene.carried > 0.99 * 10 * source);
    CHECK(scene.age(0.95) < 300);
}

TEST_CASE("flight limit: a peer that stops answering gets everything soon, and few markers", "[qmux][rate]") {
    FlightLink scene(50e3, 20, 256e3, 100e3);
    scene.pass(10'000);
    REQUIRE(scene.limit.is_on());
    scene.answers_pings = false;
    scene.pass(1500);
    CHECK(scene.limit.is_on());
    REQUIRE(scene.limit.deadline());
    CHECK(*scene.limit.deadline() <= scene.now + 10s);
    scene.pass(4000);
    CHECK_FALSE(scene.limit.is_on());
    scene.start_measuring();
    scene.pass(30'000);
    CHECK(scene.carried > 0.97 * 30 * 50e3);
    CHECK(scene.markers - scene.markers_before <= 30 * 50'000 / FlightLimit::silent_marked + 2);
    // It is limited again if it answers again.
    scene.answers_pings = true;
    scene.pass(20'000);
    CHECK(scene.limit.is_on());
    // Also one that never does.
    FlightLink other(50e3, 20, 256e3, 100e3);
    other.answers_pings = false;
    other.pass(60'000);
    CHECK_FALSE(other.limit.is_on());
    CHECK(other.markers <= 1 + 60 * 50'000 / FlightLimit::silent_marked);
    CHECK(other.carried > 0.97 * 60 * 50e3);
}

TEST_CASE("flight limit: an answer that is late already is not waited for", "[qmux][rate]") {
    FlightLimit limit;
    const Time start = Time() + 1h;
    limit.goes(start, 100);
    limit.marked(start, 0);
    static_cast<void>(limit.answered(start + 10ms, 0));
    limit.goes(start + 2s, 20'000);
    limit.marked(start + 2s, 1);
    limit.goes(start + 2300ms, 1'000);
    CHECK_FALSE(limit.is_on());
    limit.goes(start + 2310ms, 1'000);
    REQUIRE(limit.is_on());
    // At most this: 20,000 bytes in 300 ms.
    CHECK(limit.rate() > 66'000);
    CHECK(limit.rate() < 67'000);
    // The peer's answer may take as long as the link, which is slower than that.
    REQUIRE(limit.deadline());
    limit.tick(start + 5s);
    CHECK(limit.is_on());
    CHECK(limit.rate() < 7'000);
}

TEST_CASE("flight limit: the first answer of all can be late, too", "[qmux][rate]") {
    FlightLimit limit;
    const Time start = Time() + 1h;
    limit.goes(start, 20'000);
    REQUIRE(limit.wants_marker(start, 0));
    limit.marked(start, 0);
    static_cast<void>(limit.answered(start + 1s, 0));
    REQUIRE(limit.is_on());
    CHECK(limit.rate() > 19'000);
    CHECK(limit.rate() < 21'000);
}

TEST_CASE("flight limit: data without a marker behind it gets one, or nothing would ever go again", "[qmux][rate]") {
    FlightLimit limit;
    const Time start = Time() + 1h;
    limit.goes(start, 100);
    limit.marked(start, 0);
    static_cast<void>(limit.answered(start + 10ms, 0));
    limit.goes(start + 2s, 20'000);
    REQUIRE(limit.wants_marker(start + 2s, 0));
    limit.marked(start + 2s, 1);
    limit.goes(start + 2s, 100'000);
    CHECK_FALSE(limit.needs_marker());
    // Another ping, which was not a marker.
    static_cast<void>(limit.answered(start + 3s, 7));
    CHECK_FALSE(limit.is_on());
    static_cast<void>(limit.answered(start + 3s, 1));
    REQUIRE(limit.is_on());
    CHECK(limit.rate() > 19'000);
    CHECK(limit.rate() < 21'000);
    CHECK(limit.room() == 0);
    REQUIRE(limit.needs_marker());
    limit.marked(start + 3s, 8);
    CHECK_FALSE(limit.needs_marker());
    static_cast<void>(limit.answered(start + 8s, 8));
    CHECK(limit.room() != 0);
    CHECK(limit.room() <= FlightLimit::least_window);
    CHECK_FALSE(limit.needs_marker());
}

TEST_CASE("flight limit: a link that takes up to fifty seconds for what is on the way settles, too", "[qmux][rate]") {
    const double rate = GENERATE(5e3, 6e3, 8e3, 10e3, 12e3, 15e3, 20e3, 24e3), on_the_way = 256e3;
    FlightLink scene(10e6, 50, on_the_way, 250e3);
    scene.pass(4'000);
    scene.rate = rate;
    // Nothing newer can overtake that.
    scene.pass(static_cast<std::uint64_t>(1000 * on_the_way / rate) + 15'000);
    CHECK(scene.limit.is_on());
    scene.start_measuring();
    scene.pass(60'000);
    CHECK(scene.age(0.95) < 340 + 75 + 1000 * static_cast<double>(FlightLimit::least_window) / rate);
    CHECK(scene.carried > 0.8 * 60 * rate);
}

TEST_CASE("flight limit: five seconds after a link has half of its rate, or twice or four times as much, it is followed", "[qmux][rate]") {
    const double round_trip = GENERATE(20.0, 100.0, 200.0), before = GENERATE(60e3, 145e3), factor = GENERATE(0.5, 2.0, 4.0);
    FlightLink scene(10e6, round_trip, 256e3, 4 * before * std::max(1.0, factor));
    scene.jitter = 10;
    scene.pass(4'000);
    scene.rate = before;
    scene.pass(16'000);
    scene.rate = before * factor;
    scene.pass(5'000);
    scene.start_measuring();
    scene.pass(10'000);
    CAPTURE(round_trip, before, factor);
    const double least = 1000 * static_cast<double>(FlightLimit::least_window) / scene.rate;
    CHECK(scene.age(0.95) < 340 + 1.5 * round_trip + least + scene.jitter);
    CHECK(scene.carried > 0.85 * 10 * scene.rate);
}

}
