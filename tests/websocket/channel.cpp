#include <comoq/websocket/channel.hpp>

#include <comoq/qmux/run.hpp>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "websocket/raw.hpp"

namespace channel_tests {

using namespace comoq;
using namespace comoq::test;
using websocket::Role;

static_assert(qmux::Channel<websocket::WebSocketChannel<asio::ip::tcp::socket>>);

namespace {

using Channel = websocket::WebSocketChannel<Socket>;
using TrickleChannel = websocket::WebSocketChannel<Trickle>;

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

std::vector<std::byte> bytes_of_text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::error_code code_of(std::exception_ptr failure) {
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const std::system_error &error) {
        return error.code();
    }
    return {};
}

/// The records that a channel has read, and why it stopped.
struct Reading {
    std::vector<std::string> records;
    bool over = false;
    std::error_code failure;
};

template <class Stream> asio::awaitable<void> read_all(websocket::WebSocketChannel<Stream> &channel, Reading &reading) {
    while (true) {
        const std::span<const std::byte> record = co_await channel.read_record();
        reading.records.push_back(text_of(record));
    }
}

template <class Stream>
void start_reading(asio::io_context &context, websocket::WebSocketChannel<Stream> &channel, Reading &reading) {
    asio::co_spawn(context, read_all(channel, reading), [&reading](std::exception_ptr failure) {
        reading.over = true;
        reading.failure = code_of(failure);
    });
}

template <class Stream>
asio::awaitable<void> write_all(websocket::WebSocketChannel<Stream> &channel, std::vector<std::string> records) {
    for (const auto &record : records) {
        // In two parts, as a gathered write.
        const auto middle = record.size() / 3;
        const std::array<asio::const_buffer, 2> parts = {asio::buffer(record.data(), middle),
                                                         asio::buffer(record.data() + middle, record.size() - middle)};
        co_await channel.write_record(parts);
    }
}

template <class Stream>
void start_writing(asio::io_context &context, websocket::WebSocketChannel<Stream> &channel,
                   std::vector<std::string> records, std::error_code *failure = nullptr) {
    asio::co_spawn(context, write_all(channel, std::move(records)), [failure](std::exception_ptr thrown) {
        if (failure != nullptr) *failure = code_of(thrown);
    });
}

/// A channel that reads, and its peer's end.
struct Scene {
    explicit Scene(Role role, std::uint64_t max_record_size = qmux::default_max_record_size, std::string_view leftover = {})
        : channel(std::move(pair.first), role, bytes_of_text(leftover), max_record_size) {
        start_reading(context, channel, reading);
        settle_down(context);
    }

    void send(std::string_view bytes) {
        REQUIRE(send_raw(peer, bytes) == bytes.size());
        settle_down(context);
    }
    std::vector<RawFrame> received(std::vector<std::string> *masks = nullptr) {
        settle_down(context);
        return frames_in(received_raw(peer, &ended), masks);
    }
    std::error_code write(std::vector<std::string> records) {
        std::error_code failure;
        start_writing(context, channel, std::move(records), &failure);
        settle_down(context);
        return failure;
    }

    asio::io_context context;
    SocketPair pair{context};
    Socket &peer = pair.second;
    Reading reading;
    Channel channel;
    bool ended = false;  // the peer has seen the end of the stream
};

using Frames = std::vector<RawFrame>;
using Records = std::vector<std::string>;

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

TEST_CASE("websocket channel: the peer's close frame is answered, and is the end", "[websocket]") {
    for (const std::string &payload : {std::string(), close_code(1000), close_code(1001) + "reason", close_code(4000)}) {
        Scene scene(Role::Server);
        scene.send(masked(Binary, "last") + masked(Close, payload) + masked(Binary, "none"));
        CHECK(scene.reading.records == Records{"last"});
        CHECK(scene.reading.failure == asio::error::eof);
        CHECK(scene.received() == Frames{{Close, payload}});
        CHECK_FALSE(scene.ended);
        CHECK(scene.write({"x"}) == asio::error::broken_pipe);
        scene.channel.close();
        CHECK(scene.received().empty());
        CHECK(scene.ended);
    }
}

TEST_CASE("websocket channel: a stream may end without a close frame", "[websocket]") {
    for (const auto &before : {std::string(), masked(Binary, "part", false), masked(Binary, "part").substr(0, 7)}) {
        Scene scene(Role::Server);
        scene.send(masked(Binary, "x") + before);
        scene.peer.close();
        settle_down(scene.context);
        CHECK(scene.reading.records == Records{"x"});
        CHECK(scene.reading.failure == asio::error::eof);
    }
}

TEST_CASE("websocket channel: closing it tells the peer, and ends waiting reads and writes", "[websocket]") {
    for (const Role role : {Role::Client, Role::Server}) {
        Scene scene(role);
        CHECK_FALSE(scene.write({"x"}));
        scene.channel.close();
        scene.channel.close();
        const bool is_masked = role == Role::Client;
        CHECK(scene.received() == Frames{{Binary, "x", true, is_masked}, {Close, close_code(1000), true, is_masked}});
        CHECK(scene.ended);
        CHECK(scene.reading.over);
        CHECK(scene.reading.failure == asio::error::operation_aborted);
        CHECK(scene.write({"y"}) == asio::error::broken_pipe);
        scene.channel.close();
    }
}

TEST_CASE("websocket channel: closing it while a record is being written does not wait", "[websocket]") {
    Scene scene(Role::Server);
    std::error_code failure;
    start_writing(scene.context, scene.channel, {std::string(1 << 24, 'x')}, &failure);
    CHECK(settle_down(scene.context));
    scene.send(masked(Ping, "p"));
    scene.channel.close();
    CHECK_FALSE(settle_down(scene.context));
    CHECK(failure);
    CHECK(scene.reading.over);
}

TEST_CASE("websocket channel: closing it in the middle of a record adds nothing to the record", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    Channel channel(std::move(pair.first), Role::Server);
    start_writing(context, channel, {std::string(1 << 24, 'x')});
    settle_down(context);
    auto all = received_raw(pair.second);
    channel.close();
    settle_down(context);
    bool ended = false;
    all += received_raw(pair.second, &ended);
    CHECK(ended);
    CHECK(all.size() < 1 << 24);
    CHECK(all.find_first_not_of('x', 10) == std::string::npos);
}

TEST_CASE("websocket channel: a record waits for an answer that is being written, and so does its failure",
          "[websocket]") {
    Scene scene(Role::Server);
    const std::string pings = masked(Ping, std::string(125, 'p'));
    while (send_raw(scene.peer, pings) != 0) settle_down(scene.context);
    // No room is left: an answer is being written.
    std::error_code failure;
    start_writing(scene.context, scene.channel, {"x"}, &failure);
    settle_down(scene.context);
    SECTION("until there is room") {
        std::string all;
        for (std::string some; settle_down(scene.context), some = received_raw(scene.peer), !some.empty();) all += some;
        std::size_t records = 0;
        for (const RawFrame &frame : frames_in(all)) records += frame == RawFrame{Binary, "x"} ? 1 : 0;
        CHECK(records == 1);
        CHECK_FALSE(failure);
    }
    SECTION("until the channel is closed") {
        scene.channel.close();
        settle_down(scene.context);
        CHECK(failure);
        CHECK(scene.reading.over);
    }
}

TEST_CASE("websocket channel: a record does not interrupt an answer", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    TrickleChannel slow(Trickle{std::move(pair.first), 10}, Role::Server);
    Reading reading;
    start_reading(context, slow, reading);
    send_raw(pair.second, masked(Ping, std::string(125, 'p')));
    std::string all;
    while (all.empty()) {
        context.poll_one();
        all += received_raw(pair.second);
    }
    CHECK(all.size() == 10);
    start_writing(context, slow, {"x", "y"});
    settle_down(context);
    all += received_raw(pair.second);
    CHECK(frames_in(all) == Frames{{Pong, std::string(125, 'p')}, {Binary, "x"}, {Binary, "y"}});
}

TEST_CASE("websocket channel: a reader that waits for a record to be written ends with the channel", "[websocket]") {
    Scene scene(Role::Server);
    start_writing(scene.context, scene.channel, {std::string(1 << 24, 'x')});
    settle_down(scene.context);
    const std::string pings = masked(Ping, std::string(125, 'p'));
    while (send_raw(scene.peer, pings) != 0) settle_down(scene.context);
    CHECK_FALSE(scene.reading.over);
    scene.channel.close();
    settle_down(scene.context);
    CHECK(scene.reading.over);
}

TEST_CASE("websocket channel: nothing follows a record that is cancelled half-way", "[websocket]") {
    Scene scene(Role::Server);
    asio::cancellation_signal cancel;
    std::error_code failure;
    const auto over = [&failure](std::exception_ptr thrown) { failure = code_of(thrown); };
    asio::co_spawn(scene.context, write_all(scene.channel, {std::string(1 << 24, 'x')}),
                   asio::bind_cancellation_slot(cancel.slot(), over));
    settle_down(scene.context);
    cancel.emit(asio::cancellation_type::terminal);
    settle_down(scene.context);
    CHECK(failure == asio::error::operation_aborted);
    CHECK(scene.write({"y"}) == asio::error::broken_pipe);
    scene.send(masked(Ping, "p"));
    CHECK(received_raw(scene.peer).find_first_not_of('x', 10) == std::string::npos);
}

TEST_CASE("websocket channel: a context can be destroyed while a channel is used", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    // Used by coroutines that only the context destroys.
    const auto channel = std::make_shared<Channel>(std::move(pair.first), Role::Server);
    const auto read = [](std::shared_ptr<Channel> used) -> asio::awaitable<void> {
        Reading reading;
        co_await read_all(*used, reading);
    };
    const auto write = [](std::shared_ptr<Channel> used) -> asio::awaitable<void> {
        std::vector<std::string> records(1, std::string(1 << 24, 'x'));
        co_await write_all(*used, std::move(records));
    };
    asio::co_spawn(context, read(channel), asio::detached);
    asio::co_spawn(context, write(channel), asio::detached);
    asio::co_spawn(context, write(channel), asio::detached);
    settle_down(context);
    send_raw(pair.second, masked(Ping, "p"));
    settle_down(context);
    CHECK(channel.use_count() == 4);
}

TEST_CASE("websocket channel: its destruction closes the stream, whatever is in progress", "[websocket]") {
    asio::io_context context;
    SocketPair pair(context);
    Reading reading;
    {
        Channel channel(std::move(pair.first), Role::Server);
        Channel moved(std::move(channel));
        start_reading(context, moved, reading);
        start_writing(context, moved, {std::string(1 << 24, 'x')});
        settle_down(context);
    }
    settle_down(context);
    CHECK(reading.over);
    bool ended = false;
    received_raw(pair.second, &ended);
    CHECK(ended);
}

TEST_CASE("websocket channel: a ping is answered between records", "[websocket]") {
    Scene scene(Role::Server);
    const std::string large(1 << 22, 'x');
    std::error_code failure;
    start_writing(scene.context, scene.channel, {large, "after"}, &failure);
    settle_down(scene.context);
    scene.send(masked(Ping, "p") + masked(Pong, "q"));
    std::string all;
    while (settle_down(scene.context)) {
        const auto some = received_raw(scene.peer);
        if (some.empty()) break;
        all += some;
    }
    CHECK_FALSE(failure);
    const auto frames = frames_in(all);
    REQUIRE(frames.size() == 3);
    CHECK(frames[0] == RawFrame{Binary, large});
    CHECK(frames[1] == RawFrame{Pong, "p"});
    CHECK(frames[2] == RawFrame{Binary, "after"});
}

TEST_CASE("websocket channel: a peer that pings and does not read is not read any further", "[websocket]") {
    Scene scene(Role::Server);
    const std::string pings = masked(Ping, std::string(125, 'p'));
    std::size_t sent = 0;
    while (true) {
        const auto size = send_raw(scene.peer, std::string_view(pings).substr(sent % pings.size()));
        sent += size;
        settle_down(scene.context);
        if (size == 0) break;
        REQUIRE(sent < (1u << 26));
    }
    CHECK_FALSE(scene.reading.over);
    // Nothing was dropped: it continues as soon as the peer reads.
    std::string all;
    for (std::string some; settle_down(scene.context), some = received_raw(scene.peer), !some.empty();) all += some;
    CHECK(frames_in(all) == Frames(sent / pings.size(), RawFrame{Pong, std::string(125, 'p')}));
}

TEST_CASE("websocket channel: a reader that is stopped by pings ends with the channel", "[websocket]") {
    Scene scene(Role::Server);
    const std::string pings = masked(Ping, std::string(125, 'p'));
    while (send_raw(scene.peer, pings) != 0) settle_down(scene.context);
    CHECK_FALSE(scene.reading.over);
    scene.channel.close();
    settle_down(scene.context);
    CHECK(scene.reading.over);
    CHECK(scene.reading.failure);
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
