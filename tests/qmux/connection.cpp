// The connection as a state machine: two of them joined by a loop that moves records, and one against a peer that says what
// the test wants it to say.
#include <comoq/qmux/connection.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <comoq/error.hpp>
#include <comoq/qmux/codec.hpp>

#include "qmux/octets.hpp"
#include "support/allocations.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using qmux::Connection;
using qmux::ConnectionConfig;
using qmux::Direction;
using AnyFrame = qmux::Frame;
using qmux::FrameType;
using qmux::OutgoingRecord;
using qmux::TransportParameters;
using qmux::Version;
using qmux::detail::TransportError;

namespace {

using SendPtr = std::unique_ptr<SendStream>;
using ReceivePtr = std::unique_ptr<ReceiveStream>;

const std::error_code none;
const std::error_code violation = make_error_code(Error::ProtocolViolation);
const std::error_code cancelled = make_error_code(Error::Cancelled);
const std::error_code old = make_error_code(Error::Old);
const std::error_code lost_code = make_error_code(Error::Transport);

Bytes bytes(std::string_view text) { return Bytes::copy(text); }
std::span<const std::byte> as_span(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text_of(std::span<const std::byte> octets) {
    return std::string(reinterpret_cast<const char *>(octets.data()), octets.size());
}

/// Bytes that tell their place in a stream.
std::byte numbered(std::uint64_t stream, std::uint64_t offset) {
    return static_cast<std::byte>((stream * 37 + offset * 31 + (offset >> 8)) & 0xff);
}
Bytes numbered(std::uint64_t stream, std::uint64_t from, std::size_t size) {
    std::vector<std::byte> all(size);
    for (std::size_t i = 0; i < size; ++i) all[i] = numbered(stream, from + i);
    return Bytes(std::move(all));
}

ConnectionConfig config_with(const std::function<void(ConnectionConfig &)> &change) {
    ConnectionConfig config;
    config.protocol = "moq-lite-05";
    change(config);
    return config;
}
ConnectionConfig usual() {
    return config_with([](ConnectionConfig &) {});
}
ConnectionConfig with_parameters(const std::function<void(TransportParameters &)> &change) {
    return config_with([&](ConnectionConfig &config) { change(config.parameters); });
}

/// The frames of a record, in one piece.
Octets flat(const OutgoingRecord &record) {
    Octets all;
    for (const auto &each : record.buffers()) {
        const auto *begin = static_cast<const std::byte *>(each.data());
        all.insert(all.end(), begin, begin + each.size());
    }
    CHECK(all.size() == record.size());
    CHECK(all.size() <= OutgoingRecord::most);
    return all;
}

/// What both kinds of scene have in common.
struct Base {
    std::shared_ptr<Connection> make(bool client, ConnectionConfig config) {
        config.clock = clock.clock();
        return std::make_shared<Connection>(context.get_executor(), client, std::move(config));
    }
    template <class T> Begun<T> begin(asio::awaitable<T> coroutine) { return Begun<T>(context, std::move(coroutine)); }
    template <class T> T now(asio::awaitable<T> coroutine) { return run_to_end(context, std::move(coroutine)); }
    template <class T> std::error_code code(asio::awaitable<T> coroutine) {
        return error_of([&] {
            if constexpr (std::is_void_v<T>)
                return now(std::move(coroutine)), 0;
            else
                return now(std::move(coroutine));
        });
    }
    void write(SendStream &stream, std::string_view text) { now(stream.write(bytes(text))); }
    /// What can be read now, to the end if that is there.
    std::string read(ReceiveStream &stream) {
        std::string all;
        while (true) {
            auto next = begin(stream.read());
            if (!next.done()) return all;
            const Bytes got = next.value();
            if (got.empty()) return all;
            all += got.view();
        }
    }
    bool at_end(ReceiveStream &stream) {
        auto next = begin(stream.read());
        return next.done() && next.value().empty();
    }
    /// Nothing if it is not over.
    std::optional<std::error_code> closed(Connection &connection) {
        auto end = begin(connection.closed());
        if (!end.done()) return std::nullopt;
        return end.value();
    }

    asio::io_context context;
    ManualClock clock;
};

/// Two connections that are each other's peer. What is sent moves when the test says so.
struct Pair : Base {
    explicit Pair(ConnectionConfig of_client = usual(), ConnectionConfig of_server = usual())
        : client(make(true, std::move(of_client))), server(make(false, std::move(of_server))) {
        move();
    }

    bool move_one(Connection &from, Connection &to) {
        OutgoingRecord record;
        if (!from.output(record)) return false;
        to.input(flat(record));
        return true;
    }
    void move() {
        bool moved = true;
        while (moved) {
            settle_down(context);
            moved = move_one(*client, *server);
            moved = move_one(*server, *client) || moved;
        }
    }
    /// Moves what is due until the coroutine has come to its end.
    template <class T> T finish(asio::awaitable<T> coroutine) {
        auto begun = begin(std::move(coroutine));
        move();
        if constexpr (std::is_void_v<T>)
            begun.value();
        else
            return std::move(begun.value());
    }

    std::shared_ptr<Connection> client, server;
};

/// One connection, and a peer that the test plays.
struct Solo : Base {
    explicit Solo(bool client = false, ConnectionConfig config = usual()) : own(make(client, std::move(config))) {}

    /// After the parameters of both sides.
    static TransportParameters generous() {
        auto parameters = qmux::default_parameters();
        parameters.max_streams_bidi = parameters.max_streams_uni = 1 << 20;
        parameters.max_data = parameters.max_stream_data_bidi_local = 1 << 30;
        parameters.max_stream_data_bidi_remote = parameters.max_stream_data_uni = 1 << 30;
        return parameters;
    }
    Solo &greeted(const TransportParameters &theirs = generous()) {
        frames();
        Octets record;
        qmux::encode(theirs, record);
        own->input(record);
        return *this;
    }

    void send(const AnyFrame &frame) {
        Octets record;
        qmux::encode(frame, record);
        own->input(record);
    }
    void send(std::initializer_list<AnyFrame> all) {
        Octets record;
        for (const auto &frame : all) qmux::encode(frame, record);
        own->input(record);
    }
    void stream(std::uint64_t id, std::uint64_t offset, std::string_view text, bool fin = false) {
        send(qmux::Stream{id, offset, as_span(text), fin});
    }
    /// What it sends, to the end.
    std::vector<AnyFrame> frames() {
        std::vector<AnyFrame> all;
        OutgoingRecord record;
        while (own->output(record)) {
            kept.push_back(flat(record));
            std::span<const std::byte> rest = kept.back();
            std::error_code failure;
            while (const auto read = qmux::next_frame(rest, failure)) {
                all.push_back(read->frame);
                rest = rest.subspan(read->size);
            }
            CHECK_FALSE(failure);
        }
        return all;
    }
    template <class T> std::vector<T> frames_of() {
        std::vector<T> some;
        for (const auto &frame : frames())
            if (const auto *one = std::get_if<T>(&frame)) some.push_back(*one);
        return some;
    }
    bool is_quiet() { return frames().empty(); }

    /// It has closed the connection, with this and nothing after it.
    void check_fault(TransportError error, std::error_code code = violation) {
        const auto all = frames();
        REQUIRE_FALSE(all.empty());
        const auto *close = std::get_if<qmux::ConnectionClose>(&all.back());
        REQUIRE(close != nullptr);
        CHECK(close->code == static_cast<std::uint64_t>(error));
        CHECK_FALSE(close->reason.empty());
        CHECK(closed(*own) == code);
        CHECK(own->is_silent());
        CHECK(own->ends_here());
        CHECK(own->open_streams() == 0);
    }
    void check_alive() {
        CHECK_FALSE(closed(*own));
        send(qmux::PingRequest{77});
        CHECK(frames_of<qmux::PingResponse>() == std::vector{qmux::PingResponse{77}});
    }

    std::shared_ptr<Connection> own;
    std::deque<Octets> kept;
};

// Of streams that a client opens, and those of a server.
constexpr std::uint64_t client_bidi(std::uint64_t index) { return 4 * index; }
constexpr std::uint64_t server_bidi(std::uint64_t index) { return 4 * index + 1; }
constexpr std::uint64_t client_uni(std::uint64_t index) { return 4 * index + 2; }
constexpr std::uint64_t server_uni(std::uint64_t index) { return 4 * index + 3; }

}  // namespace

// The beginning

TEST_CASE("qmux connection: the parameters go first, and nothing follows before the peer's have come", "[qmux]") {
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

TEST_CASE("qmux connection: in -02 the peer's parameters come first, and once, on which -01 does not insist", "[qmux]") {
    const bool newest = GENERATE(true, false);
    const auto config = config_with([&](auto &of) { of.version = newest ? Version::Draft02 : Version::Draft01; });
    SECTION("something before them") {
        Solo solo(false, config);
        solo.stream(client_bidi(0), 0, "early");
        if (newest) return solo.check_fault(TransportError::ProtocolViolation);
        auto stream = solo.now(solo.own->accept_bidi());
        CHECK(solo.read(*stream.receive) == "early");
        // What was opened before can be written when they have come.
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
        CHECK(solo.closed(*solo.own) == make_error_code(Error::Lagged));
    }
}

TEST_CASE("qmux connection: what a peer asks before it says who it is is answered when it has", "[qmux]") {
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

TEST_CASE("qmux connection: what cannot be sent as parameters is refused at once", "[qmux]") {
    Base base;
    const auto too_many = with_parameters([](auto &of) { of.max_streams_uni = (std::uint64_t{1} << 60) + 1; });
    CHECK(error_of([&] { return base.make(true, too_many); }) == Error::Encode);
    const auto too_long = config_with([](auto &of) {
        of.protocol.clear();
        of.protocols = {std::string(20'000, 'x')};
    });
    CHECK(error_of([&] { return base.make(true, too_long); }) == Error::Encode);
}

TEST_CASE("qmux connection: where nothing else says it, the server's preference decides on the protocol", "[qmux]") {
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
    SECTION("where it is known it is not asked for") {
        Pair pair;
        CHECK(pair.client->protocol() == "moq-lite-05");
        CHECK(pair.client->is_client());
        CHECK_FALSE(pair.server->is_client());
    }
}

// Streams

TEST_CASE("qmux connection: bytes come whole and in order, both ways, and leave nothing behind", "[qmux]") {
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

TEST_CASE("qmux connection: ids say who opened a stream and what kind it is", "[qmux]") {
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

TEST_CASE("qmux connection: every frame that speaks of a stream can open it", "[qmux]") {
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
    if (kind == 1) CHECK(solo.code(stream.receive->read()) == old);
    if (kind == 2) CHECK(solo.now(stream.send->stopped()) == old);
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
    // Only this side sends on it, or only the peer.
    SECTION("STREAM") { check(qmux::Stream{server_uni(0), 0, {}, false}); }
    SECTION("RESET_STREAM") { check(qmux::ResetStream{server_uni(0), 0, 0}); }
    SECTION("STREAM_DATA_BLOCKED") { check(qmux::StreamDataBlocked{server_uni(0), 0}); }
    SECTION("STOP_SENDING") { check(qmux::StopSending{client_uni(0), 0}); }
    SECTION("MAX_STREAM_DATA") { check(qmux::MaxStreamData{client_uni(0), 0}); }
    // This side's, and not there yet.
    SECTION("STREAM too early") { check(qmux::Stream{server_bidi(0), 0, {}, false}); }
    SECTION("RESET_STREAM too early") { check(qmux::ResetStream{server_bidi(0), 0, 0}); }
    SECTION("STOP_SENDING too early") { check(qmux::StopSending{server_bidi(0), 0}); }
    SECTION("STOP_SENDING too early, one way") { check(qmux::StopSending{server_uni(0), 0}); }
    SECTION("MAX_STREAM_DATA too early") { check(qmux::MaxStreamData{server_uni(0), 0}); }
    SECTION("STREAM_DATA_BLOCKED too early") { check(qmux::StreamDataBlocked{server_bidi(0), 0}); }
}

// How many streams

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

TEST_CASE("qmux connection: a peer that opens more streams than it may ends it", "[qmux]") {
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
    SECTION("the largest there is") { solo.stream((std::uint64_t{1} << 62) - 4, 0, ""); }
    SECTION("by STOP_SENDING") { solo.send(qmux::StopSending{client_bidi(3), 0}); }
    solo.check_fault(TransportError::StreamLimit);
}

TEST_CASE("qmux connection: a stream makes room for another when it was accepted and is over", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.max_streams_bidi = of.max_streams_uni = 2; }));
    solo.greeted();
    SECTION("one way: over before it is accepted") {
        solo.stream(client_uni(0), 0, "", true);
        CHECK(solo.is_quiet());
        auto stream = solo.now(solo.own->accept_uni());
        CHECK(solo.frames_of<qmux::MaxStreams>() == std::vector{qmux::MaxStreams{Direction::Uni, 3}});
        CHECK(solo.at_end(*stream));
    }
    SECTION("one way: what came is read after its end") {
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

TEST_CASE("qmux connection: streams that live long keep no credit back from others", "[qmux]") {
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

TEST_CASE("qmux connection: streams that nobody accepts are no more than were allowed", "[qmux]") {
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

// What arrives

TEST_CASE("qmux connection: data that does not follow what came before ends it", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.stream(client_bidi(0), 0, "abc");
    SECTION("a gap") { solo.stream(client_bidi(0), 4, "e"); }
    SECTION("an overlap") { solo.stream(client_bidi(0), 2, "cd"); }
    SECTION("a repetition") { solo.stream(client_bidi(0), 0, "abc"); }
    SECTION("an end beyond") { solo.stream(client_bidi(0), 4, "", true); }
    SECTION("a beginning that is none") { solo.stream(client_bidi(1), 1, "b"); }
    solo.check_fault(TransportError::ProtocolViolation);
}

TEST_CASE("qmux connection: nothing follows the end of a stream, while anybody remembers it", "[qmux]") {
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
    SECTION("a reset that says that there was more") {
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

TEST_CASE("qmux connection: what follows a reset is dropped, and counts for nothing", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.max_data = of.max_stream_data_uni = 20; }));
    solo.greeted();
    solo.stream(client_uni(0), 0, "abc");
    solo.send(qmux::ResetStream{client_uni(0), 2, 3});
    solo.send(qmux::ResetStream{client_uni(0), 2, 3});
    auto stream = solo.now(solo.own->accept_uni());
    CHECK(solo.code(stream->read()) == old);
    for (std::uint64_t i = 0; i < 10; ++i) solo.stream(client_uni(0), 3 + 15 * i, std::string(15, 'x'));
    CHECK(solo.is_quiet());
    // Of the credit there is as much left as the first three bytes left of it.
    solo.stream(client_uni(1), 0, std::string(17, 'x'));
    CHECK(solo.frames_of<qmux::MaxData>() == std::vector{qmux::MaxData{23}});
}

TEST_CASE("qmux connection: a reset says how much was sent, and a size that is too small says nothing", "[qmux]") {
    // JavaScript says the size from before the frame that it is writing, and 0 for a stream that it has forgotten.
    const std::uint64_t size = GENERATE(0u, 2u, 3u);
    Solo solo;
    solo.greeted();
    solo.stream(client_uni(0), 0, "abc");
    auto stream = solo.now(solo.own->accept_uni());
    solo.send(qmux::ResetStream{client_uni(0), 2, size});
    CHECK(solo.code(stream->read()) == old);
    CHECK(solo.own->open_streams() == 0);
    solo.check_alive();
}

TEST_CASE("qmux connection: codes of any size are understood", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.send(qmux::ResetStream{client_uni(0), (std::uint64_t{1} << 62) - 1, 0});
    CHECK(solo.code(solo.now(solo.own->accept_uni())->read()) == app_error(std::numeric_limits<std::uint32_t>::max()));
    solo.send(qmux::ResetStream{client_uni(1), 0, 0});
    CHECK(solo.code(solo.now(solo.own->accept_uni())->read()) == cancelled);
}

// Credit that this side gives

TEST_CASE("qmux connection: who sends more than it may ends it", "[qmux]") {
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
    SECTION("by the largest final size there is") {
        solo.send(qmux::ResetStream{client_bidi(0), 0, (std::uint64_t{1} << 62) - 1});
    }
    solo.check_fault(TransportError::FlowControl);
}

TEST_CASE("qmux connection: there is new credit when half of it is left, on what was read", "[qmux]") {
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
    // What is not read gives none.
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

TEST_CASE("qmux connection: what one stream leaves unread keeps the others going", "[qmux]") {
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

TEST_CASE("qmux connection: what is dropped gives credit as if it had been read", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) {
                  of.max_data = 100;
                  of.max_stream_data_uni = 100;
              }));
    solo.greeted();
    solo.stream(client_uni(0), 0, std::string(60, 'x'));
    CHECK(solo.is_quiet());
    auto stream = solo.now(solo.own->accept_uni());
    SECTION("by a stop, and after it") {
        stream->stop(old);
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
    SECTION("by a reset, with what never came") {
        solo.send(qmux::ResetStream{client_uni(0), 0, 100});
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::MaxData{200}});
    }
}

// Credit that this side has

TEST_CASE("qmux connection: no more is sent than the peer allows, and an end is free", "[qmux]") {
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
    // More for the stream is none for the connection.
    solo.send(qmux::MaxStreamData{client_uni(0), 8});
    CHECK(solo.is_quiet());
    solo.send(qmux::MaxData{11});
    CHECK(solo.frames().size() == 1);
    solo.send({qmux::MaxData{14}, qmux::MaxData{3}, qmux::MaxStreamData{client_uni(0), 1}});
    solo.frames();
    CHECK(solo.own->open_streams() == 1);  // nothing has come from the peer on it
    solo.check_alive();
}

TEST_CASE("qmux connection: a limit that was not mentioned is none", "[qmux]") {
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

TEST_CASE("qmux connection: which limit is whose", "[qmux]") {
    // Of the peer's three limits the one that applies to the stream.
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

// Ends before their time

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
    CHECK(stopped.value() == Error::Lagged);
    CHECK(solo.code(stream->write(bytes("x"))) == Error::Lagged);
    CHECK(solo.code(stream->sent()) == Error::Lagged);
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 26, 3}});
    CHECK(solo.own->open_streams() == 0);
    // It is over, which the peer may not know yet.
    solo.send({qmux::StopSending{client_uni(0), 26}, qmux::MaxStreamData{client_uni(0), 1 << 20}});
    CHECK(solo.is_quiet());
    solo.check_alive();
}

TEST_CASE("qmux connection: a code that is too large for here goes back as it came", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    const std::uint64_t code = std::uint64_t{1} << 40;
    solo.send(qmux::StopSending{client_uni(0), code});
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), code, 0}});
}

TEST_CASE("qmux connection: a stop of what is over is nothing", "[qmux]") {
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
        stream->reset(old);
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
        stream->reset(old);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 2, 0}});
    }
    SECTION("reset after the end was sent") {
        stream->finish();
        solo.frames();
        stream->reset(old);
        CHECK(solo.is_quiet());
    }
    SECTION("stopped and reset") {
        solo.send(qmux::StopSending{client_uni(0), 7});
        stream->reset(old);
        stream->finish();
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 7, 0}});
    }
    SECTION("an end that waits for its turn, and then a reset") {
        solo.frames();
        stream->finish();
        stream->reset(old);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 2, 3}});
    }
    CHECK(solo.own->open_streams() == 0);
}

TEST_CASE("qmux connection: handles that are gone leave no stream open", "[qmux]") {
    Pair pair;
    auto here = std::make_optional(pair.finish(pair.client->open_bidi()));
    const bool used = GENERATE(true, false);
    if (used) pair.write(*here->send, "a");
    const bool known = GENERATE(true, false);
    if (known) pair.move();
    here.reset();
    pair.move();
    {
        auto there = pair.finish(pair.server->accept_bidi());
        CHECK(pair.code(there.receive->read()) == cancelled);
        CHECK(pair.now(there.send->stopped()) == cancelled);
    }
    pair.move();
    CHECK(pair.client->open_streams() == 0);
    CHECK(pair.server->open_streams() == 0);
}

TEST_CASE("qmux connection: a stream is announced by STREAM, whatever comes first of it", "[qmux]") {
    // Peers in JavaScript open no stream for anything else, and would not end their direction.
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_bidi());
    const AnyFrame announced = qmux::Stream{client_bidi(0), 0, {}, false};
    SECTION("reset") {
        stream.send->reset(old);
        CHECK(solo.frames() == std::vector<AnyFrame>{announced, qmux::ResetStream{client_bidi(0), 2, 0}});
        stream.receive->stop(old);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::StopSending{client_bidi(0), 2}});
    }
    SECTION("stop") {
        stream.receive->stop(old);
        CHECK(solo.frames() == std::vector<AnyFrame>{announced, qmux::StopSending{client_bidi(0), 2}});
        stream.send->reset(old);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_bidi(0), 2, 0}});
    }
    SECTION("both") {
        stream = {};
        CHECK(solo.frames() ==
              std::vector<AnyFrame>{announced, qmux::StopSending{client_bidi(0), 0}, qmux::ResetStream{client_bidi(0), 0, 0}});
    }
    SECTION("data") {
        stream.receive->stop(old);
        solo.write(*stream.send, "a");
        CHECK(solo.frames() == std::vector<AnyFrame>{announced, qmux::StopSending{client_bidi(0), 2},
                                                  qmux::Stream{client_bidi(0), 0, as_span("a"), false}});
    }
    SECTION("one way there is nothing that could stay open") {
        auto uni = solo.now(solo.own->open_uni());
        uni->reset(old);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ResetStream{client_uni(0), 2, 0}});
    }
}

TEST_CASE("qmux connection: a stop that comes too late is not sent", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.stream(client_uni(0), 0, "a");
    auto stream = solo.now(solo.own->accept_uni());
    stream->stop(old);
    solo.stream(client_uni(0), 1, "", true);
    CHECK(solo.frames_of<qmux::StopSending>().empty());
    CHECK(solo.own->open_streams() == 0);
}

// Order

TEST_CASE("qmux connection: what is more urgent goes first", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    std::vector<SendPtr> streams;
    const auto with = [&](SendOrder order) {
        streams.push_back(solo.now(solo.own->open_uni()));
        streams.back()->set_order(order);
        solo.write(*streams.back(), "x");
    };
    with({1, 9, 0, 0});  // 0
    with({2, 0, 1, 5});  // 1
    with({2, 1, 2, 0});  // 2
    with({2, 0, 1, 4});  // 3
    with({3, 0, 3, 7});  // 4
    with({2, 0, 4, 9});  // 5
    // Of one urgency flow 1 came first, its lower rank before the higher, and flow 4 has its turn between them.
    std::vector<std::uint64_t> order;
    for (const auto &frame : solo.frames_of<qmux::Stream>()) order.push_back(frame.id / 4);
    CHECK(order == std::vector<std::uint64_t>{4, 2, 3, 5, 1, 0});
}

TEST_CASE("qmux connection: flows of one urgency take turns, record by record", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    std::vector<SendPtr> streams;
    for (const std::uint64_t flow : {7u, 7u, 8u, 9u}) {
        streams.push_back(solo.now(solo.own->open_uni()));
        streams.back()->set_order({5, 5, flow, streams.size()});
        static_cast<void>(streams.back()->write(numbered(0, 0, 40'000)));
    }
    std::vector<std::uint64_t> order;
    OutgoingRecord record;
    for (int i = 0; i < 6; ++i) {
        REQUIRE(solo.own->output(record));
        CHECK(record.size() > OutgoingRecord::most - 8);
        std::error_code failure;
        const Octets all = flat(record);
        order.push_back(std::get<qmux::Stream>(qmux::next_frame(all, failure)->frame).id / 4);
    }
    // The second stream of flow 7 waits for the first.
    CHECK(order == std::vector<std::uint64_t>{0, 2, 3, 0, 2, 3});
}

TEST_CASE("qmux connection: equals in everything take turns, too", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    std::vector<SendPtr> streams;
    for (int i = 0; i < 3; ++i) {
        streams.push_back(solo.now(solo.own->open_uni()));
        static_cast<void>(streams.back()->write(numbered(0, 0, 60'000)));
    }
    std::vector<std::uint64_t> order;
    OutgoingRecord record;
    for (int i = 0; i < 6; ++i) {
        REQUIRE(solo.own->output(record));
        std::error_code failure;
        const Octets all = flat(record);
        order.push_back(std::get<qmux::Stream>(qmux::next_frame(all, failure)->frame).id / 4);
    }
    CHECK(order == std::vector<std::uint64_t>{0, 1, 2, 0, 1, 2});
}

TEST_CASE("qmux connection: an order counts from when it is given", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto slow = solo.now(solo.own->open_uni());
    auto fast = solo.now(solo.own->open_uni());
    static_cast<void>(slow->write(numbered(0, 0, 100'000)));
    OutgoingRecord record;
    REQUIRE(solo.own->output(record));
    static_cast<void>(fast->write(numbered(1, 0, 100)));
    fast->set_order({9, 0, 0, 0});
    REQUIRE(solo.own->output(record));
    const Octets all = flat(record);
    std::error_code failure;
    CHECK(std::get<qmux::Stream>(qmux::next_frame(all, failure)->frame).id == client_uni(1));
}

TEST_CASE("qmux connection: a stream without credit does not hold up others", "[qmux]") {
    Solo solo(true);
    auto theirs = Solo::generous();
    theirs.max_stream_data_uni = 3;
    solo.greeted(theirs);
    auto blocked = solo.now(solo.own->open_uni());
    blocked->set_order({9, 0, 0, 0});
    solo.write(*blocked, "abcd");
    CHECK(solo.frames().size() == 1);
    auto other = solo.now(solo.own->open_uni());
    solo.write(*other, "x");
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::Stream{client_uni(1), 0, as_span("x"), false}});
    solo.send(qmux::MaxStreamData{client_uni(0), 4});
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::Stream{client_uni(0), 3, as_span("d"), false}});
}

// Records

TEST_CASE("qmux connection: a payload is shared and what is small is copied", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    const Bytes payload = numbered(0, 0, 1000);
    std::string head = "head";
    solo.now(stream->write(as_span(head), payload));
    solo.now(stream->write(as_span(head), bytes("small")));
    head = "gone";
    OutgoingRecord record;
    REQUIRE(solo.own->output(record));
    REQUIRE(record.buffers().size() == 3);
    CHECK(record.buffers()[1].data() == payload.data());
    CHECK(record.buffers()[1].size() == payload.size());
    const Octets all = flat(record);
    std::error_code failure;
    const auto frame = std::get<qmux::Stream>(qmux::next_frame(all, failure)->frame);
    CHECK(text_of(frame.payload) == "head" + std::string(payload.view()) + "headsmall");
}

TEST_CASE("qmux connection: what is shared lives until the record is done with", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    auto owner = std::make_shared<const std::string>(1000, 'x');
    const std::weak_ptr<const std::string> left = owner;
    solo.now(stream->write(Bytes(owner, as_span(*owner))));
    owner.reset();
    OutgoingRecord record;
    REQUIRE(solo.own->output(record));
    CHECK_FALSE(left.expired());
    record.clear();
    CHECK(left.expired());
}

TEST_CASE("qmux connection: many small pieces make few records, and no allocation", "[qmux]") {
    Pair pair;
    auto send = pair.finish(pair.client->open_uni());
    auto receive_later = pair.begin(pair.server->accept_uni());
    const auto fill = [&] {
        for (int i = 0; i < 1000; ++i) static_cast<void>(send->write(bytes("12345678")));
    };
    fill();
    OutgoingRecord record;
    REQUIRE(pair.client->output(record));
    CHECK(record.buffers().size() == 1);
    CHECK(record.size() > 8000);
    pair.server->input(flat(record));
    fill();
    const AllocationCount count;
    REQUIRE(pair.client->output(record));
    CHECK(count.made() == 0);
}

TEST_CASE("qmux connection: what is no record, or no frame, ends it", "[qmux]") {
    Solo solo;
    solo.greeted();
    SECTION("empty") {
        solo.own->input({});
        solo.check_fault(TransportError::ProtocolViolation);
    }
    SECTION("too large") {
        solo.own->input(Octets(16'383));
        solo.check_fault(TransportError::FrameEncoding, make_error_code(Error::Decode));
    }
    SECTION("as large as can be") {
        solo.own->input(Octets(16'382));
        solo.check_alive();
    }
    SECTION("every truncation of a frame") {
        Octets whole;
        qmux::encode(qmux::Stream{client_bidi(300), 70'000, as_span("abc"), true}, whole);
        for (std::size_t size = 1; size < whole.size(); ++size) {
            Solo each;
            each.greeted();
            each.own->input(std::span(whole).first(size));
            each.check_fault(TransportError::FrameEncoding, make_error_code(Error::Decode));
        }
    }
    SECTION("a frame of QUIC that has no place here") {
        solo.own->input(of_hex("1e"));
        solo.check_fault(TransportError::ProtocolViolation);
    }
    SECTION("what the channel finds") {
        solo.own->malformed();
        solo.check_fault(TransportError::FrameEncoding, make_error_code(Error::Decode));
    }
    SECTION("what stands before the fault counts") {
        Octets record;
        qmux::encode(qmux::ApplicationClose{0, ""}, record);
        record.push_back(std::byte{0x1e});
        solo.own->input(record);
        CHECK(solo.closed(*solo.own) == none);
        CHECK(solo.is_quiet());
        CHECK_FALSE(solo.own->ends_here());
    }
}

// Closing

TEST_CASE("qmux connection: a close is the last that is sent, and ends what waits", "[qmux]") {
    const std::error_code code = GENERATE(std::error_code(), make_error_code(Error::Lagged),
                                          make_error_code(Error::InvalidPath));
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_bidi());
    solo.write(*stream.send, "not sent any more");
    auto reading = solo.begin(stream.receive->read());
    auto accepting = solo.begin(solo.own->accept_uni());
    auto closed = solo.begin(solo.own->closed());
    CHECK_FALSE(closed.done());
    solo.own->close(code, "done with it");
    solo.own->close(make_error_code(Error::Old), "twice");
    const auto expected = code ? code : make_error_code(Error::Closed);
    CHECK(closed.value() == code);
    CHECK(reading.code() == expected);
    CHECK(accepting.code() == expected);
    CHECK(solo.code(solo.own->open_bidi()) == expected);
    CHECK(solo.code(stream.send->write(bytes("x"))) == expected);
    stream = {};
    CHECK_FALSE(solo.own->is_silent());
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ApplicationClose{wire_code(code), "done with it"}});
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

TEST_CASE("qmux connection: closed before it began, it still says who it is", "[qmux]") {
    Solo solo(true);
    solo.own->close({}, "");
    const auto all = solo.frames();
    REQUIRE(all.size() == 2);
    CHECK(std::holds_alternative<qmux::EncodedParameters>(all[0]));
    CHECK(all[1] == AnyFrame(qmux::ApplicationClose{0, ""}));
}

TEST_CASE("qmux connection: a reason is cut to what fits, and left out where it is no text", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    SECTION("long") {
        std::string reason(1023, 'a');
        reason += "\u00e9 and more";
        solo.own->close({}, reason);
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ApplicationClose{0, std::string_view(reason).substr(0, 1023)}});
    }
    SECTION("no UTF-8") {
        solo.own->close({}, "\xff");
        CHECK(solo.frames() == std::vector<AnyFrame>{qmux::ApplicationClose{0, ""}});
    }
}

TEST_CASE("qmux connection: what a peer's close means", "[qmux]") {
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
    SECTION("by the application") { check(qmux::ApplicationClose{26, ""}, make_error_code(Error::Lagged)); }
    SECTION("with a code of the application") { check(qmux::ApplicationClose{64 + 5, ""}, app_error(5)); }
    SECTION("with a code too large") {
        check(qmux::ApplicationClose{std::uint64_t{1} << 61, ""}, app_error(std::numeric_limits<std::uint32_t>::max()));
    }
    SECTION("no error") { check(qmux::ConnectionClose{0, 0, ""}, lost_code); }
    SECTION("internal error") { check(qmux::ConnectionClose{1, 0, ""}, lost_code); }
    SECTION("a violation") { check(qmux::ConnectionClose{0x0a, 8, "x"}, violation); }
    SECTION("flow control") { check(qmux::ConnectionClose{3, 8, "x"}, violation); }
    SECTION("a violation as JavaScript says it") { check(qmux::ConnectionClose{1002, 0, "x"}, violation); }
    SECTION("no protocol") { check(qmux::ConnectionClose{0x178, 0, "x"}, make_error_code(Error::UnknownAlpn)); }
    SECTION("anything") { check(qmux::ConnectionClose{std::uint64_t{1} << 61, 0, "x"}, lost_code); }
}

TEST_CASE("qmux connection: both ends agree on how it ended", "[qmux]") {
    const std::error_code code = GENERATE(std::error_code(), make_error_code(Error::Lagged));
    Pair pair;
    pair.server->close(code, "x");
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
    // What came with its end can still be read.
    CHECK(solo.read(*whole) == "whole");
    CHECK(solo.is_quiet());
    CHECK_FALSE(solo.own->ends_here());
    solo.stream(client_uni(1), 4, "late");
    CHECK(solo.own->open_streams() == 0);
}

// Time

TEST_CASE("qmux connection: a silent peer is asked, and then given up", "[qmux]") {
    Solo solo;
    solo.greeted();
    const auto start = solo.own->now();
    CHECK(solo.own->deadline() == start + 10s);
    solo.clock.advance(9999ms);
    solo.own->tick();
    CHECK(solo.is_quiet());
    solo.clock.advance(1ms);
    solo.own->tick();
    CHECK(solo.own->deadline() == start + 30s);  // the ping has yet to be written
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{0}});
    CHECK(solo.own->deadline() == start + 20s);
    solo.clock.advance(10s);
    solo.own->tick();
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingRequest{1}});
    solo.clock.advance(9999ms);
    solo.own->tick();
    CHECK_FALSE(solo.closed(*solo.own));
    solo.clock.advance(1ms);
    solo.own->tick();
    CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
    CHECK(solo.is_quiet());
    CHECK(solo.own->is_silent());
    CHECK_FALSE(solo.own->deadline());
}

TEST_CASE("qmux connection: two that have nothing to say keep each other", "[qmux]") {
    Pair pair;
    for (int i = 0; i < 100; ++i) {
        pair.clock.advance(5s);
        pair.client->tick();
        pair.server->tick();
        pair.move();
    }
    CHECK_FALSE(pair.closed(*pair.client));
    CHECK_FALSE(pair.closed(*pair.server));
}

TEST_CASE("qmux connection: who only sends asks a peer that only listens", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    std::size_t asked = 0;
    for (int i = 0; i < 29; ++i) {
        solo.clock.advance(1s);
        solo.own->tick();
        solo.write(*stream, "x");
        asked += solo.frames_of<qmux::PingRequest>().size();
    }
    CHECK(asked == 2);
    CHECK_FALSE(solo.closed(*solo.own));
    // Who only listens says now and then that it is there.
    asked = 0;
    std::uint64_t sent = 0;
    for (int i = 0; i < 30; ++i) {
        solo.clock.advance(1s);
        solo.stream(server_uni(0), sent++, "x");
        solo.own->tick();
        asked += solo.frames_of<qmux::PingRequest>().size();
    }
    CHECK(asked == 3);
}

TEST_CASE("qmux connection: the shorter idle time counts, and none is none", "[qmux]") {
    using std::chrono::milliseconds;
    const auto [ours, theirs, effective] = GENERATE(std::tuple{30000, 6000, 6000}, std::tuple{6000, 30000, 6000},
                                                    std::tuple{0, 6000, 6000}, std::tuple{6000, 0, 6000},
                                                    std::tuple{0, 0, 0});
    Solo solo(false, with_parameters([&, mine = ours](auto &of) { of.idle_timeout = milliseconds(mine); }));
    if (ours == 0)
        CHECK_FALSE(solo.own->deadline());
    else
        CHECK(solo.own->deadline() == solo.own->now() + milliseconds(ours));
    auto parameters = Solo::generous();
    parameters.idle_timeout = milliseconds(theirs);
    solo.greeted(parameters);
    if (effective == 0) {
        CHECK_FALSE(solo.own->deadline());
        solo.clock.advance(100h);
        solo.own->tick();
        return solo.check_alive();
    }
    CHECK(solo.own->deadline() == solo.own->now() + milliseconds(effective / 3));
    solo.clock.advance(milliseconds(effective));
    solo.own->tick();
    CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
}

TEST_CASE("qmux connection: the longest idle time there is does no harm", "[qmux]") {
    Solo solo(false, with_parameters([](auto &of) { of.idle_timeout = 0ms; }));
    auto parameters = Solo::generous();
    parameters.idle_timeout = std::chrono::milliseconds((std::int64_t{1} << 62) - 1);
    solo.greeted(parameters);
    REQUIRE(solo.own->deadline());
    CHECK(*solo.own->deadline() > solo.own->now() + 1000h);
    solo.own->tick();
    solo.check_alive();
}

TEST_CASE("qmux connection: a peer that never says who it is is given up, too", "[qmux]") {
    Solo solo;
    solo.frames();
    solo.clock.advance(30s);
    solo.own->tick();
    CHECK(solo.closed(*solo.own) == make_error_code(Error::Timeout));
}

// Datagrams

TEST_CASE("qmux connection: datagrams go where the peer takes them", "[qmux]") {
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

TEST_CASE("qmux connection: no datagrams to who does not want them, and none from who may not", "[qmux]") {
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

TEST_CASE("qmux connection: datagrams that are not sent in time make room for later ones", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    for (int i = 0; i < 1000; ++i) solo.own->send_datagram(bytes(std::to_string(i)));
    const auto sent = solo.frames_of<qmux::Datagram>();
    REQUIRE(sent.size() == 256);
    CHECK(text_of(sent.front().payload) == "744");
    CHECK(text_of(sent.back().payload) == "999");
}

// Peers that want to do harm

TEST_CASE("qmux connection: a flood of pings is answered for the latest", "[qmux]") {
    Solo solo;
    solo.greeted();
    for (std::uint64_t i = 0; i < 100'000; ++i) solo.send(qmux::PingRequest{i});
    const auto answers = solo.frames_of<qmux::PingResponse>();
    REQUIRE(answers.size() == 16);
    CHECK(answers.back().sequence == 99'999);
    solo.send({qmux::PingRequest{5}, qmux::PingRequest{6}, qmux::PingResponse{1 << 20}});
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingResponse{5}, qmux::PingResponse{6}});
}

TEST_CASE("qmux connection: whatever a peer repeats, it is held once", "[qmux]") {
    Solo solo;
    solo.greeted();
    std::vector<SendPtr> streams;
    for (int i = 0; i < 10; ++i) {
        streams.push_back(solo.now(solo.own->open_uni()));
        solo.write(*streams.back(), "x");
    }
    solo.stream(client_bidi(0), 0, "");
    auto peers = solo.now(solo.own->accept_bidi());
    solo.frames();
    const auto flood = [&] {
        for (std::uint64_t i = 0; i < 10'000; ++i) {
            solo.send({qmux::StopSending{server_uni(i % 10), i}, qmux::StopSending{client_bidi(0), i},
                       qmux::ResetStream{client_bidi(0), i, 0}, qmux::MaxStreamData{client_bidi(0), i}, qmux::MaxData{i},
                       qmux::MaxStreams{Direction::Uni, i}, qmux::StreamDataBlocked{client_bidi(0), i}, qmux::DataBlocked{i},
                       qmux::StreamsBlocked{Direction::Bidi, i}});
        }
    };
    flood();
    const auto before = live_bytes();
    flood();
    CHECK(live_bytes() <= before);
    CHECK(solo.frames_of<qmux::ResetStream>().size() == 11);
    peers = {};
    CHECK(solo.is_quiet());
    solo.check_alive();
}

TEST_CASE("qmux connection: streams that come and go leave nothing, read or not", "[qmux]") {
    Solo solo;
    solo.greeted();
    const auto round = [&](std::uint64_t i) {
        solo.stream(client_bidi(i), 0, "x", i % 2 == 0);
        if (i % 2 != 0) solo.send(qmux::ResetStream{client_bidi(i), 0, 1});
        if (i % 3 == 0) solo.send(qmux::StopSending{client_bidi(i), 0});
        solo.now(solo.own->accept_bidi());
        solo.frames();
        solo.kept.clear();
    };
    for (std::uint64_t i = 0; i < 3000; ++i) round(i);
    const auto before = live_bytes();
    for (std::uint64_t i = 3000; i < 10'000; ++i) round(i);
    CHECK(live_bytes() <= before + 4096);
    CHECK(solo.own->open_streams() == 0);
}

TEST_CASE("qmux connection: streams that are sent leave nothing, nor do their flows", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    const auto round = [&](std::uint64_t i) {
        auto stream = solo.now(solo.own->open_uni());
        stream->set_order({static_cast<std::uint8_t>(i), 0, i, i});
        solo.write(*stream, "x");
        if (i % 2 == 0) stream->set_order({static_cast<std::uint8_t>(i), 1, i, i});
        if (i % 3 == 0) stream->finish();
        if (i % 5 == 0) solo.frames();
        stream.reset();
        solo.frames();
        solo.kept.clear();
    };
    for (std::uint64_t i = 0; i < 1000; ++i) round(i);
    const auto before = live_bytes();
    for (std::uint64_t i = 1000; i < 5000; ++i) round(i);
    CHECK(live_bytes() <= before + 4096);
    CHECK(solo.own->open_streams() == 0);
}

TEST_CASE("qmux connection: a byte at a time costs memory for a byte", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.stream(client_uni(0), 0, "");
    auto stream = solo.now(solo.own->accept_uni());
    const auto before = live_bytes();
    constexpr std::uint64_t size = 200'000;
    for (std::uint64_t i = 0; i < size; ++i) solo.stream(client_uni(0), i, "x");
    CHECK(live_bytes() < before + 3 * size);
    CHECK(solo.read(*stream) == std::string(size, 'x'));
}

TEST_CASE("qmux connection: output is waited for", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    const auto due = [&] {
        return [](std::shared_ptr<Connection> own) -> asio::awaitable<void> { co_await own->output_due(); }(solo.own);
    };
    auto waiting = solo.begin(due());
    CHECK_FALSE(waiting.done());
    auto stream = solo.now(solo.own->open_uni());
    CHECK_FALSE(waiting.done());
    SECTION("a write") { solo.write(*stream, "x"); }
    SECTION("an end") { stream->finish(); }
    SECTION("a reset") { stream->reset(old); }
    SECTION("a handle that is gone") { stream.reset(); }
    SECTION("a ping") { solo.send(qmux::PingRequest{1}); }
    SECTION("a stop") { solo.send(qmux::StopSending{client_uni(0), 1}); }
    SECTION("a datagram") { solo.own->send_datagram(bytes("x")); }
    SECTION("time") {
        solo.clock.advance(10s);
        solo.own->tick();
    }
    SECTION("a close") { solo.own->close({}, ""); }
    SECTION("a fault") { solo.own->input({}); }
    SECTION("the peer's close") { solo.send(qmux::ApplicationClose{0, ""}); }
    SECTION("a loss") { solo.own->lost({}); }
    SECTION("data that was dropped") {
        solo.stream(server_uni(0), 0, std::string(10'000, 'x'));
        auto other = solo.now(solo.own->accept_uni());
        CHECK_FALSE(waiting.done());
        other->stop(old);
    }
    CHECK(waiting.done());
}

// Everything at once

namespace {

/// A stream of the randomised test, as its writer knows it.
struct Sent {
    std::uint64_t number = 0;
    std::size_t size = 0;
    bool whole = false;    // ended by finish()
    bool broken = false;   // reset, or stopped by the reader
};

class Crowd {
public:
    Crowd(Pair &pair, std::uint64_t seed) : pair_(pair), random_(seed) {}

    void spawn(std::shared_ptr<Connection> from, bool bidi) {
        const auto sent = std::make_shared<Sent>();
        sent->number = sent_.size();
        sent_.push_back(sent);
        // The first eight bytes say which stream it is.
        begin(bidi ? write_bidi(std::move(from), sent) : write_uni(std::move(from), sent));
    }
    void serve(std::shared_ptr<Connection> to) {
        begin(accept_uni(to));
        begin(accept_bidi(to));
    }
    std::size_t running() const { return running_; }
    std::size_t whole() const { return whole_; }
    void check_all() const {
        for (const auto &sent : sent_) {
            if (sent->whole && !sent->broken) {
                INFO("stream " << sent->number << " of " << sent->size);
                CHECK(received_.count(sent->number) == 1);
            }
        }
    }

private:
    std::size_t up_to(std::size_t most) { return static_cast<std::size_t>(random_() % (most + 1)); }

    void begin(asio::awaitable<void> coroutine) {
        ++running_;
        asio::co_spawn(pair_.context, std::move(coroutine), [this](std::exception_ptr failure) {
            --running_;
            try {
                if (failure) std::rethrow_exception(failure);
            } catch (const std::system_error &) {
            }
        });
    }
    asio::awaitable<void> write_uni(std::shared_ptr<Connection> from, std::shared_ptr<Sent> sent) {
        auto stream = co_await from->open_uni();
        co_await write(std::move(stream), sent);
    }
    asio::awaitable<void> write_bidi(std::shared_ptr<Connection> from, std::shared_ptr<Sent> sent) {
        auto stream = co_await from->open_bidi();
        begin(read(std::move(stream.receive)));
        co_await write(std::move(stream.send), sent);
    }
    asio::awaitable<void> write(SendPtr stream, std::shared_ptr<Sent> sent) {
        stream->set_order({static_cast<std::uint8_t>(up_to(2)), 0, up_to(3), up_to(5)});
        sent->size = up_to(up_to(3) == 0 ? 600'000 : 3000);
        std::uint64_t offset = 0;
        try {
            std::array<std::byte, 8> name{};
            for (std::size_t i = 0; i < name.size(); ++i) name[i] = static_cast<std::byte>(sent->number >> (8 * i) & 0xff);
            co_await stream->write(name, Bytes());
            while (offset < sent->size) {
                const std::size_t part = std::min<std::size_t>(sent->size - offset, up_to(up_to(1) == 0 ? 20 : 50'000));
                co_await stream->write(numbered(sent->number, offset, part));
                offset += part;
                if (up_to(60) == 0) {
                    sent->broken = true;
                    stream->reset(old);
                    co_return;
                }
                if (up_to(60) == 0) {
                    sent->broken = true;
                    co_return;
                }
            }
            stream->finish();
            sent->whole = true;
            co_await stream->sent();
        } catch (const std::system_error &) {
            sent->broken = true;
        }
    }
    asio::awaitable<void> accept_uni(std::shared_ptr<Connection> to) {
        while (true) {
            auto stream = co_await to->accept_uni();
            begin(read(std::move(stream)));
        }
    }
    asio::awaitable<void> accept_bidi(std::shared_ptr<Connection> to) {
        while (true) {
            auto stream = co_await to->accept_bidi();
            begin(read(std::move(stream.receive)));
            if (up_to(5) == 0) continue;
            const auto sent = std::make_shared<Sent>();
            sent->number = sent_.size();
            sent_.push_back(sent);
            begin(write(std::move(stream.send), sent));
        }
    }
    asio::awaitable<void> read(ReceivePtr stream) {
        std::optional<std::uint64_t> number;
        std::vector<std::byte> name;
        std::uint64_t offset = 0;
        while (true) {
            const Bytes part = co_await stream->read();
            if (part.empty()) break;
            for (const std::byte one : part.span()) {
                if (!number) {
                    name.push_back(one);
                    if (name.size() < 8) continue;
                    number = 0;
                    for (std::size_t i = 0; i < 8; ++i) *number |= std::to_integer<std::uint64_t>(name[i]) << (8 * i);
                } else if (one != numbered(*number, offset++)) {
                    FAIL("stream " << *number << " is wrong before " << offset);
                }
            }
            if (number && up_to(up_to(3) == 0 ? 0 : 100) == 0) {
                sent_.at(*number)->broken = true;
                if (up_to(1) == 0) stream->stop(old);
                co_return;
            }
        }
        CHECK((number && offset == sent_.at(*number)->size));
        if (!number) co_return;
        CHECK(received_.emplace(*number, offset).second);
        ++whole_;
    }

    Pair &pair_;
    std::mt19937_64 random_;
    std::vector<std::shared_ptr<Sent>> sent_;
    std::map<std::uint64_t, std::uint64_t> received_;
    std::size_t running_ = 0;
    std::size_t whole_ = 0;
};

}  // namespace

TEST_CASE("qmux connection: many streams both ways arrive whole, and nothing is left of them", "[qmux]") {
    const std::uint64_t first = seed("qmux connection");
    for (std::uint64_t round = 0; round < 10; ++round) {
        std::mt19937_64 random(first + round);
        const auto config = with_parameters([&](auto &of) {
            of.max_data = 2000 + random() % 300'000;
            of.max_stream_data_bidi_local = 500 + random() % 100'000;
            of.max_stream_data_bidi_remote = 500 + random() % 100'000;
            of.max_stream_data_uni = 500 + random() % 100'000;
            of.max_streams_bidi = 1 + random() % 20;
            of.max_streams_uni = 1 + random() % 20;
        });
        Pair pair(config, config);
        Crowd crowd(pair, first + round);
        for (int i = 0; i < 120; ++i) crowd.spawn(i % 3 == 0 ? pair.client : pair.server, i % 4 == 0);
        crowd.serve(pair.client);
        crowd.serve(pair.server);
        // Records come in any rhythm, and the application runs in between or not.
        int idle = 0;
        while (idle < 200) {
            const bool to_server = random() % 2 == 0;
            const bool moved = to_server ? pair.move_one(*pair.client, *pair.server) : pair.move_one(*pair.server, *pair.client);
            if (random() % 3 == 0) settle_down(pair.context);
            idle = moved ? 0 : idle + 1;
        }
        pair.move();
        CHECK_FALSE(pair.closed(*pair.client));
        CHECK_FALSE(pair.closed(*pair.server));
        CHECK(crowd.running() == 4);
        CHECK(crowd.whole() > 50);
        crowd.check_all();
        CHECK(pair.client->open_streams() == 0);
        CHECK(pair.server->open_streams() == 0);
        pair.client->close({}, "");
        pair.move();
        CHECK(crowd.running() == 0);
    }
}
