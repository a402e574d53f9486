#include <comoq/websocket/channel.hpp>

#include <comoq/qmux/run.hpp>

#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "websocket/channel_scene.hpp"
#include "websocket/raw.hpp"

namespace channel_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

static_assert(qmux::Channel<websocket::WebSocketChannel<asio::ip::tcp::socket>>);

/// A server that gets these bytes answers with this close frame, and reads no further.
void check_refused(std::string_view bytes, std::string_view close, Error failure, std::uint64_t max = 1000) {
    Scene scene(Role::Server, max);
    scene.send(bytes);
    CHECK(scene.reading.over);
    CHECK(scene.reading.records.empty());
    CHECK(scene.reading.failure == failure);
    CHECK(scene.received() == Frames{{Close, std::string(close)}});
    CHECK(scene.write({"late"}) == asio::error::broken_pipe);
    CHECK(scene.received().empty());
}

}  // namespace

TEST_CASE("websocket channel: a binary message is a record, in both directions and roles", "[websocket]") {
    Scene server(Role::Server);
    server.send(masked(Binary, "hello"));
    server.send(masked(Binary, std::string(16382, 'x')) + masked(Binary, "") + masked(Binary, "y"));
    CHECK(server.reading.records == Records{"hello", std::string(16382, 'x'), "", "y"});
    CHECK_FALSE(server.write({"abc", std::string(126, 'z')}));
    CHECK(server.received() == Frames{{Binary, "abc"}, {Binary, std::string(126, 'z')}});
    CHECK_FALSE(server.reading.over);

    Scene client(Role::Client);
    client.send(unmasked(Binary, "hello") + unmasked(Binary, "you"));
    CHECK(client.reading.records == Records{"hello", "you"});
    CHECK_FALSE(client.write({"abc"}));
    CHECK(client.received() == Frames{{Binary, "abc", true, true}});
}

TEST_CASE("websocket channel: a record of any size goes in one frame", "[websocket]") {
    for (const std::size_t size : {1u, 2u, 125u, 126u, 127u, 4096u, 16382u, 65535u, 65536u, 70000u}) {
        for (const Role role : {Role::Client, Role::Server}) {
            INFO(size);
            Scene scene(role);
            std::string record(size, 'a');
            for (std::size_t i = 0; i < size; ++i) record[i] = static_cast<char>(i * 7);
            CHECK_FALSE(scene.write({record}));
            CHECK(scene.received() == Frames{{Binary, record, true, role == Role::Client}});
        }
    }
}

TEST_CASE("websocket channel: every frame of a client has its own mask", "[websocket]") {
    Scene scene(Role::Client);
    CHECK_FALSE(scene.write(Records(100, "x")));
    scene.send(unmasked(Ping, "p"));
    std::vector<std::string> masks;
    CHECK(scene.received(&masks).size() == 101);
    CHECK(masks.size() == 101);
    CHECK(std::set<std::string>(masks.begin(), masks.end()).size() == 101);
}

TEST_CASE("websocket channel: bytes that arrived behind the handshake come first", "[websocket]") {
    const auto whole = masked(Binary, "first") + masked(Binary, "second");
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        Scene scene(Role::Server, 1000, whole.substr(0, size));
        scene.send(whole.substr(size));
        CHECK(scene.reading.records == Records{"first", "second"});
    }
    // More than is read at once.
    std::string many;
    for (int i = 0; i < 5; ++i) many += masked(Binary, std::string(5000, 'x'));
    Scene scene(Role::Server, 5000, many);
    CHECK(scene.reading.records == Records(5, std::string(5000, 'x')));
}

TEST_CASE("websocket channel: the parts of a message are joined, whatever comes between them", "[websocket]") {
    Scene scene(Role::Server);
    scene.send(masked(Binary, "ab", false) + masked(Ping, "1") + masked(Continued, "", false));
    scene.send(masked(Pong, "?") + masked(Continued, "cd", false) + masked(Ping, "2"));
    CHECK(scene.reading.records.empty());
    scene.send(masked(Continued, "e") + masked(Binary, "", false) + masked(Continued, "") + masked(Binary, "f"));
    CHECK(scene.reading.records == Records{"abcde", "", "f"});
    CHECK(scene.received() == Frames{{Pong, "1"}, {Pong, "2"}});
}

TEST_CASE("websocket channel: records come whole, however their bytes are split", "[websocket]") {
    const auto whole = masked(Binary, "ab", false) + masked(Ping, "1") + masked(Continued, std::string(200, 'c')) +
                       masked(Binary, std::string(300, 'd')) + masked(Pong, "") + masked(Binary, "e") +
                       masked(Close, close_code(1000) + "bye");
    for (const std::size_t step : {1u, 2u, 3u, 5u, 100u}) {
        Scene scene(Role::Server);
        for (std::size_t i = 0; i < whole.size(); i += step) scene.send(std::string_view(whole).substr(i, step));
        CHECK(scene.reading.records == Records{"ab" + std::string(200, 'c'), std::string(300, 'd'), "e"});
        CHECK(scene.reading.failure == asio::error::eof);
        CHECK(scene.received() == Frames{{Pong, "1"}, {Close, close_code(1000) + "bye"}});
    }
}

TEST_CASE("websocket channel: a record may have its full size, and not a byte more", "[websocket]") {
    const std::string full(1000, 'x');
    Scene scene(Role::Server, full.size());
    scene.send(masked(Binary, full) + masked(Binary, full.substr(1), false) + masked(Continued, "y"));
    CHECK(scene.reading.records == Records{full, full.substr(1) + "y"});

    check_refused(masked(Binary, full + "x"), close_code(1009), Error::Decode, full.size());
    check_refused(masked(Binary, full, false) + masked(Continued, "x"), close_code(1009), Error::Decode, full.size());
    // With its first byte, if not before.
    check_refused(masked(Binary, full + "x").substr(0, 9), close_code(1009), Error::Decode, full.size());
    check_refused(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04x", 15), close_code(1009),
                  Error::Decode, full.size());
    // The limit for records does not apply to a ping.
    Scene small(Role::Server, 1);
    small.send(masked(Ping, std::string(125, 'p')));
    CHECK(small.received() == Frames{{Pong, std::string(125, 'p')}});
}

TEST_CASE("websocket channel: records before a fault are not lost", "[websocket]") {
    Scene scene(Role::Server);
    scene.send(masked(Binary, "a") + masked(Binary, "b") + masked(Text, "c") + masked(Binary, "d"));
    CHECK(scene.reading.records == Records{"a", "b"});
    CHECK(scene.reading.failure == Error::ProtocolViolation);
    CHECK(scene.received() == Frames{{Close, close_code(1003)}});
}

TEST_CASE("wire 6 on WebSocket: a text message is an error", "[websocket]") {
    check_refused(masked(Text, "x"), close_code(1003), Error::ProtocolViolation);
    check_refused(masked(Text, ""), close_code(1003), Error::ProtocolViolation);
    check_refused(masked(Text, "x", false) + masked(Continued, "y"), close_code(1003), Error::ProtocolViolation);
    check_refused(masked(Text, "\xff\xff"), close_code(1003), Error::ProtocolViolation);
}

TEST_CASE("websocket channel: a client masks, and a server does not", "[websocket]") {
    check_refused(unmasked(Binary, "x"), close_code(1002), Error::ProtocolViolation);
    check_refused(unmasked(Ping, "x"), close_code(1002), Error::ProtocolViolation);
    Scene scene(Role::Client);
    scene.send(masked(Binary, "x"));
    CHECK(scene.reading.failure == Error::ProtocolViolation);
    CHECK(scene.received() == Frames{{Close, close_code(1002), true, true}});
}

TEST_CASE("websocket channel: bytes that are not a frame are refused", "[websocket]") {
    // Compressed, which was not negotiated.
    check_refused(bytes_of({Binary, "x", true, true, 4}), close_code(1002), Error::ProtocolViolation);
    check_refused(bytes_of({Binary, "x", true, true, 1}), close_code(1002), Error::ProtocolViolation);
    check_refused(masked(Continued, "x"), close_code(1002), Error::ProtocolViolation);
    check_refused(masked(Binary, "x", false) + masked(Binary, "y"), close_code(1002), Error::ProtocolViolation);
    check_refused(masked(3, "x"), close_code(1002), Error::ProtocolViolation);
    check_refused(masked(11, "x"), close_code(1002), Error::ProtocolViolation);
    check_refused(masked(Close, close_code(1005)), close_code(1002), Error::ProtocolViolation);
    check_refused(masked(Close, "x"), close_code(1002), Error::ProtocolViolation);
    check_refused(masked(Close, close_code(1000) + "\xff"), close_code(1007), Error::ProtocolViolation);
    // wslay gives no code for these.
    check_refused(masked(Ping, std::string(126, 'x')), "", Error::ProtocolViolation);
    check_refused(masked(Ping, "x", false), "", Error::ProtocolViolation);
    check_refused(std::string("\x82\xfe\x00\x01\x01\x02\x03\x04x", 9), "", Error::ProtocolViolation);
    check_refused(std::string("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01\x01\x02\x03\x04x", 15), "",
                  Error::ProtocolViolation);
    check_refused("GET / HTTP/1.1\r\nHost: a\r\n\r\n", close_code(1002), Error::ProtocolViolation);
}

TEST_CASE("websocket channel: two channels understand each other for all sizes and pieces", "[websocket]") {
    std::mt19937_64 random(seed("websocket channel"));
    const auto below = [&random](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
    for (int round = 0; round < 30; ++round) {
        asio::io_context context;
        SocketPair pair(context);
        const std::size_t first_piece = 1 + below(3000), second_piece = 1 + below(30);
        INFO(first_piece << ' ' << second_piece);
        TrickleChannel client(Trickle{std::move(pair.first), first_piece}, Role::Client);
        TrickleChannel server(Trickle{std::move(pair.second), second_piece}, Role::Server);
        const auto some_records = [&] {
            Records records(1 + below(20));
            for (auto &record : records) {
                record.resize(below(4) == 0 ? below(qmux::default_max_record_size + 1) : below(300));
                for (char &one : record) one = static_cast<char>(random());
            }
            return records;
        };
        const auto up = some_records(), down = some_records();
        Reading at_client, at_server;
        start_reading(context, client, at_client);
        start_reading(context, server, at_server);
        start_writing(context, client, up);
        start_writing(context, server, down);
        settle_down(context);
        CHECK(at_client.records == down);
        CHECK(at_server.records == up);
        CHECK_FALSE(at_client.over);
        client.close();
        settle_down(context);
        CHECK(at_server.failure == asio::error::eof);
        server.close();
        settle_down(context);
    }
}

TEST_CASE("websocket channel: random frames come out as the messages they make", "[websocket]") {
    std::mt19937_64 random(seed("websocket frames"));
    const auto below = [&random](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
    for (int round = 0; round < 100; ++round) {
        Scene scene(Role::Server, 5000);
        Records records;
        Frames pongs;
        std::string bytes;
        const auto maybe_ping = [&] {
            if (below(4) != 0) return;
            pongs.push_back({Pong, std::string(below(126), 'p')});
            bytes += masked(Ping, pongs.back().payload);
        };
        for (std::size_t i = 0, count = below(30); i < count; ++i) {
            std::string record(below(3) == 0 ? below(5001) : below(20), static_cast<char>('a' + i % 26));
            records.push_back(record);
            unsigned opcode = Binary;
            while (below(3) == 0) {
                const auto size = below(record.size() + 1);
                bytes += masked(std::exchange(opcode, Continued), record.substr(0, size), false);
                record.erase(0, size);
                maybe_ping();
            }
            bytes += masked(opcode, record);
            maybe_ping();
        }
        for (std::string_view rest = bytes; !rest.empty();) {
            const auto size = std::min(rest.size(), 1 + below(6000));
            scene.send(rest.substr(0, size));
            rest.remove_prefix(size);
        }
        CHECK(scene.reading.records == records);
        CHECK(scene.received() == pongs);
        CHECK_FALSE(scene.reading.over);
    }
}

}
