// Flow control: the credit that this side gives, and the credit that it gets.
#include <comoq/detail/qmux/connection.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "detail/qmux/connection_scene.hpp"
#include "support/catch.hpp"
#include "support/numbered.hpp"
#include "support/transport_scene.hpp"

namespace connection_credit_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("qmux connection: a peer that exceeds its credit ends it", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) {
                  of.max_data = 10;
                  of.max_stream_data_bidi_remote = 6;
                  of.max_stream_data_uni = 7;
              }));
    solo.greeted();
    SECTION("on a stream both ways") {
        solo.stream(client_bidi(0), 0, "123456");
        CHECK(solo.is_quiet());
        solo.stream(client_bidi(0), 6, "7");
    }
    SECTION("on a stream one way") { solo.stream(client_uni(0), 0, "12345678"); }
    SECTION("on all together") {
        solo.stream(client_bidi(0), 0, "123456");
        solo.stream(client_uni(0), 0, "7890");
        CHECK(solo.is_quiet());
        solo.stream(client_uni(1), 0, "", true);
        solo.stream(client_uni(0), 4, "1");
    }
    SECTION("by the final size of a reset") { solo.send(qmux::ResetStream{client_bidi(0), 0, 7}); }
    SECTION("by the final sizes of resets together") {
        solo.send(qmux::ResetStream{client_uni(0), 0, 6});
        auto stream = solo.begin(solo.own->accept_uni());
        CHECK(solo.frames_of<qmux::MaxData>().size() == 1);  // to 16
        solo.stream(client_uni(1), 0, "1234567");
        solo.stream(client_uni(2), 0, "123");
        solo.send(qmux::ResetStream{client_uni(3), 0, 1});
    }
    SECTION("by the largest possible final size") {
        solo.send(qmux::ResetStream{client_bidi(0), 0, (std::uint64_t{1} << 62) - 1});
    }
    solo.check_fault(TransportError::FlowControl);
}

TEST_CASE("qmux connection: reading gives new credit once half of it is left", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) {
                  of.max_data = 100;
                  of.max_stream_data_bidi_remote = 10;
              }));
    solo.greeted();
    solo.stream(client_bidi(0), 0, "1234");
    auto stream = solo.now(solo.own->accept_bidi());
    CHECK(solo.read(*stream.receive) == "1234");
    CHECK(solo.is_quiet());
    solo.stream(client_bidi(0), 4, "5");
    CHECK(solo.is_quiet());
    CHECK(solo.read(*stream.receive) == "5");
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::MaxStreamData{client_bidi(0), 15}});
    // Unread data gives none.
    solo.stream(client_bidi(0), 5, "67890abcde");
    CHECK(solo.is_quiet());
    // Nor does a stream that has ended.
    solo.stream(client_bidi(0), 15, "", true);
    CHECK(solo.read(*stream.receive) == "67890abcde");
    CHECK(solo.is_quiet());
    // Of all streams together.
    for (std::uint64_t i = 1; i <= 6; ++i) {
        solo.stream(client_bidi(i), 0, "123456", true);
        CHECK(solo.read(*solo.now(solo.own->accept_bidi()).receive) == "123456");
    }
    CHECK(solo.frames_of<qmux::MaxData>() == std::vector{qmux::MaxData{151}});
}

TEST_CASE("qmux connection: unread data of one stream does not stop the others", "[qmux]") {
    const auto unread = static_cast<std::size_t>(GENERATE(0, 49, 50, 51, 99));
    Solo solo(false, with_parameters([](auto &of) { of.max_data = 100; }));
    solo.greeted();
    solo.stream(client_uni(0), 0, std::string(unread, 'x'));
    auto held = solo.now(solo.own->accept_uni());
    solo.stream(client_uni(1), 0, "");
    auto stream = solo.now(solo.own->accept_uni());
    std::uint64_t allowed = 100;
    for (std::uint64_t sent = 0; sent < 1000; ++sent) {
        for (const auto &limit : solo.frames_of<qmux::MaxData>()) allowed = limit.limit;
        REQUIRE(unread + sent < allowed);
        solo.stream(client_uni(1), sent, "y");
        CHECK(solo.read(*stream) == "y");
    }
}

TEST_CASE("qmux connection: dropped data gives credit as if it had been read", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) {
                  of.max_data = 100;
                  of.max_stream_data_uni = 100;
              }));
    solo.greeted();
    solo.stream(client_uni(0), 0, std::string(60, 'x'));
    CHECK(solo.is_quiet());
    auto stream = solo.now(solo.own->accept_uni());
    SECTION("by a stop, and after it") {
        stream->stop(end_number);
        CHECK(solo.frames() ==
              std::vector<AnyFrame>{qmux::MaxData{160}, qmux::StopSending{client_uni(0), 2},
                                    qmux::MaxStreamData{client_uni(0), 160}});
        solo.stream(client_uni(0), 60, std::string(100, 'x'));
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::MaxData{260}, qmux::MaxStreamData{client_uni(0), 260}});
        CHECK(solo.own->open_streams() == 1);
        solo.stream(client_uni(0), 160, "", true);
        CHECK(solo.own->open_streams() == 0);
    }
    SECTION("by a reset") {
        solo.send(qmux::ResetStream{client_uni(0), 0, 60});
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::MaxData{160}});
    }
    SECTION("by a reset, also for bytes that never came") {
        solo.send(qmux::ResetStream{client_uni(0), 0, 100});
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::MaxData{200}});
    }
}

TEST_CASE("qmux connection: no more is sent than the peer allows, and the end of a stream needs no credit", "[qmux]") {
    Solo solo(true);
    auto theirs = Solo::generous();
    theirs.max_data = 10;
    theirs.max_stream_data_uni = 6;
    theirs.max_stream_data_bidi_remote = 20;
    solo.greeted(theirs);
    auto uni = solo.now(solo.own->open_uni());
    auto bidi = solo.now(solo.own->open_bidi());
    solo.write(*uni, "12345678");
    uni->finish();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::Stream{client_uni(0), 0, as_span("123456"), false}});
    solo.write(*bidi.send, "abcdef");
    bidi.send->finish();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::Stream{client_bidi(0), 0, as_span("abcd"), false}});
    auto end_only = solo.now(solo.own->open_uni());
    end_only->finish();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::Stream{client_uni(1), 0, {}, true}});
    // More credit for the stream is not more for the connection.
    solo.send(qmux::MaxStreamData{client_uni(0), 8});
    CHECK(solo.is_quiet());
    solo.send(qmux::MaxData{11});
    CHECK(solo.frames().size() == 1);
    solo.send({qmux::MaxData{14}, qmux::MaxData{3}, qmux::MaxStreamData{client_uni(0), 1}});
    solo.frames();
    CHECK(solo.own->open_streams() == 1);  // nothing has arrived on it yet
    solo.check_alive();
}

TEST_CASE("qmux connection: a missing limit means no credit", "[qmux]") {
    Solo solo(true);
    TransportParameters theirs;
    theirs.max_streams_uni = 3;
    solo.greeted(theirs);
    auto stream = solo.now(solo.own->open_uni());
    solo.write(*stream, "a");
    CHECK(solo.is_quiet());
    solo.send(qmux::MaxData{1});
    CHECK(solo.is_quiet());
    solo.send(qmux::MaxStreamData{client_uni(0), 1});
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::Stream{client_uni(0), 0, as_span("a"), false}});
}

TEST_CASE("qmux connection: each of the peer's limits applies to its own kind of stream", "[qmux]") {
    // The one of the peer's three limits that applies to the stream.
    Solo solo(true);
    auto theirs = Solo::generous();
    theirs.max_stream_data_bidi_local = 1;
    theirs.max_stream_data_bidi_remote = 2;
    theirs.max_stream_data_uni = 3;
    solo.greeted(theirs);
    auto own = solo.now(solo.own->open_bidi());
    auto uni = solo.now(solo.own->open_uni());
    solo.stream(server_bidi(0), 0, "");
    auto peers = solo.now(solo.own->accept_bidi());
    solo.write(*own.send, "12345");
    CHECK(solo.frames_of<qmux::Stream>().at(0).payload.size() == 2);
    solo.write(*uni, "12345");
    CHECK(solo.frames_of<qmux::Stream>().at(0).payload.size() == 3);
    solo.write(*peers.send, "12345");
    CHECK(solo.frames_of<qmux::Stream>().at(0).payload.size() == 1);
}

TEST_CASE("qmux connection: a writer waits while much is unsent, and learns when all is sent", "[qmux]") {
    Pair pair;
    auto send = pair.finish(pair.client->open_uni());
    constexpr std::size_t size = 3 * 1024 * 1024;
    auto writing = pair.begin(send->write(numbered(0, 0, size)));
    CHECK_FALSE(writing.done());
    send->finish();
    CHECK(writing.done());  // nobody writes to it any more
    auto sent = pair.begin(send->sent());
    pair.move();
    CHECK_FALSE(sent.done());
    auto receive = pair.finish(pair.server->accept_uni());
    std::string all;
    for (int i = 0; i < 100 && all.size() < size; ++i) {
        all += pair.read(*receive);
        pair.move();
    }
    CHECK(all == numbered(0, 0, size).view());
    CHECK(sent.done());
    CHECK(pair.at_end(*receive));
    CHECK(pair.client->open_streams() == 0);
}

namespace {

constexpr SendOrder media_order() {
    SendOrder order;
    order.priority = 255;
    return order;
}
std::size_t octets_of(const std::vector<qmux::Stream> &frames) {
    std::size_t all = 0;
    for (const auto &frame : frames) all += frame.payload.size();
    return all;
}

}  // namespace

TEST_CASE("qmux connection: media leave a part of the peer's credit to control", "[qmux]") {
    struct Case {
        std::uint64_t window, left;
    };
    const auto [window, left] = GENERATE(Case{3, 0}, Case{1'000, 250}, Case{16'384, 4'096}, Case{262'144, 16'384},
                                         Case{16 << 20, 65'536});
    Solo solo(true);
    auto theirs = Solo::generous();
    theirs.max_data = window;
    solo.greeted(theirs);
    auto media = solo.now(solo.own->open_uni());
    auto control = solo.now(solo.own->open_bidi()).send;
    media->set_order(media_order());
    auto writing = solo.begin(media->write(Bytes(std::vector<std::byte>((16 << 20) + 1000))));
    CHECK(octets_of(solo.frames_of<qmux::Stream>()) == window - left);
    CHECK(solo.is_quiet());
    auto asking = solo.begin(control->write(Bytes(std::vector<std::byte>(100'000))));
    CHECK(octets_of(solo.frames_of<qmux::Stream>()) == std::min<std::uint64_t>(left, 100'000));
    // New credit goes to control, and to media beyond what control may need next.
    solo.send(qmux::MaxData{window + 100'000 - left + 50});
    CHECK(octets_of(solo.frames_of<qmux::Stream>()) >= 100'000 - left);
    CHECK(asking.done());
}

TEST_CASE("qmux connection: control goes on where the peer reads no media", "[qmux]") {
    Pair pair(usual(), with_parameters([](auto &of) { of.max_data = 20'000; }));
    auto media = pair.finish(pair.client->open_uni());
    auto control = pair.finish(pair.client->open_bidi());
    media->set_order(media_order());
    auto writing = pair.begin(media->write(Bytes(std::vector<std::byte>(1 << 20))));
    pair.move();
    auto unread = pair.finish(pair.server->accept_uni());
    auto told = pair.begin(control.send->write(Bytes(std::string("SUBSCRIBE"))));
    auto asked = pair.finish(pair.server->accept_bidi());
    CHECK(pair.finish(asked.receive->read()).size() == 9);
    for (int message = 0; message < 1'000; ++message) {
        auto written = pair.begin(control.send->write(Bytes(std::string(500, 'u'))));
        std::size_t read = 0;
        while (read < 500) read += pair.finish(asked.receive->read()).size();
        REQUIRE(read == 500);
    }
}

}
