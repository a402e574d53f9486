// Time: pings, and peers that are silent for too long.
#include <comoq/detail/qmux/connection.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include <comoq/error.hpp>

#include "detail/qmux/connection_scene.hpp"
#include "support/catch.hpp"
#include "support/transport_scene.hpp"

namespace connection_time_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("qmux connection: a silent peer is pinged, and then given up", "[qmux]") {
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

TEST_CASE("qmux connection: anything from the peer answers a ping, and an unwritten ping does not count", "[qmux]") {
    const bool is_written = GENERATE(true, false);
    Solo solo;
    solo.greeted();
    const auto start = solo.own->now();
    solo.clock.advance(10s);
    solo.own->tick();
    if (is_written) solo.frames();
    solo.clock.advance(9999ms);
    solo.own->tick();
    if (is_written) {
        solo.stream(client_uni(0), 0, "x");
        CHECK(solo.own->deadline() == start + 19999ms + 1ms);
        solo.clock.advance(1ms);
        solo.own->tick();
        CHECK(solo.frames_of<qmux::PingRequest>().size() == 1);
        CHECK(solo.own->deadline() == start + 30s);
    } else {
        solo.clock.advance(10s);
        solo.own->tick();
        CHECK_FALSE(solo.closed(*solo.own));
        solo.clock.advance(1ms);
        solo.own->tick();
        CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
    }
}

TEST_CASE("qmux connection: a peer that pings and reads nothing is given up after the idle time", "[qmux]") {
    // Why it takes nothing: its socket is full, or it gives no credit.
    const bool is_full = GENERATE(true, false);
    Solo solo(true);
    auto theirs = Solo::generous();
    theirs.max_stream_data_uni = 3;
    solo.greeted(theirs);
    auto stream = solo.now(solo.own->open_uni());
    solo.write(*stream, "abcd");
    OutgoingRecord record;
    REQUIRE(solo.own->output(record));
    const auto start = solo.own->now();
    std::uint64_t asked = 0;
    while (!solo.closed(*solo.own)) {
        solo.send(qmux::PingRequest{asked++});
        if (!is_full) {
            static_cast<void>(solo.own->output_due());
            while (solo.own->output(record)) static_cast<void>(solo.own->output_due());
        }
        solo.clock.advance(500ms);
        solo.own->tick();
        REQUIRE(solo.own->now() <= start + 41s);
    }
    CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
    CHECK(solo.own->now() >= start + 30s);
    CHECK(solo.code(stream->write(bytes("e"))) == make_error_code(Error::Timeout));
}

TEST_CASE("qmux connection: a peer that reads a little now and then is kept", "[qmux]") {
    Solo solo(true);
    auto theirs = Solo::generous();
    theirs.max_stream_data_uni = 1;
    solo.greeted(theirs);
    auto stream = solo.now(solo.own->open_uni());
    solo.write(*stream, std::string(100, 'x'));
    for (std::uint64_t credit = 2; credit < 10; ++credit) {
        for (int i = 0; i < 29; ++i) {
            solo.clock.advance(1s);
            solo.own->tick();
            solo.frames();
            static_cast<void>(solo.own->output_due());
            solo.send(qmux::MaxData{1});
        }
        solo.send(qmux::MaxStreamData{client_uni(0), credit});
    }
    solo.check_alive();
    // Nothing waits any more: the peer may take as long as it likes.
    solo.send(qmux::MaxStreamData{client_uni(0), 100});
    for (int i = 0; i < 100; ++i) {
        solo.frames();
        solo.clock.advance(5s);
        solo.own->tick();
        solo.send(qmux::MaxData{1});
    }
    solo.check_alive();
}

TEST_CASE("qmux connection: a connection without a backlog is not given up because a record was taken late", "[qmux]") {
    Solo solo;
    solo.greeted();
    OutgoingRecord record;
    for (int i = 0; i < 20; ++i) {
        solo.clock.advance(10s);
        solo.own->tick();
        REQUIRE(solo.own->output(record));
        solo.clock.advance(5s);
        solo.own->tick();
        static_cast<void>(solo.own->output_due());
        solo.send(qmux::MaxData{1});
    }
    CHECK_FALSE(solo.closed(*solo.own));
}

TEST_CASE("qmux connection: pings increase, and only pings are answered", "[qmux]") {
    const bool is_old = GENERATE(false, true);
    Solo solo(false, config_with([&](auto &config) {
                  config.version = is_old ? qmux::Version::Draft01 : qmux::Version::Draft02;
              }));
    solo.greeted();
    solo.own->measure();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{0}});
    solo.send({qmux::PingRequest{3}, qmux::PingResponse{0}, qmux::PingResponse{0}, qmux::PingRequest{9}});
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingResponse{3}, qmux::PingResponse{9}});
    SECTION("a ping twice") { solo.send(qmux::PingRequest{9}); }
    SECTION("a ping that goes back") { solo.send(qmux::PingRequest{8}); }
    SECTION("an answer to a ping that was never sent") { solo.send(qmux::PingResponse{1}); }
    if (!is_old) return solo.check_fault(TransportError::ProtocolViolation);
    solo.frames();
    solo.check_alive();
}

TEST_CASE("qmux connection: two silent ends keep each other alive", "[qmux]") {
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

TEST_CASE("qmux connection: an end that only sends pings a peer that only listens", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    std::size_t asked = 0;
    for (int i = 0; i < 19; ++i) {
        solo.clock.advance(1s);
        solo.own->tick();
        solo.write(*stream, "x");
        asked += solo.frames_of<qmux::PingRequest>().size();
    }
    // The other one marks what is on the way.
    CHECK(asked == 2);
    CHECK_FALSE(solo.closed(*solo.own));
    // This side only listens and pings now and then.
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

TEST_CASE("qmux connection: the shorter idle time counts, and a missing one means no limit", "[qmux]") {
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

TEST_CASE("qmux connection: the longest possible idle time does no harm", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.idle_timeout = 0ms; }));
    auto parameters = Solo::generous();
    parameters.idle_timeout = std::chrono::milliseconds((std::int64_t{1} << 62) - 1);
    solo.greeted(parameters);
    REQUIRE(solo.own->deadline());
    CHECK(*solo.own->deadline() > solo.own->now() + 1000h);
    solo.own->tick();
    solo.check_alive();
}

TEST_CASE("qmux connection: a peer that never sends its parameters is given up, too", "[qmux]") {
    Solo solo;
    solo.frames();
    solo.clock.advance(30s);
    solo.own->tick();
    CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
}

TEST_CASE("qmux connection: the round trip is that of a ping, which measure() causes", "[qmux]") {
    Solo solo;
    const auto measured = [&solo] {
        solo.own->measure();
        return solo.own->stats().round_trip;
    };
    // A session may ask before there is a peer.
    CHECK(measured() == 0us);
    CHECK(solo.frames_of<qmux::PingRequest>().empty());
    solo.greeted();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{0}});
    solo.clock.advance(30ms);
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
    // An answer is outstanding, and no other ping is sent before it.
    solo.clock.advance(5s);
    CHECK(measured() == 30ms);
    CHECK(solo.is_quiet());
    // The idle timer's ping is another question, and its answer does not count.
    solo.send(qmux::MaxData{1});
    solo.clock.advance(5s);
    solo.own->tick();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{2}});
    solo.send({qmux::PingResponse{0}, qmux::PingResponse{2}, qmux::PingResponse{1}, qmux::PingResponse{1}});
    CHECK(measured() == 10s);
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{3}});
    solo.send(qmux::PingResponse{3});
    // An answer faster than the clock's resolution still counts as known.
    CHECK(measured() == 1us);
}

}
