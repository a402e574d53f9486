// A limit of what is on the way, on links of this file's making: how late data arrives, and how much of a link is used.
#include <comoq/detail/qmux/flight_limit.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace flight_limit_tests {

using namespace std::chrono_literals;
using comoq::qmux::detail::FlightLimit;
using Time = FlightLimit::Time;

namespace {


/// A link with a buffer before it, and a source whose newest data goes first: what is older than half a second is given
/// up. A frame comes every 20 ms, and another one of control every 100.
struct Scene {
    explicit Scene(double bytes_per_second, double round_trip_ms, double buffer_bytes, double source_bytes_per_second)
        : rate(bytes_per_second), round_trip(round_trip_ms), buffer(buffer_bytes), source(source_bytes_per_second) {}

    void pass(std::uint64_t milliseconds) {
        for (std::uint64_t i = 0; i < milliseconds; ++i, ++ms) {
            now = Time() + std::chrono::milliseconds(ms + 1000);
            answer();
            if (ms % 20 == 0 && ms > 0 && source != 0) waiting.push_back({static_cast<double>(ms), source / 50});
            if (ms % 100 == 0) control();
            if (limit.deadline() && now >= *limit.deadline()) limit.tick(now);
            while (!waiting.empty() && static_cast<double>(ms) - waiting.front().born > 500) waiting.pop_front();
            move();
        }
    }

    void answer() {
        while (!answers.empty() && answers.front().at <= static_cast<double>(ms)) {
            if (has_media() && limit.room() == 0) limit.holds(now);
            if (const auto shown = limit.answered(now, answers.front().sequence)) told = *shown;
            answers.pop_front();
        }
    }
    bool has_media() const { return !waiting.empty(); }
    double queued() const { return std::max(0.0, (empty_at - static_cast<double>(ms)) * rate / 1000); }
    void go(std::size_t bytes, bool with_marker) {
        if (with_marker) bytes += 12;
        empty_at = std::max(empty_at, static_cast<double>(ms)) + static_cast<double>(bytes) * 1000 / rate;
        limit.goes(now, bytes);
        if (!with_marker) return;
        limit.marked(now, ++markers);
        const double at = std::max(empty_at + round_trip + noise() + upload(empty_at + round_trip), answers.empty() ? 0.0 : answers.back().at);
        if (answers_pings) answers.push_back({at, markers});
    }
    /// How long an answer waits behind the peer's own data: a key frame comes every two seconds.
    double upload(double at) const { return std::max(0.0, key_frame_ms - 0.5 * std::fmod(at, 2000)); }
    double noise() { return jitter == 0 ? 0 : std::uniform_real_distribution<>(0, jitter)(random); }
    void control() { go(80, limit.wants_marker(now, 80)); }
    void move() {
        while (queued() < buffer) {
            const std::size_t room = limit.room();
            if (!has_media() || room == 0) {
                if (!limit.needs_marker()) break;
                go(0, true);
                continue;
            }
            double most = static_cast<double>(std::min<std::size_t>(std::max<std::size_t>(room, 1024), 4096));
            std::size_t bytes = 0;
            std::vector<double> born;
            while (most > 0 && has_media()) {
                auto &newest = waiting.back();
                const double part = std::min(most, newest.left);
                newest.left -= part;
                most -= part;
                bytes += static_cast<std::size_t>(part);
                born.push_back(newest.born);
                if (newest.left > 0) break;
                waiting.pop_back();
            }
            go(bytes, limit.wants_marker(now, bytes));
            carried += static_cast<double>(bytes);
            for (const double each : born) ages.push_back(empty_at + round_trip / 2 - each);
        }
        if (has_media() && limit.room() == 0) limit.holds(now);
    }

    void start_measuring() {
        ages.clear();
        carried = 0;
        markers_before = markers;
    }
    double age(double part) {
        REQUIRE_FALSE(ages.empty());
        std::sort(ages.begin(), ages.end());
        return ages[static_cast<std::size_t>(part * static_cast<double>(ages.size() - 1))];
    }

    double rate, round_trip, buffer, source;
    double jitter = 0, key_frame_ms = 0;
    bool answers_pings = true;
    std::mt19937_64 random{1};
    FlightLimit limit;
    Time now{};
    std::uint64_t ms = 0;
    struct Frame { double born, left; };
    std::deque<Frame> waiting;
    struct Answer { double at; std::uint64_t sequence; };
    std::deque<Answer> answers;
    double empty_at = 0, carried = 0, told = 0;
    std::uint64_t markers = 0, markers_before = 0;
    std::vector<double> ages;
};

}  // namespace

TEST_CASE("flight limit: a fast link has none, and about a marker a second", "[qmux][rate]") {
    std::mt19937_64 random(comoq::test::seed("flight limit of a fast link"));
    const auto any = [&random](double least, double most) { return std::uniform_real_distribution<>(least, most)(random); };
    const double jitter = GENERATE(0.0, 40.0);
    Scene scene(any(2e6, 100e6), any(1, 250), any(16e3, 256e3), any(1e3, 1.5e6));
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
        Scene scene(10e6, round_trip, run % 2 == 0 ? 256e3 : any(0.7 * rate, 256e3), any(1.3, 4) * rate);
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
    Scene scene(10e6, 600, 256e3, 217e3);
    scene.pass(4000);
    scene.rate = 145e3;
    scene.pass(12'000);
    REQUIRE(scene.limit.is_on());
    scene.start_measuring();
    scene.pass(60'000);
    CHECK(scene.carried > 0.9 * 60 * scene.rate);
}

TEST_CASE("flight limit: answers that wait behind the peer's own data do not make a free link slow", "[qmux][rate]") {
    Scene scene(12.5e6, 20, 1e6, 250e3);
    scene.key_frame_ms = 600;
    scene.pass(4000);
    scene.start_measuring();
    scene.pass(60'000);
    CHECK(scene.carried > 0.95 * 60 * scene.source);
}

TEST_CASE("flight limit: a long way that becomes free again is used again", "[qmux][rate]") {
    Scene scene(10e6, GENERATE(600.0, 900.0), 256e3, 300e3);
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
    Scene scene(20e6, 20, 1e6, source);
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
    Scene scene(20e6, 20, 1e6, source);
    scene.pass(3000);
    scene.round_trip = 500;
    scene.pass(9000);
    scene.start_measuring();
    scene.pass(10'000);
    CHECK(scene.carried > 0.99 * 10 * source);
    CHECK(scene.age(0.95) < 300);
}

TEST_CASE("flight limit: a peer that stops answering gets everything soon, and few markers", "[qmux][rate]") {
    Scene scene(50e3, 20, 256e3, 100e3);
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
    Scene other(50e3, 20, 256e3, 100e3);
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

}
