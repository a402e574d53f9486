// Sessions of WebTransport between two ends of ours.
#include <comoq/webtransport/accept.hpp>
#include <comoq/webtransport/connect.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "quic/web_scene.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace web_session_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("WebTransport: the server sees what the client asks for, and both have the protocol that it chose", "[quic][webtransport]") {
    WebScene scene;
    auto asking = scene.ask("/room?jwt=x", {"moq-lite-06", "with \"quotes\" and \\"});
    auto asked = scene.request();
    CHECK(asked.path() == "/room?jwt=x");
    CHECK(asked.authority() == "test");
    CHECK(asked.origin().empty());
    CHECK(asked.protocols() == std::vector<std::string>{"moq-lite-06", "with \"quotes\" and \\"});
    CHECK(error_of([&] { return asked.accept("another"); }) == Error::UnknownAlpn);
    const auto there = asked.accept("with \"quotes\" and \\");
    CHECK(there->protocol() == "with \"quotes\" and \\");
    REQUIRE(scene.passes_until([&] { return asking.done(); }));
    CHECK(asking.value()->protocol() == "with \"quotes\" and \\");
    CHECK(asking.value()->is_client());
    CHECK_FALSE(there->is_client());
    CHECK(error_of([&] { return asked.path(); }) == Error::Closed);
}

TEST_CASE("WebTransport: streams in both directions, their ends, and datagrams", "[quic][webtransport]") {
    LinkFaults network;
    if (GENERATE(false, true)) network.lost = network.late = network.doubled = 50;
    WebScene scene(network, seed("WebTransport: streams"));
    scene.begin_session();
    const bool of_client = GENERATE(true, false);
    auto &one = of_client ? *scene.here : *scene.there;
    auto &other = of_client ? *scene.there : *scene.here;
    const std::string text(100'000, 'x');
    auto uni = scene.finish(one.open_uni());
    auto writing = scene.begin(uni->write(as_span("head"), bytes(text)));
    uni->finish();
    auto uni_there = scene.finish(other.accept_uni());
    CHECK(scene.finish(all_of(*uni_there)) == "head" + text);
    scene.finish(uni->sent());
    auto bidi = scene.finish(one.open_bidi());
    scene.finish(bidi.send->write(bytes("ask")));
    auto bidi_there = scene.finish(other.accept_bidi());
    CHECK(scene.finish(bidi_there.receive->read()).view() == "ask");
    scene.finish(bidi_there.send->write(bytes("answer")));
    bidi_there.send->finish();
    CHECK(scene.finish(all_of(*bidi.receive)) == "answer");
    if (network.lost != 0) return;
    CHECK(one.max_datagram_size() > 1000);
    auto datagram = scene.begin(other.receive_datagram());
    one.send_datagram(bytes(std::size_t{1100}));
    REQUIRE(scene.passes_until([&] { return datagram.done(); }));
    CHECK(datagram.value().size() == 1100);
}

TEST_CASE("WebTransport: a stream ends with the number that the other side gave", "[quic][webtransport]") {
    const std::uint64_t number = GENERATE(0u, 1u, 13u, 29u, 30u, 31u, 0xffffffffu);
    WebScene scene;
    scene.begin_session();
    auto mine = scene.finish(scene.here->open_bidi());
    scene.finish(mine.send->write(bytes("some")));
    auto theirs = scene.finish(scene.there->accept_bidi());
    auto reading = scene.begin(all_of(*theirs.receive));
    mine.send->reset(number);
    REQUIRE(scene.passes_until([&] { return reading.done(); }));
    CHECK(reading.code() == stream_ended(number));
    auto stopped = scene.begin(theirs.send->stopped());
    mine.receive->stop(number);
    REQUIRE(scene.passes_until([&] { return stopped.done(); }));
    CHECK(stopped.value() == stream_ended(number));
    // Control streams, and the session's.
    CHECK(scene.passes_until([&] { return scene.client->open_streams() == 3 && scene.server->open_streams() == 3; }));
}

TEST_CASE("WebTransport: a session closes with number and reason on both sides, and everything that waits fails", "[quic][webtransport]") {
    LinkFaults network;
    if (GENERATE(false, true)) network.lost = network.late = 100;
    WebScene scene(network, seed("WebTransport: a session closes"));
    scene.begin_session();
    const bool by_client = GENERATE(true, false);
    auto &one = by_client ? *scene.here : *scene.there;
    auto &other = by_client ? *scene.there : *scene.here;
    auto accepting = scene.begin(one.accept_uni());
    auto accepting_there = scene.begin(other.accept_bidi());
    auto closed = scene.begin(one.closed());
    auto closed_there = scene.begin(other.closed());
    auto stream = scene.finish(one.open_uni());
    scene.finish(stream->write(bytes("some")));
    auto stream_there = scene.finish(other.accept_uni());
    one.close(7, "bye");
    scene.run();
    // At once on this side.
    CHECK(accepting.code() == connection_ended(7));
    CHECK(scene.code(stream->write(bytes("more"))) == connection_ended(7));
    REQUIRE(scene.passes_until([&] { return accepting_there.done() && closed_there.done() && closed.done(); }));
    CHECK(closed.value() == connection_ended(7));
    CHECK(closed_there.value() == connection_ended(7));
    CHECK(accepting_there.code() == connection_ended(7));
    CHECK(other.end_reason() == "bye");
    CHECK(one.end_reason() == "bye");
    // Neither waits for the other to fall silent. Where packets are lost, the first round trip can have seemed long.
    const auto patience = network.lost != 0 ? 60s : 10s;
    CHECK(scene.passes_until([&] { return scene.client->is_silent() && scene.server->is_silent(); }, patience));
}

TEST_CASE("WebTransport: a refused client learns the status, and the connection closes", "[quic][webtransport]") {
    const auto [status, code] =
        GENERATE(std::pair(404u, Error::NotFound), std::pair(403u, Error::Unauthorized), std::pair(429u, Error::Transport));
    WebScene scene;
    auto asking = scene.ask();
    auto asked = scene.request();
    asked.reject(status);
    REQUIRE(scene.passes_until([&] { return asking.done(); }));
    CHECK(asking.code() == code);
    CHECK(scene.passes_until([&] { return scene.client->is_silent() && scene.server->is_silent(); }, 10s));
}

TEST_CASE("WebTransport: with flow control of its own, a session carries any number of streams, and none stalls", "[quic][webtransport]") {
    quic::ConnectionConfig of_each;
    of_each.max_streams_uni = 8;
    of_each.max_streams_bidi = 3;
    LinkFaults network;
    if (GENERATE(false, true)) network.lost = network.late = 50;
    WebScene scene(network, seed("WebTransport: with flow control"), of_each, of_each);
    auto config = patient();
    config.flow_control = true;
    auto asking = scene.begin(webtransport::connect(scene.client, "test", "/", {"a"}, std::move(config)));
    auto asked = scene.request();
    scene.there = asked.accept("a");
    REQUIRE(scene.passes_until([&] { return asking.done(); }));
    scene.here = asking.value();
    const bool of_client = GENERATE(true, false);
    auto &one = of_client ? *scene.here : *scene.there;
    auto &other = of_client ? *scene.there : *scene.here;
    // As many as the limit allows, and no more. QUIC's limit counts the client's CONNECT, too.
    const std::size_t most = of_client ? 2 : 3;
    std::vector<std::unique_ptr<BidiStream>> open;
    for (std::size_t i = 0; i < most; ++i) {
        open.push_back(std::make_unique<BidiStream>(scene.finish(one.open_bidi())));
        scene.finish(open.back()->send->write(bytes("x")));
    }
    auto waiting = scene.begin(one.open_bidi());
    scene.pass(2s);
    CHECK_FALSE(waiting.done());
    for (const auto &each : open) each->send->finish();
    for (std::size_t i = 0; i < most; ++i) {
        auto there = scene.finish(other.accept_bidi());
        there.send->finish();
        CHECK(scene.finish(all_of(*there.receive)) == "x");
    }
    for (const auto &each : open) CHECK(scene.finish(all_of(*each->receive)).empty());
    CHECK(scene.passes_until([&] { return waiting.done(); }));
    for (int i = 0; i < 100; ++i) {
        const std::string text = "number " + std::to_string(i);
        auto mine = scene.finish(one.open_uni());
        scene.finish(mine->write(bytes(text)));
        if (i % 7 == 0) {
            mine->reset(1);
            continue;
        }
        mine->finish();
        for (;;) {
            auto there = scene.finish(other.accept_uni());
            auto reading = scene.begin(all_of(*there));
            REQUIRE(scene.passes_until([&] { return reading.done(); }));
            // One that was reset comes, or not.
            if (error_of([&] { return reading.value(); })) continue;
            CHECK(reading.value() == text);
            break;
        }
    }
}

}  // namespace web_session_tests
