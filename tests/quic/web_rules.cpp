// Each rule of HTTP/3 and WebTransport that a peer can break, one at a time: the connection, or the stream, ends with its number.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "quic/raw_peer.hpp"
#include "support/catch.hpp"

namespace web_rules_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A server that waits for a session.
struct Server : RawPeerScene {
    Server() : RawPeerScene(true), accepting(begin(webtransport::accept(ours, patient()))) {}
    Begun<webtransport::Request> accepting;
};

/// A client that asks for one.
struct Client : RawPeerScene {
    Client() : RawPeerScene(false), asking(begin(webtransport::connect(ours, "test", "/", {"a"}, patient()))) {}
    /// The stream of its request.
    BidiStream request() { return finish(peer->accept_bidi()); }
    Begun<std::shared_ptr<webtransport::Session>> asking;
};

struct Broken {
    std::string_view digits;
    std::uint64_t number;
};

}  // namespace

TEST_CASE("WebTransport: a client whose control stream breaks a rule is told which", "[quic][webtransport][hostile]") {
    const auto each = GENERATE(Broken{"00 070100", 0x10a}, Broken{"00 0400 0400", 0x105}, Broken{"00 0400 0000", 0x105},
                               Broken{"00 0402 0802", 0x109}, Broken{"00 0404 08000800", 0x109}, Broken{"00 0402 0201", 0x109},
                               Broken{"00 0400 0301 00", 0x108}, Broken{"00 0400 0502 0000", 0x105}, Broken{"00 0400 404100", 0x106},
                               Broken{"00 048010 0000", 0x107}, Broken{"01 00", 0x103}, Broken{"4054 01", 0x108},
                               Broken{"02 c00161", 0x201}, Broken{"03 01", 0x202});
    INFO(each.digits);
    Server scene;
    scene.uni(octets(each.digits));
    CHECK(scene.number_of_end() == each.number);
    CHECK(scene.accepting.done());
    CHECK_THROWS(scene.accepting.value());
}

TEST_CASE("WebTransport: a client whose request breaks a rule of frames is told which", "[quic][webtransport][hostile]") {
    const auto each = GENERATE(Broken{"0001 00", 0x105}, Broken{"0400", 0x105}, Broken{"0503 000000", 0x105}, Broken{"0601 00", 0x105},
                               Broken{"0701 00", 0x105}, Broken{"0103 0000ff", 0x200}, Broken{"0103 000080", 0x200},
                               Broken{"4041 03", 0x108});
    INFO(each.digits);
    Server scene;
    scene.uni(scene.settings());
    scene.bidi(octets(each.digits));
    CHECK(scene.number_of_end() == each.number);
}

TEST_CASE("WebTransport: the end of a critical stream, and a second one, end the connection", "[quic][webtransport][hostile]") {
    Server scene;
    SECTION("the end of the control stream") {
        scene.uni(scene.settings(), true);
        CHECK(scene.number_of_end() == 0x104);
    }
    SECTION("its reset") {
        auto &control = scene.uni(scene.settings());
        scene.pass(1s);
        control.reset(0x100);
        CHECK(scene.number_of_end() == 0x104);
    }
    SECTION("the end of a stream of QPACK") {
        scene.uni(scene.settings());
        scene.uni(octets(GENERATE("02", "03")), true);
        CHECK(scene.number_of_end() == 0x104);
    }
    SECTION("a second one") {
        scene.uni(scene.settings());
        scene.uni(octets("02"));
        scene.uni(octets("03"));
        scene.pass(1s);
        CHECK_FALSE(scene.peer_closed->done());
        scene.uni(octets(GENERATE("00", "02", "03")));
        CHECK(scene.number_of_end() == 0x103);
    }
}

TEST_CASE("WebTransport: a malformed or unfinished request ends alone, and the next one has its session", "[quic][webtransport][hostile]") {
    Server scene;
    scene.uni(scene.settings());
    auto fields = h3::connect_fields("test", "/", {}, {});
    std::uint64_t number = 0x10e;
    bool is_end = false;
    Octets request;
    SECTION("without a path") {
        std::erase_if(fields, [](const h3::Field &each) { return each.name == ":path"; });
        request = scene.fields(fields);
    }
    SECTION("with a name in capitals") {
        fields.push_back({"Name", "x"});
        // An encoder does not write it: as a literal, without Huffman's code.
        request = octets("0109 0000 24 4e616d65 01 78");
    }
    SECTION("too large") {
        fields.push_back({"x", std::string(16'250, '\x7f')});
        request = scene.fields(fields);
        number = 0x107;
    }
    SECTION("without a head") {
        request = octets("2100");
        is_end = true;
        number = 0x10d;
    }
    auto &wrong = scene.bidi(request, is_end);
    CHECK(scene.number_of_end(*wrong.receive) == number);
    scene.bidi(scene.connect_request());
    REQUIRE(scene.passes_until([&] { return scene.accepting.done(); }));
    CHECK(scene.accepting.value().path() == "/");
    CHECK_FALSE(scene.peer_closed->done());
}

TEST_CASE("WebTransport: a second session is refused, other requests are answered, and the first session goes on",
          "[quic][webtransport][hostile]") {
    RawPeerScene scene(true);
    scene.begin_session();
    auto &second = scene.bidi(scene.connect_request());
    CHECK(scene.number_of_end(*second.receive) == 0x10b);
    CHECK(scene.number_of_stop(*second.send) == 0x10b);
    auto &plain = scene.bidi(scene.fields({{":method", "GET"}, {":scheme", "https"}, {":authority", "test"}, {":path", "/x"}}), true);
    const auto answer = scene.finish(all_of(*plain.receive));
    const auto frame = scene.fields({{":status", "404"}, {"content-length", "0"}});
    CHECK(answer == Bytes::copy(frame).view());
    scene.uni(octets("4054 00 61"));
    auto stream = scene.finish(scene.session->accept_uni());
    CHECK(scene.finish(stream->read()).view() == "a");
}

TEST_CASE("WebTransport: a peer's stream of an unknown type is stopped, and one that has too few bytes is forgotten",
          "[quic][webtransport][hostile]") {
    RawPeerScene scene(true);
    scene.begin_session();
    auto &grease = scene.uni(octets("21 00000000"));
    CHECK(scene.number_of_stop(grease) == 0x103);
    scene.uni(octets("40"), true);
    scene.uni(octets("4054 40"), true);
    auto &reset = scene.uni(octets("40"));
    auto &reset_first = *(scene.unis.emplace_back(scene.finish(scene.peer->open_uni())));
    scene.pass(1s);
    reset.reset(0);
    reset_first.reset(0);
    auto &cut = scene.bidi(octets("40"), true);
    CHECK(scene.number_of_end(*cut.receive) == 0x10d);
    // Two control streams, and the session's.
    CHECK(scene.passes_until([&] { return scene.ours->open_streams() == 3; }));
    CHECK_FALSE(scene.peer_closed->done());
}

TEST_CASE("WebTransport: what comes before the session begins is kept for it, within bounds", "[quic][webtransport][hostile]") {
    Server scene;
    scene.uni(octets("4054 00 6561726c79"), true);
    scene.peer->send_datagram(bytes(std::string_view("\0datagram", 9)));
    scene.peer->send_datagram(bytes(std::string_view("\1other", 6)));
    auto &other = scene.uni(octets("4054 04 61"));
    scene.pass(1s);
    scene.uni(scene.settings());
    SECTION("a few") {
        scene.bidi(scene.connect_request());
        REQUIRE(scene.passes_until([&] { return scene.accepting.done(); }));
        auto session = scene.accepting.value().accept("a");
        auto stream = scene.finish(session->accept_uni());
        CHECK(scene.finish(all_of(*stream)) == "early");
        CHECK(scene.finish(session->receive_datagram()).view() == "datagram");
        CHECK(scene.number_of_stop(other) == 0x3994bd84);
        // The same for one that comes later.
        CHECK(scene.number_of_stop(scene.uni(octets("4054 04 61"))) == 0x3994bd84);
    }
    SECTION("too many") {
        for (int i = 0; i < 62; ++i) scene.uni(octets("4054 00 61"));
        // Which of them come last is up to the library: it may wait between packets.
        scene.pass(1s);
        auto &one_more = scene.uni(octets("4054 00 61"));
        CHECK(scene.number_of_stop(one_more) == 0x3994bd84);
    }
    SECTION("too large") {
        auto &large = scene.uni(octets("4054 00") + Octets(70'000));
        CHECK(scene.number_of_stop(large) == 0x3994bd84);
    }
    CHECK_FALSE(scene.peer_closed->done());
}

TEST_CASE("WebTransport: a datagram without a session's number ends the connection", "[quic][webtransport][hostile]") {
    RawPeerScene scene(true);
    scene.begin_session();
    scene.peer->send_datagram(bytes(std::string_view("\x40", 1)));
    CHECK(scene.number_of_end() == 0x33);
}

TEST_CASE("WebTransport: a datagram of another session is dropped, and a number of HTTP/3 is nobody's code", "[quic][webtransport][hostile]") {
    RawPeerScene scene(true);
    scene.begin_session();
    scene.peer->send_datagram(bytes(std::string_view("\1other", 6)));
    scene.peer->send_datagram(bytes(std::string_view("\0mine", 5)));
    CHECK(scene.finish(scene.session->receive_datagram()).view() == "mine");
    // Chromium does so when a page goes.
    auto &reset = scene.uni(octets("4054 00 61"));
    auto stream = scene.finish(scene.session->accept_uni());
    scene.finish(stream->read());
    auto reading = scene.begin(all_of(*stream));
    reset.reset(GENERATE(std::uint64_t{0x170d7b68}, std::uint64_t{0x10c}, std::uint64_t{13}));
    REQUIRE(scene.passes_until([&] { return reading.done(); }));
    CHECK(reading.code() == Error::Cancelled);
}

TEST_CASE("WebTransport: a server that breaks a rule is told which", "[quic][webtransport][hostile]") {
    Client scene;
    SECTION("it does not know WebTransport") {
        scene.uni(octets(GENERATE("00 0400", "00 0405 ab603742 01", "00 0402 0801")));
        CHECK(scene.number_of_end() == 0x212c0d48);
        CHECK(scene.asking.code() == Error::Unsupported);
    }
    SECTION("it chooses a protocol that was not offered") {
        scene.uni(scene.settings());
        auto request = scene.request();
        scene.send(*request.send, scene.response(200, "b"));
        CHECK(scene.number_of_end() == 0x0817b3dd);
        CHECK(scene.asking.code() == Error::UnknownAlpn);
    }
    SECTION("it resets the request") {
        scene.uni(scene.settings());
        auto request = scene.request();
        request.send->reset(0x10b);
        request.receive->stop(0x10b);
        REQUIRE(scene.passes_until([&] { return scene.asking.done(); }));
        CHECK(scene.asking.code() == Error::Transport);
    }
    SECTION("its response lacks a status") {
        scene.uni(scene.settings());
        auto request = scene.request();
        scene.send(*request.send, scene.fields({{"x", "y"}}));
        CHECK(scene.number_of_end() == 0x10e);
    }
    SECTION("it makes a request") {
        scene.uni(scene.settings());
        scene.bidi(octets("0100"));
        CHECK(scene.number_of_end() == 0x103);
    }
    SECTION("it pushes") {
        scene.uni(octets("01 00"));
        CHECK(scene.number_of_end() == 0x108);
    }
}

TEST_CASE("WebTransport: a client waits for the response after interim ones, and takes streams that came before it",
          "[quic][webtransport]") {
    Client scene;
    scene.uni(scene.settings());
    auto request = scene.request();
    scene.bidi(octets("4041 00 6561726c79"));
    scene.send(*request.send, scene.response(103) + scene.response(100));
    scene.pass(1s);
    CHECK_FALSE(scene.asking.done());
    scene.send(*request.send, scene.response(200, "a"));
    REQUIRE(scene.passes_until([&] { return scene.asking.done(); }));
    const auto session = scene.asking.value();
    CHECK(session->protocol() == "a");
    auto stream = scene.finish(session->accept_bidi());
    CHECK(scene.finish(stream.receive->read()).view() == "early");
}

TEST_CASE("WebTransport: pages of other origins are refused", "[quic][webtransport]") {
    const std::string origin = GENERATE("", "https://good", "https://bad");
    RawPeerScene scene(true);
    auto config = patient();
    config.origins = {"https://good", "https://better"};
    auto accepting = scene.begin(webtransport::accept(scene.ours, std::move(config)));
    scene.uni(scene.settings());
    auto &request = scene.bidi(scene.fields(h3::connect_fields("test", "/", origin, {})));
    REQUIRE(scene.passes_until([&] { return accepting.done(); }));
    if (origin != "https://bad") {
        CHECK(accepting.value().origin() == origin);
        return;
    }
    CHECK(accepting.code() == Error::Unauthorized);
    CHECK(scene.finish(all_of(*request.receive)) == Bytes::copy(scene.fields({{":status", "403"}, {"sec-webtransport-http3-draft", "draft02"}})).view());
    CHECK(scene.number_of_end() == 0x100);
}

}
