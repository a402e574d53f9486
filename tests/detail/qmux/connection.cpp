// The beginning and the end of a connection.
#include <comoq/detail/qmux/connection.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/error.hpp>
#include <comoq/detail/qmux/codec.hpp>

#include "detail/qmux/connection_scene.hpp"
#include "detail/qmux/octets.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/transport_scene.hpp"

namespace connection_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using qmux::Version;

namespace {

const std::error_code lost_code = make_error_code(Error::Transport);

}  // namespace

TEST_CASE("qmux connection: the parameters go first, and nothing follows before the peer's arrive", "[qmux]") {
    Solo solo(true);
    auto opening = solo.begin(solo.own->open_bidi());
    const auto first = solo.frames();
    REQUIRE(first.size() == 1);
    const auto said = qmux::decode(std::get<qmux::EncodedParameters>(first[0]));
    REQUIRE(said);
    CHECK(said->max_data == 1024 * 1024);
    CHECK(said->max_stream_data_bidi_local == 256 * 1024);
    CHECK(said->max_stream_data_bidi_remote == 256 * 1024);
    CHECK(said->max_stream_data_uni == 256 * 1024);
    CHECK(said->max_streams_bidi == 1024);
    CHECK(said->max_streams_uni == 1024);
    CHECK(said->idle_timeout == 30s);
    CHECK(said->max_record_size == 16'382);
    CHECK(said->protocols.empty());
    CHECK_FALSE(said->reset_stream_at);
    CHECK_FALSE(opening.done());
    solo.clock.advance(11s);
    solo.own->tick();
    CHECK(solo.is_quiet());
    solo.greeted();
    REQUIRE(opening.done());
    solo.write(*opening.value().send, "a");
    const auto next = solo.frames();
    REQUIRE_FALSE(next.empty());
    CHECK(std::get<qmux::Stream>(next.back()) == qmux::Stream{client_bidi(0), 0, as_span("a"), false});
}

TEST_CASE("qmux connection: -02 demands the peer's parameters first, and once, and -01 does not", "[qmux]") {
    const bool newest = GENERATE(true, false);
    const auto config = config_with([&](auto &of) { of.version = newest ? Version::Draft02 : Version::Draft01; });
    SECTION("something before them") {
        Solo solo(false, config);
        solo.stream(client_bidi(0), 0, "early");
        if (newest) return solo.check_fault(TransportError::ProtocolViolation);
        auto stream = solo.now(solo.own->accept_bidi());
        CHECK(solo.read(*stream.receive) == "early");
        // Streams opened before can be written when the parameters have come.
        solo.write(*stream.send, "late");
        CHECK(solo.frames_of<qmux::Stream>().empty());
        solo.greeted();
        CHECK(solo.frames_of<qmux::Stream>() == std::vector{qmux::Stream{client_bidi(0), 0, as_span("late"), false}});
    }
    SECTION("twice") {
        Solo solo(false, config);
        solo.greeted().greeted();
        newest ? solo.check_fault(TransportError::ProtocolViolation) : solo.check_alive();
    }
    SECTION("a close before them") {
        Solo solo(false, config);
        solo.send(qmux::ApplicationClose{26, "no"});
        CHECK(solo.closed(*solo.own) == connection_ended(26));
    }
}

TEST_CASE("qmux connection: a ping before the peer's parameters is answered after them", "[qmux]") {
    Solo solo(false, config_with([](auto &of) { of.version = Version::Draft01; }));
    solo.send(qmux::PingRequest{5});
    const auto first = solo.frames();
    REQUIRE(first.size() == 1);
    CHECK(std::holds_alternative<qmux::EncodedParameters>(first[0]));
    solo.send(qmux::PingRequest{6});
    CHECK(solo.is_quiet());
    Octets record;
    qmux::encode(Solo::generous(), record);
    solo.own->input(record);
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingResponse{5}, qmux::PingResponse{6}});
}

TEST_CASE("qmux connection: parameters that make no sense end it", "[qmux]") {
    Solo solo;
    const auto twice = of_hex("04014004014f");
    solo.send(qmux::EncodedParameters{twice});
    solo.check_fault(TransportError::TransportParameter);
}

TEST_CASE("qmux connection: parameters that cannot be sent are refused at once", "[qmux]") {
    ConnectionScene scene;
    const auto too_many = with_parameters([](auto &of) { of.max_streams_uni = (std::uint64_t{1} << 60) + 1; });
    CHECK(error_of([&] { return scene.make(true, too_many); }) == Error::Encode);
    const auto too_long = config_with([](auto &of) {
        of.protocol.clear();
        of.protocols = {std::string(20'000, 'x')};
    });
    CHECK(error_of([&] { return scene.make(true, too_long); }) == Error::Encode);
}

TEST_CASE("qmux connection: the server's preference decides on the protocol if nothing else does", "[qmux]") {
    const auto speaking = [](std::vector<std::string> protocols) {
        return config_with([&](auto &config) {
            config.protocol.clear();
            config.protocols = protocols;
        });
    };
    SECTION("both find it") {
        Pair pair(speaking({"a", "b", "c"}), speaking({"x", "c", "b"}));
        CHECK(pair.client->protocol() == "c");
        CHECK(pair.server->protocol() == "c");
    }
    SECTION("none in common") {
        Pair pair(speaking({"a"}), speaking({"b"}));
        CHECK(pair.closed(*pair.client) == make_error_code(Error::UnknownAlpn));
        CHECK(pair.closed(*pair.server) == make_error_code(Error::UnknownAlpn));
    }
    SECTION("a peer that lists none") {
        Solo solo(false, speaking({"a"}));
        CHECK(solo.own->protocol().empty());
        solo.greeted();
        solo.check_fault(TransportError::NoApplicationProtocol, make_error_code(Error::UnknownAlpn));
    }
    SECTION("by default both know all that this library speaks") {
        Pair pair((ConnectionConfig()), ConnectionConfig());
        CHECK(pair.client->protocol() == "moq-lite-06");
        CHECK(pair.server->protocol() == "moq-lite-06");
    }
    SECTION("a side that knows the protocol does not negotiate it") {
        Pair pair;
        CHECK(pair.client->protocol() == "moq-lite-05");
        CHECK(pair.client->is_client());
        CHECK_FALSE(pair.server->is_client());
    }
}

TEST_CASE("qmux connection: a close is sent last, and ends all waits", "[qmux]") {
    const std::uint64_t told = GENERATE(0u, 26u, 64u + 5u);
    const auto code = connection_ended(told);
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_bidi());
    solo.write(*stream.send, "not sent any more");
    auto reading = solo.begin(stream.receive->read());
    auto accepting = solo.begin(solo.own->accept_uni());
    auto closed = solo.begin(solo.own->closed());
    CHECK_FALSE(closed.done());
    solo.own->close(told, "done with it");
    solo.own->close(end_number, "twice");
    const auto expected = code ? code : make_error_code(Error::Closed);
    CHECK(closed.value() == code);
    CHECK(reading.code() == expected);
    CHECK(accepting.code() == expected);
    CHECK(solo.code(solo.own->open_bidi()) == expected);
    CHECK(solo.code(stream.send->write(bytes("x"))) == expected);
    stream = {};
    CHECK_FALSE(solo.own->is_silent());
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ApplicationClose{told, "done with it"}});
    CHECK(solo.own->is_silent());
    CHECK(solo.own->ends_here());
    CHECK(solo.own->open_streams() == 0);
    solo.send(qmux::PingRequest{1});
    solo.send(qmux::ApplicationClose{5, ""});
    solo.own->tick();
    solo.own->lost(make_error_code(Error::Transport));
    CHECK(solo.is_quiet());
    CHECK(solo.closed(*solo.own) == code);
}

TEST_CASE("qmux connection: a connection that is closed before it began still sends its parameters", "[qmux]") {
    Solo solo(true);
    solo.own->close(0, "");
    const auto all = solo.frames();
    REQUIRE(all.size() == 2);
    CHECK(std::holds_alternative<qmux::EncodedParameters>(all[0]));
    CHECK(all[1] == AnyFrame(qmux::ApplicationClose{0, ""}));
}

TEST_CASE("qmux connection: a reason is cut to fit, and left out if it is not UTF-8", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    SECTION("long") {
        std::string reason(1023, 'a');
        reason += "\u00e9 and more";
        solo.own->close(0, reason);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ApplicationClose{0, std::string_view(reason).substr(0, 1023)}});
    }
    SECTION("not UTF-8") {
        solo.own->close(0, "\xff");
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ApplicationClose{0, ""}});
    }
}

TEST_CASE("qmux connection: the meaning of a peer's close", "[qmux]") {
    Solo solo;
    solo.greeted();
    const auto check = [&](const AnyFrame &frame, std::error_code code) {
        auto accepting = solo.begin(solo.own->accept_bidi());
        solo.send(frame);
        CHECK(solo.closed(*solo.own) == code);
        CHECK(accepting.code() == (code ? code : make_error_code(Error::Closed)));
        // Nobody answers a close.
        CHECK(solo.is_quiet());
        CHECK(solo.own->is_silent());
        CHECK_FALSE(solo.own->ends_here());
    };
    SECTION("graceful") { check(qmux::ApplicationClose{0, "bye"}, none); }
    SECTION("by the application") { check(qmux::ApplicationClose{26, ""}, connection_ended(26)); }
    SECTION("with a number too large") {
        check(qmux::ApplicationClose{std::uint64_t{1} << 61, ""}, connection_ended(0xffff'ffff));
    }
    SECTION("no error") { check(qmux::ConnectionClose{0, 0, ""}, lost_code); }
    SECTION("internal error") { check(qmux::ConnectionClose{1, 0, ""}, lost_code); }
    SECTION("a violation") { check(qmux::ConnectionClose{0x0a, 8, "x"}, violation); }
    SECTION("flow control") { check(qmux::ConnectionClose{3, 8, "x"}, violation); }
    SECTION("a violation as JavaScript says it") { check(qmux::ConnectionClose{1002, 0, "x"}, violation); }
    SECTION("no common protocol") { check(qmux::ConnectionClose{0x178, 0, "x"}, make_error_code(Error::UnknownAlpn)); }
    SECTION("any other code") { check(qmux::ConnectionClose{std::uint64_t{1} << 61, 0, "x"}, lost_code); }
}

TEST_CASE("qmux connection: both ends agree on how it ended", "[qmux]") {
    const std::uint64_t told = GENERATE(0u, 26u);
    const auto code = connection_ended(told);
    Pair pair;
    pair.server->close(told, "x");
    pair.move();
    CHECK(pair.closed(*pair.server) == code);
    CHECK(pair.closed(*pair.client) == code);
    CHECK(pair.client->is_silent());
    CHECK(pair.server->is_silent());
}

TEST_CASE("qmux connection: a byte stream that breaks fails everything", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.stream(client_uni(0), 0, "whole", true);
    solo.stream(client_uni(1), 0, "half");
    auto whole = solo.now(solo.own->accept_uni());
    auto half = solo.now(solo.own->accept_uni());
    auto opened = solo.now(solo.own->open_uni());
    auto stopped = solo.begin(opened->stopped());
    const bool named = GENERATE(true, false);
    solo.own->lost(named ? make_error_code(Error::Timeout) : make_error_code(std::errc::connection_reset));
    const auto code = make_error_code(named ? Error::Timeout : Error::Transport);
    CHECK(solo.closed(*solo.own) == code);
    CHECK(stopped.value() == code);
    CHECK(solo.code(half->read()) == code);
    // A stream that had ended can still be read.
    CHECK(solo.read(*whole) == "whole");
    CHECK(solo.is_quiet());
    CHECK_FALSE(solo.own->ends_here());
    CHECK(solo.own->channel_end() == (named ? std::error_code() : make_error_code(std::errc::connection_reset)));
    solo.stream(client_uni(1), 4, "late");
    CHECK(solo.own->open_streams() == 0);
    // What happens to the channel later is none of its end.
    solo.own->lost(make_error_code(std::errc::broken_pipe));
    CHECK(solo.own->channel_end() == (named ? std::error_code() : make_error_code(std::errc::connection_reset)));
}

TEST_CASE("qmux connection: one that finds no memory to begin does not exist", "[qmux][memory]") {
    if (!allocations_can_fail()) return;
    std::size_t after = 0;
    for (bool failed = true; failed; ++after) {
        INFO("after " << after << " allocations");
        asio::io_context context;
        std::shared_ptr<qmux::Connection> connection;
        FailingAllocation failing(after);
        try {
            connection = std::make_shared<qmux::Connection>(context.get_executor(), true, qmux::ConnectionConfig());
        } catch (const std::bad_alloc &) {
        }
        failed = failing.stop();
        CHECK((connection == nullptr) == failed);
    }
    CHECK(after > 5);
}

}
