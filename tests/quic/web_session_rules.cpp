// Sessions of WebTransport that end, and flow control.

#include <string_view>

#include "quic/raw_peer.hpp"
#include "support/catch.hpp"

namespace web_session_rules_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("WebTransport: how a peer ends a session, and how it does not", "[quic][webtransport][hostile]") {
    RawPeerScene scene(true);
    scene.begin_session();
    auto closed = scene.begin(scene.session->closed());
    auto &connect = *scene.bidis.front();
    scene.uni(octets("4054 00 61"));
    auto stream = scene.finish(scene.session->accept_uni());
    scene.finish(stream->read());
    auto reading = scene.begin(all_of(*stream));
    SECTION("with a number and a reason") {
        scene.send(*connect.send, octets("000a 6843 07 00000007 627965"), GENERATE(true, false));
        REQUIRE(scene.passes_until([&] { return closed.done(); }));
        CHECK(closed.value() == connection_ended(7));
        CHECK(reading.code() == connection_ended(7));
        CHECK(scene.session->end_reason() == "bye");
        CHECK(scene.number_of_end(*connect.receive) != 0);
        CHECK(scene.number_of_end() == 0x100);
    }
    SECTION("with the end of its stream") {
        connect.send->finish();
        REQUIRE(scene.passes_until([&] { return closed.done(); }));
        CHECK(closed.value() == none);
        CHECK(scene.number_of_end() == 0x100);
    }
    SECTION("with a reset of its stream") {
        connect.send->reset(0x10c);
        REQUIRE(scene.passes_until([&] { return closed.done(); }));
        CHECK(closed.value() == none);
        CHECK(scene.number_of_end() == 0x100);
    }
    SECTION("with the connection, well") {
        scene.peer->close(0x100, {});
        REQUIRE(scene.passes_until([&] { return closed.done(); }));
        CHECK(closed.value() == none);
    }
    SECTION("with the connection, because of an error") {
        scene.peer->close(0x106, {});
        REQUIRE(scene.passes_until([&] { return closed.done(); }));
        CHECK(closed.value() == Error::Transport);
    }
    SECTION("in the middle of a frame") {
        scene.send(*connect.send, octets("000a 68"), true);
        CHECK(scene.number_of_end() == 0x106);
        CHECK(closed.value() == Error::ProtocolViolation);
    }
    SECTION("in the middle of a capsule") {
        scene.send(*connect.send, octets("0001 68"), true);
        CHECK(scene.number_of_end() == 0x106);
    }
    SECTION("and goes on") {
        scene.send(*connect.send, octets("0007 6843 04 00000007 0001 21"));
        CHECK(scene.number_of_end() == 0x10e);
    }
    SECTION("with a reason in other octets than UTF-8") {
        scene.send(*connect.send, octets("0008 6843 05 00000007 ff"));
        CHECK(scene.number_of_end() == 0x10e);
    }
    SECTION("with a capsule that is too long") {
        scene.send(*connect.send, octets("0004 6843 4405"));
        CHECK(scene.number_of_end() == 0x10e);
    }
    SECTION("not with an unknown capsule, nor with one that announces the end") {
        scene.send(*connect.send, octets("000c 21 4002 aabb 8000 78ae 00 21 00"));
        REQUIRE(scene.passes_until([&] { return scene.session->is_draining(); }));
        CHECK_FALSE(closed.done());
        CHECK_FALSE(scene.peer_closed->done());
    }
}

TEST_CASE("WebTransport: flow control of a client that wishes it", "[quic][webtransport][hostile]") {
    quic::ConnectionConfig of_server;
    of_server.max_streams_uni = 10;
    RawPeerScene scene(true, {}, of_server);
    // One unidirectional stream, two others, and 10 bytes.
    scene.uni(octets("00") + octets("0412 08 01 33 01 ab603742 01 6b64 01 6b65 02 6b61 0a"));
    auto accepting = scene.begin(webtransport::accept(scene.ours, patient()));
    auto &connect = scene.bidi(scene.connect_request());
    REQUIRE(scene.passes_until([&] { return accepting.done(); }));
    scene.session = accepting.value().accept("a");
    auto &session = *scene.session;
    // The first is the control stream.
    auto control = scene.finish(scene.peer->accept_uni());
    SECTION("bytes wait for credit, but not those before the stream") {
        auto mine = scene.finish(session.open_uni());
        auto writing = scene.begin(mine->write(bytes("0123456789abc")));
        auto theirs = scene.finish(scene.peer->accept_uni());
        auto reading = scene.begin(theirs->read());
        REQUIRE(scene.passes_until([&] { return reading.done(); }));
        CHECK(reading.value().view() == std::string_view("\x40\x54\0" "0123456789", 13));
        scene.pass(2s);
        CHECK(mine->unsent() == 3);
        auto bidi = scene.finish(session.open_bidi());
        scene.finish(bidi.send->write(bytes("x")));
        auto other = scene.finish(scene.peer->accept_bidi());
        CHECK(scene.finish(other.receive->read()).view() == std::string_view("\x40\x41\0", 3));
        scene.send(*connect.send, octets("0006 990b4d3d 01 0e"));
        CHECK(scene.finish(theirs->read()).view() == "abc");
        CHECK(scene.finish(other.receive->read()).view() == "x");
    }
    SECTION("streams wait for credit") {
        auto mine = scene.finish(session.open_uni());
        auto waiting = scene.begin(session.open_uni());
        scene.pass(2s);
        CHECK_FALSE(waiting.done());
        scene.send(*connect.send, octets("0006 990b4d40 01 02"));
        CHECK(scene.passes_until([&] { return waiting.done(); }));
    }
    SECTION("a limit that goes back ends the connection") {
        scene.send(*connect.send, octets(GENERATE("0006 990b4d3d 01 09", "0006 990b4d3f 01 01")));
        CHECK(scene.number_of_end() == 0x045d4487);
    }
    SECTION("the client gets credit for streams that are over") {
        scene.finish(connect.receive->read());
        for (int i = 0; i < 5; ++i) {
            scene.uni(octets("4054 00 61"), true);
            auto stream = scene.finish(session.accept_uni());
            scene.finish(all_of(*stream));
        }
        CHECK(scene.finish(connect.receive->read()).view() == Bytes::copy(octets("0006 990b4d40 01 0f")).view());
    }
}

TEST_CASE("WebTransport: a session that closes tells the peer so, and ends its streams", "[quic][webtransport]") {
    RawPeerScene scene(true);
    scene.begin_session();
    auto &connect = *scene.bidis.front();
    auto mine = scene.finish(scene.session->open_uni());
    scene.finish(mine->write(bytes("x")));
    auto &theirs = scene.uni(octets("4054 00 61"));
    // The first is the control stream.
    auto control = scene.finish(scene.peer->accept_uni());
    auto seen = scene.finish(scene.peer->accept_uni());
    CHECK(scene.finish(seen->read()).view() == std::string_view("\x40\x54\0x", 4));
    scene.finish(connect.receive->read());
    scene.session->close(7, "bye");
    const auto words = scene.finish(all_of(*connect.receive));
    CHECK(words == Bytes::copy(octets("000a 6843 07 00000007 627965")).view());
    CHECK(scene.number_of_end(*seen) == 0x170d7b68);
    CHECK(scene.number_of_stop(theirs) == 0x170d7b68);
    CHECK_FALSE(scene.peer_closed->done());
    connect.send->finish();
    CHECK(scene.number_of_end() == 0x100);
}

}
