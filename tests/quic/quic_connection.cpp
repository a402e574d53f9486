// One connection with another, over a link that loses nothing.
#include <comoq/quic/connection.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "quic/scene.hpp"
#include "support/catch.hpp"

namespace quic_connection_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// All the bytes to the end of the stream.
asio::awaitable<std::string> all_of(ReceiveStream &stream) {
    std::string all;
    for (;;) {
        const Bytes next = co_await stream.read();
        if (next.empty()) co_return all;
        all += next.view();
    }
}

std::string text_of_size(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 256);
    return text;
}

}  // namespace

TEST_CASE("a QUIC connection agrees on the best protocol that both have", "[quic]") {
    quic::ConnectionConfig of_client, of_server;
    of_client.protocols = {"other", "moq-lite-05", "moq-lite-06"};
    of_server.protocols = {"moq-lite-06", "moq-lite-05"};
    QuicScene scene({}, 1, of_client, of_server);
    CHECK(scene.client->protocol().empty());
    CHECK(scene.client->max_datagram_size() == 0);
    scene.connect();
    CHECK(scene.client->protocol() == "moq-lite-06");
    CHECK(scene.server->protocol() == "moq-lite-06");
    CHECK(scene.client->is_client());
    CHECK_FALSE(scene.server->is_client());
    CHECK(scene.client->stats().round_trip >= 19ms);
    CHECK(scene.client->stats().round_trip <= 40ms);
}

TEST_CASE("a QUIC connection carries a stream's bytes and its end, in both directions", "[quic]") {
    QuicScene scene;
    scene.connect();
    const std::string there = text_of_size(300'000), back = text_of_size(70'000);
    auto mine = scene.finish(scene.client->open_bidi());
    auto writing = scene.begin(mine.send->write(as_span("head"), bytes(there)));
    scene.passes_until([&] { return writing.done(); });
    mine.send->finish();
    auto theirs = scene.finish(scene.server->accept_bidi());
    CHECK(scene.finish(all_of(*theirs.receive)) == "head" + there);
    scene.finish(theirs.send->write(bytes(back)));
    theirs.send->finish();
    CHECK(scene.finish(all_of(*mine.receive)) == back);
    scene.finish(mine.send->sent());
    scene.finish(theirs.send->sent());
    CHECK_FALSE(scene.finish(mine.send->stopped()));
    CHECK(scene.passes_until([&] { return scene.client->open_streams() == 0 && scene.server->open_streams() == 0; }));
    CHECK(scene.client->unacknowledged() == 0);
}

TEST_CASE("a QUIC stream that the peer resets or stops ends with the peer's number", "[quic]") {
    const std::uint64_t number = GENERATE(0u, 1u, 13u, 29u, 30u, 31u, 0xffffffffu);
    QuicScene scene;
    scene.connect();
    SECTION("a reset") {
        auto mine = scene.finish(scene.client->open_uni());
        scene.finish(mine->write(bytes("some")));
        auto theirs = scene.finish(scene.server->accept_uni());
        mine->reset(number);
        auto reading = scene.begin(all_of(*theirs));
        REQUIRE(scene.passes_until([&] { return reading.done(); }));
        CHECK(reading.code() == stream_ended(number));
        CHECK(scene.code(mine->write(bytes("more"))) == stream_ended(number));
    }
    SECTION("a stop of a stream that waits for its writer") {
        auto mine = scene.finish(scene.client->open_bidi());
        scene.finish(mine.send->write(bytes("some")));
        auto theirs = scene.finish(scene.server->accept_bidi());
        auto stopped = scene.begin(mine.send->stopped());
        theirs.receive->stop(number);
        REQUIRE(scene.passes_until([&] { return stopped.done(); }, 1s));
        CHECK(stopped.value() == stream_ended(number));
        CHECK(scene.code(mine.send->write(bytes("more"))) == stream_ended(number));
        // The other direction goes on.
        scene.finish(theirs.send->write(bytes("answer")));
        theirs.send->finish();
        CHECK(scene.finish(all_of(*mine.receive)) == "answer");
    }
    CHECK(scene.passes_until([&] { return scene.client->open_streams() == 0 && scene.server->open_streams() == 0; }));
}

TEST_CASE("a QUIC stream whose handle is dropped ends for the peer with the number of abandoned ones", "[quic]") {
    QuicScene scene;
    scene.connect();
    scene.client->abandon_with(7);
    auto mine = scene.finish(scene.client->open_uni());
    scene.finish(mine->write(bytes("some")));
    auto theirs = scene.finish(scene.server->accept_uni());
    mine.reset();
    auto reading = scene.begin(all_of(*theirs));
    REQUIRE(scene.passes_until([&] { return reading.done(); }));
    CHECK(reading.code() == stream_ended(7));
}

TEST_CASE("a QUIC reader that stops reading stops its writer, and both hold no more than the windows", "[quic]") {
    quic::ConnectionConfig of_server;
    of_server.max_stream_data = 100'000;
    QuicScene scene({}, 1, {}, of_server);
    scene.connect();
    auto mine = scene.finish(scene.client->open_uni());
    const auto write_all = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 1000; ++i) co_await mine->write(bytes(std::string_view("0123456789")));
        for (int i = 0; i < 500; ++i) {
            Bytes payload = bytes(std::size_t{1000});
            co_await mine->write(std::move(payload));
        }
        mine->finish();
    };
    auto writing = scene.begin(write_all());
    scene.pass(20s);
    CHECK_FALSE(writing.done());
    CHECK(scene.client->unacknowledged() + mine->unsent() <= 100'000 + 2 * 32 * 1024);
    CHECK(scene.server->stats().received_bytes < 130'000);
    // Others are not held up.
    auto other = scene.finish(scene.client->open_uni());
    scene.finish(other->write(bytes("x")));
    auto theirs = scene.finish(scene.server->accept_uni());
    auto other_there = scene.finish(scene.server->accept_uni());
    CHECK(scene.finish(other_there->read()).view() == "x");
    CHECK(scene.finish(all_of(*theirs)).size() == 510'000);
    CHECK(writing.done());
}

TEST_CASE("a QUIC connection leaves a part of the peer's credit to control when nobody reads media", "[quic]") {
    quic::ConnectionConfig of_server;
    of_server.max_data = of_server.max_stream_data = 100'000;
    QuicScene scene({}, 1, {}, of_server);
    scene.connect();
    auto media = scene.finish(scene.client->open_uni());
    media->set_order(SendOrder());
    auto writing = scene.begin(media->write(bytes(std::size_t{400'000})));
    scene.pass(5s);
    auto answer = scene.finish(scene.client->open_uni());
    scene.finish(answer->write(bytes("answer")));
    auto unread = scene.finish(scene.server->accept_uni());
    auto theirs = scene.finish(scene.server->accept_uni());
    auto reading = scene.begin(theirs->read());
    REQUIRE(scene.passes_until([&] { return reading.done(); }, 1s));
    CHECK(reading.value().view() == "answer");
}

TEST_CASE("an urgent QUIC stream waits for no more than the packets that were made before it", "[quic]") {
    LinkFaults slow;
    slow.rate = 100'000;
    QuicScene scene(slow);
    scene.connect();
    auto bulk = scene.finish(scene.client->open_uni());
    bulk->set_order(SendOrder());
    auto writing = scene.begin(bulk->write(bytes(std::size_t{2'000'000})));
    scene.pass(1s);
    auto urgent = scene.finish(scene.client->open_uni());
    SendOrder order;
    order.priority = 200;
    urgent->set_order(order);
    scene.finish(urgent->write(bytes(std::size_t{20'000})));
    urgent->finish();
    const auto before = scene.client->unacknowledged();
    auto unused = scene.finish(scene.server->accept_uni());
    auto theirs = scene.finish(scene.server->accept_uni());
    const auto begin = scene.now();
    CHECK(scene.finish(all_of(*theirs)).size() == 20'000);
    // The link's queue, and its own bytes.
    CHECK(scene.now() - begin < std::chrono::duration<double>(static_cast<double>(before + 40'000) / 100'000));
}

TEST_CASE("QUIC datagrams arrive, and one that is too large is not sent", "[quic]") {
    QuicScene scene;
    scene.connect();
    const std::size_t most = scene.client->max_datagram_size();
    CHECK(most >= 1'150);
    scene.client->send_datagram(bytes(std::string_view("one")));
    scene.client->send_datagram(bytes(most + 1));
    scene.client->send_datagram(bytes(most));
    CHECK(scene.finish(scene.server->receive_datagram()).view() == "one");
    CHECK(scene.finish(scene.server->receive_datagram()).size() == most);
}

TEST_CASE("a QUIC connection finds out how large packets may be, and larger datagrams fit then", "[quic]") {
    LinkFaults faults;
    faults.largest = GENERATE(1'200u, 1'400u, 1'500u);
    QuicScene scene(faults);
    scene.connect();
    auto mine = scene.finish(scene.client->open_uni());
    auto writing = scene.begin(mine->write(bytes(std::size_t{300'000})));
    auto theirs = scene.finish(scene.server->accept_uni());
    auto reading = scene.begin(all_of(*theirs));
    scene.pass(10s);
    mine->finish();
    REQUIRE(scene.passes_until([&] { return reading.done(); }));
    CHECK(reading.value().size() == 300'000);
    const auto size = scene.client->max_datagram_size();
    CHECK(size >= (faults.largest == 1'500 ? 1'380u : 1'150u));
    CHECK(size < faults.largest);
    scene.client->send_datagram(bytes(size));
    CHECK(scene.finish(scene.server->receive_datagram()).size() == size);
}

TEST_CASE("a QUIC connection serves more streams one after another than it allows at a time", "[quic]") {
    quic::ConnectionConfig of_server;
    of_server.max_streams_uni = of_server.max_streams_bidi = 10;
    QuicScene scene({}, 1, {}, of_server);
    scene.connect();
    constexpr int all = 300;
    const auto send = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < all; ++i) {
            auto stream = co_await scene.client->open_uni();
            Bytes text = bytes(std::to_string(i));
            co_await stream->write(std::move(text));
            if (i % 3 == 0)
                stream->reset(5);
            else
                stream->finish();
        }
    };
    int seen = 0;
    const auto receive = [&]() -> asio::awaitable<void> {
        for (;;) {
            auto stream = co_await scene.server->accept_uni();
            ++seen;
            if (seen % 4 != 0) {
                try {
                    co_await all_of(*stream);
                } catch (const std::system_error &) {
                }
            }
        }
    };
    auto receiving = scene.begin(receive());
    auto sending = scene.begin(send());
    CHECK(scene.passes_until([&] { return sending.done(); }));
    scene.pass(2s);
    CHECK(seen >= all * 2 / 3);
    CHECK(scene.client->open_streams() == 0);
    CHECK(scene.server->open_streams() == 0);
}

TEST_CASE("closing a QUIC connection tells the peer its number and reason, and both fall silent", "[quic]") {
    QuicScene scene;
    scene.connect();
    auto waiting = scene.begin(scene.server->closed());
    auto stream = scene.finish(scene.client->open_uni());
    const std::uint64_t number = GENERATE(0u, 3u);
    scene.client->close(number, "enough");
    CHECK(scene.code(stream->write(bytes("x"))) == (number == 0 ? make_error_code(Error::Closed) : connection_ended(number)));
    REQUIRE(scene.passes_until([&] { return waiting.done(); }, 1s));
    CHECK(waiting.value() == connection_ended(number));
    CHECK(scene.server->end_reason() == "enough");
    CHECK(scene.passes_until([&] { return scene.client->is_silent() && scene.server->is_silent(); }, 5s));
    CHECK_FALSE(scene.client->deadline());
    CHECK(scene.code(scene.client->open_uni()) == (number == 0 ? make_error_code(Error::Closed) : connection_ended(number)));
}

TEST_CASE("a QUIC connection that is closed before or during its handshake is over at once for this side", "[quic]") {
    QuicScene scene;
    const auto steps = GENERATE(0, 1, 2, 3);
    for (int i = 0; i < steps; ++i) scene.step();
    auto ready = scene.begin([&]() -> asio::awaitable<void> { co_await scene.client->ready(); }());
    scene.client->close(5, "never mind");
    CHECK(scene.client->close_code() == connection_ended(5));
    CHECK(ready.done());
    scene.pass(15s);
    CHECK(scene.client->is_silent());
    CHECK((scene.server == nullptr || scene.server->is_silent()));
}

TEST_CASE("a QUIC connection stays while nobody says anything, and ends with Timeout when the peer is gone", "[quic]") {
    QuicScene scene;
    scene.connect();
    scene.pass(90s);
    CHECK_FALSE(scene.client->is_closed());
    CHECK_FALSE(scene.server->is_closed());
    scene.faults.lost = 1000;
    auto here = scene.begin(scene.client->closed());
    auto there = scene.begin(scene.server->closed());
    scene.pass(25s);
    CHECK_FALSE(scene.client->is_closed());
    scene.pass(20s);
    REQUIRE(here.done());
    REQUIRE(there.done());
    CHECK(here.value() == make_error_code(Error::Timeout));
    CHECK(there.value() == make_error_code(Error::Timeout));
    CHECK(scene.client->is_silent());
}

TEST_CASE("a QUIC handshake fails with one code on each side when they cannot agree, or the client does not trust", "[quic]") {
    quic::ConnectionConfig other;
    other.protocols = {"something-else"};
    const auto ends = [](QuicScene &scene, std::error_code here, std::error_code there) {
        REQUIRE(scene.passes_until([&] { return scene.server != nullptr && scene.client->is_closed() && scene.server->is_closed(); }, 20s));
        if (here) CHECK(scene.client->close_code() == here);
        CHECK(scene.server->close_code() == there);
        CHECK_FALSE(scene.client->end_reason().empty());
    };
    const auto transport = make_error_code(Error::Transport), alpn = make_error_code(Error::UnknownAlpn);
    SECTION("no protocol in common") {
        QuicScene scene({}, 1, other);
        ends(scene, alpn, alpn);
    }
    SECTION("no protocol named") {
        quic::ConnectionConfig none_named;
        none_named.protocols = {};
        QuicScene scene({}, 1, none_named);
        ends(scene, alpn, alpn);
    }
    SECTION("another pin") {
        QuicScene scene({}, 1, {}, {}, quic::ClientCredentials::pinned({quic::Fingerprint{}}));
        ends(scene, {}, transport);
        CHECK(is_certificate_error(scene.client->close_code()));
    }
    SECTION("an authority that nobody trusts") {
        QuicScene scene({}, 1, {}, {}, quic::ClientCredentials::authorities(
            "-----BEGIN CERTIFICATE-----\n" + std::string(test_chain).substr(28)));
        scene.connect();
        CHECK_FALSE(scene.client->is_closed());
        QuicScene other_scene({}, 1, {}, {}, quic::ClientCredentials::system());
        ends(other_scene, {}, transport);
        CHECK(is_certificate_error(other_scene.client->close_code()));
    }
    SECTION("nobody answers") {
        QuicScene scene;
        scene.faults.lost = 1000;
        REQUIRE(scene.passes_until([&] { return scene.client->is_closed(); }, 20s));
        CHECK(scene.client->close_code() == make_error_code(Error::Timeout));
    }
}

}
