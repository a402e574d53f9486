// Which streams exist, how many there may be, and datagrams.
#include <comoq/detail/qmux/connection.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detail/qmux/connection_scene.hpp"
#include "detail/qmux/octets.hpp"
#include "support/catch.hpp"
#include "support/numbered.hpp"
#include "support/transport_scene.hpp"

namespace connection_streams_tests {

using namespace comoq;
using namespace comoq::test;
using qmux::Direction;

TEST_CASE("qmux connection: bytes arrive whole and in order, both ways, and leave nothing behind", "[qmux]") {
    Pair pair;
    auto here = pair.finish(pair.client->open_bidi());
    pair.write(*here.send, "question");
    here.send->finish();
    auto there = pair.finish(pair.server->accept_bidi());
    CHECK(pair.read(*there.receive) == "question");
    CHECK(pair.at_end(*there.receive));
    pair.write(*there.send, "answer");
    there.send->finish();
    pair.move();
    CHECK(pair.read(*here.receive) == "answer");
    CHECK(pair.at_end(*here.receive));
    auto uni = pair.finish(pair.server->open_uni());
    pair.write(*uni, "one way");
    uni->finish();
    auto got = pair.finish(pair.client->accept_uni());
    CHECK(pair.read(*got) == "one way");
    CHECK(pair.client->open_streams() == 0);
    CHECK(pair.server->open_streams() == 0);
}

TEST_CASE("qmux connection: ids tell who opened a stream and its kind", "[qmux]") {
    const bool client = GENERATE(true, false);
    Solo solo(client);
    solo.greeted();
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 2; ++i) {
        auto bidi = solo.now(solo.own->open_bidi());
        auto uni = solo.now(solo.own->open_uni());
        solo.write(*bidi.send, "b");
        solo.write(*uni, "u");
        for (const auto &frame : solo.frames_of<qmux::Stream>()) ids.push_back(frame.id);
    }
    using Ids = std::vector<std::uint64_t>;
    CHECK(ids == (client ? Ids{0, 2, 4, 6} : Ids{1, 3, 5, 7}));
}

TEST_CASE("qmux connection: opening a stream opens all before it", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.stream(client_uni(2), 0, "c", true);
    solo.stream(client_uni(0), 0, "a", true);
    std::string all;
    auto first = solo.now(solo.own->accept_uni());
    auto second = solo.now(solo.own->accept_uni());
    auto third = solo.now(solo.own->accept_uni());
    CHECK(solo.read(*first) == "a");
    CHECK(solo.read(*third) == "c");
    CHECK(solo.own->open_streams() == 1);
    solo.stream(client_uni(1), 0, "b", true);
    CHECK(solo.read(*second) == "b");
    CHECK(solo.own->open_streams() == 0);
}

TEST_CASE("qmux connection: every frame about a stream can open it", "[qmux]") {
    const int kind = GENERATE(range(0, 5));
    Solo solo;
    solo.greeted();
    switch (kind) {
    case 0: solo.stream(client_bidi(0), 0, ""); break;
    case 1: solo.send(qmux::ResetStream{client_bidi(0), 2, 0}); break;
    case 2: solo.send(qmux::StopSending{client_bidi(0), 2}); break;
    case 3: solo.send(qmux::MaxStreamData{client_bidi(0), 5}); break;
    default: solo.send(qmux::StreamDataBlocked{client_bidi(0), 0});
    }
    auto stream = solo.now(solo.own->accept_bidi());
    if (kind == 1) CHECK(solo.code(stream.receive->read()) == stream_ended(end_number));
    if (kind == 2) CHECK(solo.now(stream.send->stopped()) == stream_ended(end_number));
    stream = {};
    solo.frames();
    solo.send(qmux::ResetStream{client_bidi(0), 0, 0});
    CHECK(solo.own->open_streams() == 0);
    solo.check_alive();
}

TEST_CASE("qmux connection: frames of streams that go the other way, or that nobody opened, end it", "[qmux]") {
    Solo solo;
    solo.greeted();
    const auto check = [&](const AnyFrame &frame) {
        solo.send(frame);
        solo.check_fault(TransportError::StreamState);
    };
    // Streams on which only this side sends, or only the peer.
    SECTION("STREAM") { check(qmux::Stream{server_uni(0), 0, {}, false}); }
    SECTION("RESET_STREAM") { check(qmux::ResetStream{server_uni(0), 0, 0}); }
    SECTION("STREAM_DATA_BLOCKED") { check(qmux::StreamDataBlocked{server_uni(0), 0}); }
    SECTION("STOP_SENDING") { check(qmux::StopSending{client_uni(0), 0}); }
    SECTION("MAX_STREAM_DATA") { check(qmux::MaxStreamData{client_uni(0), 0}); }
    // This side's stream, which is not open yet.
    SECTION("STREAM too early") { check(qmux::Stream{server_bidi(0), 0, {}, false}); }
    SECTION("RESET_STREAM too early") { check(qmux::ResetStream{server_bidi(0), 0, 0}); }
    SECTION("STOP_SENDING too early") { check(qmux::StopSending{server_bidi(0), 0}); }
    SECTION("STOP_SENDING too early, one way") { check(qmux::StopSending{server_uni(0), 0}); }
    SECTION("MAX_STREAM_DATA too early") { check(qmux::MaxStreamData{server_uni(0), 0}); }
    SECTION("STREAM_DATA_BLOCKED too early") { check(qmux::StreamDataBlocked{server_bidi(0), 0}); }
}

TEST_CASE("qmux connection: no more streams are opened than the peer allows", "[qmux]") {
    Solo solo(true);
    auto theirs = Solo::generous();
    theirs.max_streams_bidi = 1;
    theirs.max_streams_uni = 0;
    solo.greeted(theirs);
    auto first = solo.now(solo.own->open_bidi());
    auto second = solo.begin(solo.own->open_bidi());
    auto third = solo.begin(solo.own->open_bidi());
    auto uni = solo.begin(solo.own->open_uni());
    CHECK_FALSE(second.done());
    CHECK_FALSE(uni.done());
    solo.send(qmux::MaxStreams{Direction::Bidi, 2});
    CHECK(second.done());
    CHECK_FALSE(third.done());
    // A limit never sinks.
    solo.send(qmux::MaxStreams{Direction::Bidi, 1});
    solo.send(qmux::MaxStreams{Direction::Bidi, 3});
    CHECK(third.done());
    CHECK_FALSE(uni.done());
    solo.send(qmux::MaxStreams{Direction::Uni, 1});
    CHECK(uni.done());
}

TEST_CASE("qmux connection: a peer that opens too many streams ends it", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.max_streams_bidi = of.max_streams_uni = 3; }));
    solo.greeted();
    SECTION("bidi") {
        solo.stream(client_bidi(2), 0, "");
        CHECK(solo.own->open_streams() == 3);
        solo.stream(client_bidi(3), 0, "");
    }
    SECTION("uni") {
        solo.stream(client_uni(2), 0, "");
        solo.stream(client_uni(3), 0, "");
    }
    SECTION("the largest possible id") { solo.stream((std::uint64_t{1} << 62) - 4, 0, ""); }
    SECTION("by STOP_SENDING") { solo.send(qmux::StopSending{client_bidi(3), 0}); }
    solo.check_fault(TransportError::StreamLimit);
}

TEST_CASE("qmux connection: a stream makes room for another once it was accepted and is over", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.max_streams_bidi = of.max_streams_uni = 2; }));
    solo.greeted();
    SECTION("one way: over before it is accepted") {
        solo.stream(client_uni(0), 0, "", true);
        CHECK(solo.is_quiet());
        auto stream = solo.now(solo.own->accept_uni());
        CHECK(solo.frames_of<qmux::MaxStreams>() == std::vector{qmux::MaxStreams{Direction::Uni, 3}});
        CHECK(solo.at_end(*stream));
    }
    SECTION("one way: the bytes are read after the end") {
        solo.stream(client_uni(0), 0, "a", true);
        auto stream = solo.now(solo.own->accept_uni());
        CHECK(solo.is_quiet());
        CHECK(solo.read(*stream) == "a");
        CHECK(solo.frames_of<qmux::MaxStreams>() == std::vector{qmux::MaxStreams{Direction::Uni, 3}});
    }
    SECTION("one way: a reset") {
        solo.stream(client_uni(0), 0, "a");
        auto stream = solo.now(solo.own->accept_uni());
        solo.send(qmux::ResetStream{client_uni(0), 0, 1});
        CHECK(solo.frames_of<qmux::MaxStreams>() == std::vector{qmux::MaxStreams{Direction::Uni, 3}});
    }
    SECTION("both ways: both directions") {
        solo.stream(client_bidi(0), 0, "", true);
        auto stream = solo.now(solo.own->accept_bidi());
        CHECK(solo.is_quiet());
        stream.send->finish();
        CHECK(solo.frames() ==
              std::vector<AnyFrame>{qmux::Stream{client_bidi(0), 0, {}, true}, qmux::MaxStreams{Direction::Bidi, 3}});
    }
}

TEST_CASE("qmux connection: long-lived streams take no credit from others", "[qmux]") {
    constexpr std::uint64_t most = 8;
    const auto living = static_cast<std::uint64_t>(GENERATE(range(0, 8)));
    Solo solo(false, with_parameters([](auto &of) { of.max_streams_uni = most; }));
    solo.greeted();
    std::vector<ReceivePtr> kept;
    std::uint64_t allowed = most, next = 0;
    for (; next < living; ++next) {
        solo.stream(client_uni(next), 0, "x");
        kept.push_back(solo.now(solo.own->accept_uni()));
    }
    for (; next < 100; ++next) {
        for (const auto &limit : solo.frames_of<qmux::MaxStreams>()) allowed = limit.limit;
        REQUIRE(next < allowed);
        solo.stream(client_uni(next), 0, "x", true);
        CHECK(solo.read(*solo.now(solo.own->accept_uni())) == "x");
        CHECK(solo.own->open_streams() == living);
    }
}

TEST_CASE("qmux connection: streams that nobody accepts stay within the limit", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.max_streams_uni = 50; }));
    solo.greeted();
    for (std::uint64_t i = 0; i < 50; ++i) {
        solo.stream(client_uni(i), 0, "", true);
        solo.send(qmux::ResetStream{client_uni(i), 0, 0});
    }
    CHECK(solo.is_quiet());
    CHECK(solo.own->open_streams() == 50);
    solo.stream(client_uni(50), 0, "");
    solo.check_fault(TransportError::StreamLimit);
}

TEST_CASE("qmux connection: a peer that ends no stream does not make this side open them without end", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    const auto most = qmux::detail::StreamTable::most_own;
    for (std::uint64_t i = 0; i < most; ++i) {
        solo.now(solo.own->open_bidi());
        if (i % 1000 == 0) solo.frames();
    }
    solo.frames();
    CHECK(solo.own->open_streams() == most);
    auto opening = solo.begin(solo.own->open_bidi());
    CHECK_FALSE(opening.done());
    solo.send(qmux::ResetStream{client_bidi(7), 0, 0});
    CHECK(opening.done());
}

TEST_CASE("qmux connection: datagrams are sent if the peer accepts them", "[qmux]") {
    Pair pair;
    CHECK(pair.client->max_datagram_size() == 1497);
    auto receiving = pair.begin(pair.server->receive_datagram());
    pair.client->send_datagram(bytes("datagram"));
    pair.client->send_datagram(numbered(1, 0, 1497));
    pair.client->send_datagram(numbered(1, 0, 1498));
    pair.move();
    CHECK(receiving.value().view() == "datagram");
    CHECK(pair.now(pair.server->receive_datagram()) == numbered(1, 0, 1497));
    CHECK_FALSE(pair.begin(pair.server->receive_datagram()).done());
    CHECK_FALSE(pair.closed(*pair.server));
}

TEST_CASE("qmux connection: a peer without datagrams gets none, and must not send any", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.max_datagram_frame_size = 5; }));
    auto theirs = Solo::generous();
    theirs.max_datagram_frame_size = GENERATE(0u, 1u, 2u);
    CHECK(solo.own->max_datagram_size() == 0);
    solo.greeted(theirs);
    CHECK(solo.own->max_datagram_size() == 0);
    solo.own->send_datagram(bytes("x"));
    CHECK(solo.is_quiet());
    solo.own->input(of_hex("3001020304"));
    CHECK(solo.now(solo.own->receive_datagram()).size() == 4);
    solo.own->input(of_hex("300102030405"));
    solo.check_fault(TransportError::ProtocolViolation);
}

TEST_CASE("qmux connection: unsent datagrams make room for later ones", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    for (int i = 0; i < 1000; ++i) solo.own->send_datagram(bytes(std::to_string(i)));
    const auto sent = solo.frames_of<qmux::Datagram>();
    REQUIRE(sent.size() == 256);
    CHECK(text_of(sent.front().payload) == "744");
    CHECK(text_of(sent.back().payload) == "999");
}

}
