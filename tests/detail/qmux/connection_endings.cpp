// The ends of streams, also early ones, and what may follow an end.
#include <comoq/detail/qmux/connection.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <comoq/error.hpp>

#include "detail/qmux/connection_scene.hpp"
#include "support/catch.hpp"
#include "support/transport_scene.hpp"

namespace connection_endings_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("qmux connection: data that does not follow the data before it ends it", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.stream(client_bidi(0), 0, "abc");
    SECTION("a gap") { solo.stream(client_bidi(0), 4, "e"); }
    SECTION("an overlap") { solo.stream(client_bidi(0), 2, "cd"); }
    SECTION("a repetition") { solo.stream(client_bidi(0), 0, "abc"); }
    SECTION("an end beyond") { solo.stream(client_bidi(0), 4, "", true); }
    SECTION("a first frame that does not begin at 0") { solo.stream(client_bidi(1), 1, "b"); }
    solo.check_fault(TransportError::ProtocolViolation);
}

TEST_CASE("qmux connection: nothing may follow the end of a stream that is remembered", "[qmux]") {
    const bool was_read = GENERATE(true, false);
    const bool bidi = GENERATE(true, false);
    const auto id = bidi ? client_bidi(0) : client_uni(0);
    Solo solo;
    solo.greeted();
    BidiStream both;
    ReceivePtr one;
    solo.stream(id, 0, "abc", true);
    bidi ? void(both = solo.now(solo.own->accept_bidi())) : void(one = solo.now(solo.own->accept_uni()));
    ReceiveStream &stream = bidi ? *both.receive : *one;
    if (was_read) CHECK(solo.read(stream) == "abc");
    const auto check = [&] {
        if (was_read) {
            CHECK(solo.at_end(stream));
            solo.check_alive();
        } else {
            solo.check_fault(TransportError::FinalSize);
        }
    };
    SECTION("data after FIN") {
        solo.stream(id, 3, "d");
        check();
    }
    SECTION("FIN after FIN") {
        solo.stream(id, 3, "", true);
        check();
    }
    SECTION("a reset with a larger size") {
        solo.send(qmux::ResetStream{id, 0, 4});
        check();
    }
    SECTION("FIN and then RESET is a habit of peers") {
        solo.send(qmux::ResetStream{id, 0, 3});
        solo.send(qmux::ResetStream{id, 0, 0});
        solo.check_alive();
        CHECK(solo.read(stream) == (was_read ? "" : "abc"));
        CHECK(solo.at_end(stream));
    }
}

TEST_CASE("qmux connection: data after a reset is dropped, and counts for nothing", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.max_data = of.max_stream_data_uni = 20; }));
    solo.greeted();
    solo.stream(client_uni(0), 0, "abc");
    solo.send(qmux::ResetStream{client_uni(0), 2, 3});
    solo.send(qmux::ResetStream{client_uni(0), 2, 3});
    auto stream = solo.now(solo.own->accept_uni());
    CHECK(solo.code(stream->read()) == stream_ended(end_number));
    for (std::uint64_t i = 0; i < 10; ++i) solo.stream(client_uni(0), 3 + 15 * i, std::string(15, 'x'));
    CHECK(solo.is_quiet());
    // The remaining credit is still what the first three bytes left.
    solo.stream(client_uni(1), 0, std::string(17, 'x'));
    CHECK(solo.frames_of<qmux::MaxData>() == std::vector{qmux::MaxData{23}});
}

TEST_CASE("qmux connection: a reset has the stream's size, and a size that is too small is ignored", "[qmux]") {
    // JavaScript sends the size from before the frame that it is writing, and 0 for a stream that it has forgotten.
    const std::uint64_t size = GENERATE(0u, 2u, 3u);
    Solo solo;
    solo.greeted();
    solo.stream(client_uni(0), 0, "abc");
    auto stream = solo.now(solo.own->accept_uni());
    solo.send(qmux::ResetStream{client_uni(0), 2, size});
    CHECK(solo.code(stream->read()) == stream_ended(end_number));
    CHECK(solo.own->open_streams() == 0);
    solo.check_alive();
}

TEST_CASE("qmux connection: numbers of any size are understood", "[qmux]") {
    Solo solo;
    solo.greeted();
    const std::uint64_t told = GENERATE(0u, 1u, 13u, 0x33u, 468u, 0xffff'ffffu, max_end_number);
    solo.send(qmux::ResetStream{client_uni(0), told, 0});
    CHECK(solo.code(solo.now(solo.own->accept_uni())->read()) == stream_ended(told));
}

TEST_CASE("qmux connection: numbers go out as they are, and those that do not fit as the largest", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    const std::uint64_t told = GENERATE(0u, 13u, 0x33u, std::uint64_t{1} << 40, max_end_number, max_end_number + 1);
    const auto sent = std::min(told, max_end_number);
    auto stream = solo.now(solo.own->open_uni());
    stream->reset(told);
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), sent, 0}});
    solo.stream(server_uni(0), 0, "a");
    auto other = solo.now(solo.own->accept_uni());
    other->stop(told);
    CHECK(solo.frames_of<qmux::StopSending>() == std::vector{qmux::StopSending{server_uni(0), sent}});
    solo.own->close(told, "");
    CHECK(solo.frames_of<qmux::ApplicationClose>() == std::vector{qmux::ApplicationClose{sent, ""}});
}

TEST_CASE("qmux connection: a stream that is stopped fails with the code, and is reset with it", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    solo.write(*stream, "abc");
    solo.frames();
    solo.write(*stream, "never sent");
    const bool finished = GENERATE(true, false);
    if (finished) stream->finish();
    auto stopped = solo.begin(stream->stopped());
    solo.send({qmux::StopSending{client_uni(0), 26}, qmux::StopSending{client_uni(0), 2}});
    CHECK(stopped.value() == stream_ended(26));
    CHECK(solo.code(stream->write(bytes("x"))) == stream_ended(26));
    CHECK(solo.code(stream->sent()) == stream_ended(26));
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 26, 3}});
    CHECK(solo.own->open_streams() == 0);
    // The stream is over, which the peer may not know yet.
    solo.send({qmux::StopSending{client_uni(0), 26}, qmux::MaxStreamData{client_uni(0), 1 << 20}});
    CHECK(solo.is_quiet());
    solo.check_alive();
}

TEST_CASE("qmux connection: a number of more than 32 bits goes back unchanged", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    const std::uint64_t code = std::uint64_t{1} << 40;
    solo.send(qmux::StopSending{client_uni(0), code});
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), code, 0}});
}

TEST_CASE("qmux connection: a stop of a finished stream does nothing", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    solo.write(*stream, "abc");
    SECTION("finished") {
        stream->finish();
        CHECK(solo.frames().size() == 1);
        solo.now(stream->sent());
    }
    SECTION("reset") {
        stream->reset(end_number);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 2, 0}});
    }
    solo.send(qmux::StopSending{client_uni(0), 0});
    CHECK(solo.is_quiet());
    solo.check_alive();
}

TEST_CASE("qmux connection: the first end of a stream counts", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    solo.write(*stream, "abc");
    SECTION("reset after finish") {
        stream->finish();
        stream->reset(end_number);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 2, 0}});
    }
    SECTION("reset after the end was sent") {
        stream->finish();
        solo.frames();
        stream->reset(end_number);
        CHECK(solo.is_quiet());
    }
    SECTION("stopped and reset") {
        solo.send(qmux::StopSending{client_uni(0), 7});
        stream->reset(end_number);
        stream->finish();
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 7, 0}});
    }
    SECTION("an end that waits for its turn, and then a reset") {
        solo.frames();
        stream->finish();
        stream->reset(end_number);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 2, 3}});
    }
    CHECK(solo.own->open_streams() == 0);
}

TEST_CASE("qmux connection: destroyed handles leave no stream open, and tell the peer 0, or the number set for that",
          "[qmux]") {
    Pair pair;
    auto here = std::make_optional(pair.finish(pair.client->open_bidi()));
    const bool used = GENERATE(true, false);
    if (used) pair.write(*here->send, "a");
    const bool known = GENERATE(true, false);
    if (known) pair.move();
    const std::uint64_t told = GENERATE(0u, 1u);
    if (told != 0) pair.client->abandon_with(told);
    here.reset();
    pair.move();
    {
        auto there = pair.finish(pair.server->accept_bidi());
        CHECK(pair.code(there.receive->read()) == stream_ended(told));
        CHECK(pair.now(there.send->stopped()) == stream_ended(told));
    }
    pair.move();
    CHECK(pair.client->open_streams() == 0);
    CHECK(pair.server->open_streams() == 0);
}

TEST_CASE("qmux connection: STREAM opens a stream, whatever its first frame is", "[qmux]") {
    // For peers in JavaScript no other frame opens a stream: they would not end their direction.
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_bidi());
    const AnyFrame announced = qmux::Stream{client_bidi(0), 0, {}, false};
    SECTION("reset") {
        stream.send->reset(end_number);
        CHECK(solo.frames() == std::vector<AnyFrame>{announced, qmux::ResetStream{client_bidi(0), 2, 0}});
        stream.receive->stop(end_number);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::StopSending{client_bidi(0), 2}});
    }
    SECTION("stop") {
        stream.receive->stop(end_number);
        CHECK(solo.frames() == std::vector<AnyFrame>{announced, qmux::StopSending{client_bidi(0), 2}});
        stream.send->reset(end_number);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_bidi(0), 2, 0}});
    }
    SECTION("both") {
        stream = {};
        CHECK(solo.frames() ==
              std::vector<AnyFrame>{announced, qmux::StopSending{client_bidi(0), 0}, qmux::ResetStream{client_bidi(0), 0, 0}});
    }
    SECTION("data") {
        stream.receive->stop(end_number);
        solo.write(*stream.send, "a");
        CHECK(solo.frames() == std::vector<AnyFrame>{announced, qmux::StopSending{client_bidi(0), 2},
                                                  qmux::Stream{client_bidi(0), 0, as_span("a"), false}});
    }
    SECTION("one way: no direction could stay open") {
        auto uni = solo.now(solo.own->open_uni());
        uni->reset(end_number);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 2, 0}});
    }
}

TEST_CASE("qmux connection: a stop that comes too late is not sent", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.stream(client_uni(0), 0, "a");
    auto stream = solo.now(solo.own->accept_uni());
    stream->stop(end_number);
    solo.stream(client_uni(0), 1, "", true);
    CHECK(solo.frames_of<qmux::StopSending>().empty());
    CHECK(solo.own->open_streams() == 0);
}

}
