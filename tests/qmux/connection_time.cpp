// Time: pings, and who is silent for too long.
#include <comoq/qmux/connection.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include <comoq/error.hpp>

#include "qmux/connection_scene.hpp"
#include "support/catch.hpp"
#include "support/transport_scene.hpp"

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("qmux connection: a silent peer is asked, and then given up", "[qmux]") {
    Solo solo;
    solo.greeted();
    const auto start = solo.own->now();
    CHECK(solo.own->deadline() == start + 10s);
    solo.clock.advance(9999ms);
    solo.own->tick();
    CHECK(solo.is_quiet());
    solo.clock.advance(1ms);
    solo.own->tick();
    CHECK(solo.own->deadline() == start + 30s);  // the ping has yet to be written
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{0}});
    CHECK(solo.own->deadline() == start + 20s);
    solo.clock.advance(10s);
    solo.own->tick();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{1}});
    solo.clock.advance(9999ms);
    solo.own->tick();
    CHECK_FALSE(solo.closed(*solo.own));
    solo.clock.advance(1ms);
    solo.own->tick();
    CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
    CHECK(solo.is_quiet());
    CHECK(solo.own->is_silent());
    CHECK_FALSE(solo.own->deadline());
}

TEST_CASE("qmux connection: two that have nothing to say keep each other", "[qmux]") {
    Pair pair;
    for (int i = 0; i < 100; ++i) {
        pair.clock.advance(5s);
        pair.client->tick();
        pair.server->tick();
        pair.move();
    }
    CHECK_FALSE(pair.closed(*pair.client));
    CHECK_FALSE(pair.closed(*pair.server));
}

TEST_CASE("qmux connection: who only sends asks a peer that only listens", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    std::size_t asked = 0;
    for (int i = 0; i < 29; ++i) {
        solo.clock.advance(1s);
        solo.own->tick();
        solo.write(*stream, "x");
        asked += solo.frames_of<qmux::PingRequest>().size();
    }
    CHECK(asked == 2);
    CHECK_FALSE(solo.closed(*solo.own));
    // Who only listens says now and then that it is there.
    asked = 0;
    std::uint64_t sent = 0;
    for (int i = 0; i < 30; ++i) {
        solo.clock.advance(1s);
        solo.stream(server_uni(0), sent++, "x");
        solo.own->tick();
        asked += solo.frames_of<qmux::PingRequest>().size();
    }
    CHECK(asked == 3);
}

TEST_CASE("qmux connection: the shorter idle time counts, and none is none", "[qmux]") {
    using std::chrono::milliseconds;
    const auto [ours, theirs, effective] = GENERATE(std::tuple{30000, 6000, 6000}, std::tuple{6000, 30000, 6000},
                                                    std::tuple{0, 6000, 6000}, std::tuple{6000, 0, 6000},
                                                    std::tuple{0, 0, 0});
    Solo solo(false, with_parameters([&, mine = ours](auto &of) { of.idle_timeout = milliseconds(mine); }));
    if (ours == 0)
        CHECK_FALSE(solo.own->deadline());
    else
        CHECK(solo.own->deadline() == solo.own->now() + milliseconds(ours));
    auto parameters = Solo::generous();
    parameters.idle_timeout = milliseconds(theirs);
    solo.greeted(parameters);
    if (effective == 0) {
        CHECK_FALSE(solo.own->deadline());
        solo.clock.advance(100h);
        solo.own->tick();
        return solo.check_alive();
    }
    CHECK(solo.own->deadline() == solo.own->now() + milliseconds(effective / 3));
    solo.clock.advance(milliseconds(effective));
    solo.own->tick();
    CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
}

TEST_CASE("qmux connection: the longest idle time there is does no harm", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.idle_timeout = 0ms; }));
    auto parameters = Solo::generous();
    parameters.idle_timeout = std::chrono::milliseconds((std::int64_t{1} << 62) - 1);
    solo.greeted(parameters);
    REQUIRE(solo.own->deadline());
    CHECK(*solo.own->deadline() > solo.own->now() + 1000h);
    solo.own->tick();
    solo.check_alive();
}

TEST_CASE("qmux connection: a peer that never says who it is is given up, too", "[qmux]") {
    Solo solo;
    solo.frames();
    solo.clock.advance(30s);
    solo.own->tick();
    CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
}

TEST_CASE("qmux connection: the round trip is that of a ping, which who asks for it causes", "[qmux]") {
    Solo solo;
    const auto measured = [&solo] {
        solo.own->measure();
        return solo.own->stats().round_trip;
    };
    // A session may want to know before there is a peer.
    CHECK(measured() == 0us);
    CHECK(solo.frames_of<qmux::PingRequest>().empty());
    solo.greeted();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{0}});
    solo.clock.advance(30ms);
    solo.send(qmux::PingResponse{7});
    CHECK(measured() == 0us);
    CHECK(solo.is_quiet());
    solo.send(qmux::PingResponse{0});
    CHECK(measured() == 30ms);

    solo.clock.advance(969ms);
    CHECK(measured() == 30ms);
    CHECK(solo.is_quiet());
    solo.clock.advance(1ms);
    CHECK(solo.own->stats().round_trip == 30ms);
    CHECK(solo.is_quiet());
    auto due = solo.begin(solo.own->output_due().async_wait(asio::use_awaitable));
    CHECK_FALSE(due.done());
    CHECK(measured() == 30ms);
    settle_down(solo.context);
    CHECK(due.done());
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{1}});
    // There is an answer to come, and no other question before it.
    solo.clock.advance(5s);
    CHECK(measured() == 30ms);
    CHECK(solo.is_quiet());
    // Whether the peer is there is another question, whose answer does not count.
    solo.clock.advance(5s);
    solo.own->tick();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{2}});
    solo.send({qmux::PingResponse{0}, qmux::PingResponse{2}, qmux::PingResponse{1}, qmux::PingResponse{1}});
    CHECK(measured() == 10s);
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{3}});
    solo.send(qmux::PingResponse{3});
    // Sooner than the clock can tell is not unknown.
    CHECK(measured() == 1us);
}
