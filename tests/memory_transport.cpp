// Streams and datagrams between two ends in memory: what every transport promises, and what only this one does.
#include <comoq/memory_transport.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <comoq/error.hpp>

#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using SendPtr = std::unique_ptr<SendStream>;
using ReceivePtr = std::unique_ptr<ReceiveStream>;
using Words = std::vector<std::string>;
using Codes = std::vector<std::error_code>;

// A writer waits when so much is neither read nor on its way.
constexpr std::size_t enough = detail::SendHalf::enough;

const std::error_code none;
const std::error_code cancelled = make_error_code(Error::Cancelled);
const std::error_code old = make_error_code(Error::Old);
const std::error_code lagged = make_error_code(Error::Lagged);
const std::error_code closed_code = make_error_code(Error::Closed);
const std::error_code aborted = asio::error::operation_aborted;

Bytes bytes(std::string_view text) { return Bytes::copy(text); }
Bytes bytes(std::size_t size) { return Bytes(std::vector<std::byte>(size)); }
std::span<const std::byte> head(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Bytes that tell their place.
Bytes numbered(std::size_t from, std::size_t size) {
    std::vector<std::byte> all(size);
    for (std::size_t i = 0; i < size; ++i) all[i] = static_cast<std::byte>((from + i) * 31 >> 3);
    return Bytes(std::move(all));
}

/// Two ends on one context.
struct Scene {
    explicit Scene(MemoryLinkConfig config = {})
        : link(context.get_executor(), context.get_executor(), std::move(config)) {}

    void run() { settle_down(context); }
    void advance(std::chrono::nanoseconds time) {
        link.advance(time);
        run();
    }
    /// What does not have to wait.
    template <class T> T now(asio::awaitable<T> coroutine) { return run_to_end(context, std::move(coroutine)); }
    template <class T> std::error_code code(asio::awaitable<T> coroutine) {
        return error_of([&] {
            if constexpr (std::is_void_v<T>)
                return now(std::move(coroutine)), 0;
            else
                return now(std::move(coroutine));
        });
    }
    template <class T> Begun<T> begin(asio::awaitable<T> coroutine) { return Begun<T>(context, std::move(coroutine)); }

    void write(SendStream &stream, std::string_view text) { now(stream.write(bytes(text))); }
    /// What can be read now, to the end if that is there.
    std::string read(ReceiveStream &stream) {
        std::string all;
        for (;;) {
            auto next = begin(stream.read());
            if (!next.done()) return all;
            const Bytes got = next.value();
            if (got.empty()) return all;
            all += got.view();
        }
    }
    /// True if the next read gives the end.
    bool at_end(ReceiveStream &stream) {
        auto next = begin(stream.read());
        return next.done() && next.value().empty();
    }
    bool nothing_to_read(ReceiveStream &stream) { return !begin(stream.read()).done(); }

    /// A unidirectional stream with both ends in hand; one byte of it has been read.
    std::pair<SendPtr, ReceivePtr> uni() {
        auto send = now(client->open_uni());
        write(*send, "!");
        auto receive = now(server->accept_uni());
        CHECK(now(receive->read()).view() == "!");
        return {std::move(send), std::move(receive)};
    }
    std::pair<BidiStream, BidiStream> bidi() {
        auto here = now(client->open_bidi());
        write(*here.send, "!");
        auto there = now(server->accept_bidi());
        CHECK(now(there.receive->read()).view() == "!");
        return {std::move(here), std::move(there)};
    }

    asio::io_context context;
    MemoryLink link;
    std::shared_ptr<Transport> client = link.client(), server = link.server();
};

MemoryLinkConfig config_with(const std::function<void(MemoryLinkConfig &)> &change) {
    MemoryLinkConfig config;
    change(config);
    return config;
}

}  // namespace

TEST_CASE("memory transport: each end knows its side, its executor, the protocol and what is measured", "[transport]") {
    Scene scene(config_with([](auto &config) {
        config.protocol = "a-protocol";
        config.max_datagram_size = 77;
        config.stats.round_trip = 5ms;
        config.stats.bandwidth = 1000;
    }));
    CHECK(scene.client->is_client());
    CHECK_FALSE(scene.server->is_client());
    for (const auto &end : {scene.client, scene.server}) {
        CHECK(end->executor() == asio::any_io_executor(scene.context.get_executor()));
        CHECK(end->protocol() == "a-protocol");
        CHECK(end->max_datagram_size() == 77);
        CHECK(end->stats().round_trip == 5ms);
        CHECK(end->stats().bandwidth == 1000);
    }
}

// Bytes

TEST_CASE("transport: bytes of a unidirectional stream come in order and whole, from either side", "[transport]") {
    const bool from_client = GENERATE(true, false);
    Scene scene(config_with([](auto &config) { config.largest_piece = 3; }));
    auto &from = from_client ? *scene.client : *scene.server;
    auto &to = from_client ? *scene.server : *scene.client;
    auto send = scene.now(from.open_uni());
    scene.write(*send, "hello ");
    scene.write(*send, "w");
    scene.write(*send, "orld");
    auto receive = scene.now(to.accept_uni());
    CHECK(scene.read(*receive) == "hello world");
    scene.write(*send, " again");
    send->finish();
    CHECK(scene.read(*receive) == " again");
    CHECK(scene.at_end(*receive));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: bytes of a bidirectional stream come in order and whole, both ways", "[transport]") {
    const bool from_client = GENERATE(true, false);
    Scene scene;
    auto &from = from_client ? *scene.client : *scene.server;
    auto &to = from_client ? *scene.server : *scene.client;
    auto here = scene.now(from.open_bidi());
    scene.write(*here.send, "question");
    CHECK(scene.link.open_streams() == 2);
    auto there = scene.now(to.accept_bidi());
    CHECK(scene.read(*there.receive) == "question");
    scene.write(*there.send, "answer");
    CHECK(scene.read(*here.receive) == "answer");
    here.send->finish();
    CHECK(scene.at_end(*there.receive));
    CHECK(scene.link.open_streams() == 1);
    // One direction is over, the other goes on.
    scene.write(*there.send, ", and more");
    there.send->finish();
    CHECK(scene.read(*here.receive) == ", and more");
    CHECK(scene.at_end(*here.receive));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: a head goes before its payload, and is copied in the call", "[transport]") {
    Scene scene;
    auto send = scene.now(scene.client->open_uni());
    std::string before = "0123456789abcdef";
    static_assert(SendStream::max_head == 16);
    auto first = scene.begin(send->write(head(before), bytes("-payload-")));
    std::fill(before.begin(), before.end(), 'x');
    CHECK(first.done());
    scene.now(send->write(head("head only"), Bytes()));
    scene.now(send->write(bytes("-payload only")));
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == "0123456789abcdef-payload-head only-payload only");
}

TEST_CASE("transport: what is written is taken in the call, whether or not it is awaited", "[transport]") {
    Scene scene;
    auto send = scene.now(scene.client->open_uni());
    {
        auto dropped = send->write(bytes("taken"));
    }
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == "taken");
}

TEST_CASE("transport: a payload is shared until it has been sent, and not longer", "[transport]") {
    Scene scene;
    auto owner = std::make_shared<const std::string>("payload");
    const std::weak_ptr<const std::string> left = owner;
    auto send = scene.now(scene.client->open_uni());
    scene.link.pause();
    scene.now(send->write(Bytes(owner, head(*owner))));
    owner.reset();
    CHECK_FALSE(left.expired());
    scene.link.resume();
    scene.run();
    CHECK(left.expired());
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == "payload");
}

TEST_CASE("transport: a read gives as much as came together", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    scene.write(*send, "a");
    scene.write(*send, "b");
    scene.run();
    CHECK(scene.now(receive->read()).view() == "ab");
}

TEST_CASE("transport: writes of nothing do no harm, and an empty stream has its end", "[transport]") {
    Scene scene;
    auto send = scene.now(scene.client->open_uni());
    const bool with_bytes = GENERATE(false, true);
    scene.write(*send, "");
    if (with_bytes) scene.write(*send, "a");
    scene.write(*send, "");
    if (with_bytes) scene.write(*send, "b");
    scene.write(*send, "");
    send->finish();
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == (with_bytes ? "ab" : ""));
    CHECK(scene.at_end(*receive));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: a read waits for bytes, and for the end", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    auto first = scene.begin(receive->read());
    CHECK_FALSE(first.done());
    scene.write(*send, "a");
    CHECK(first.value().view() == "a");
    auto second = scene.begin(receive->read());
    CHECK_FALSE(second.done());
    send->finish();
    CHECK(second.value().empty());
    CHECK(scene.at_end(*receive));
}

TEST_CASE("transport: after the end nothing is written, and ending twice is once", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    scene.write(*send, "a");
    send->finish();
    scene.write(*send, "b");
    send->finish();
    scene.run();
    scene.write(*send, "c");
    send->finish();
    CHECK(scene.read(*receive) == "a");
    CHECK(scene.at_end(*receive));
}

TEST_CASE("transport: what was written is sent after its handle is gone, if it was finished", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    const std::size_t size = 4 * enough;
    auto waiting = scene.begin(send->write(numbered(0, size)));
    CHECK_FALSE(waiting.done());
    send->finish();
    send.reset();
    CHECK(scene.read(*receive) == numbered(0, size).view());
    CHECK(scene.at_end(*receive));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: sent() completes when everything has been sent, and the end", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    auto early = scene.begin(send->sent());
    scene.write(*send, "abc");
    // There may be more.
    CHECK_FALSE(early.done());
    scene.link.pause();
    send->finish();
    CHECK_FALSE(early.done());
    auto late = scene.begin(send->sent());
    CHECK_FALSE(late.done());
    scene.link.resume();
    CHECK(early.code() == none);
    CHECK(late.code() == none);
    scene.client->close(old, "");
    CHECK(scene.code(send->sent()) == none);
}

TEST_CASE("transport: sent() waits for a reader who has no room, and fails when it will never be", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    auto writing = scene.begin(send->write(bytes(300'000)));
    send->finish();
    auto sent = scene.begin(send->sent());
    CHECK_FALSE(sent.done());
    const int end = GENERATE(range(0, 5));
    if (end == 0) CHECK(scene.read(*receive).size() == 300'000);
    if (end == 1) send->reset(old);
    if (end == 2) receive->stop(old);
    if (end == 3) scene.client->close(old, "");
    if (end == 4) scene.link.cut(old);
    CHECK(sent.code() == (end == 0 ? none : old));
    CHECK(scene.code(send->sent()) == (end == 0 ? none : old));
}

// Opening and accepting

TEST_CASE("transport: accept waits for the peer, each kind for its own", "[transport]") {
    Scene scene;
    auto uni = scene.begin(scene.server->accept_uni());
    auto bidi = scene.begin(scene.server->accept_bidi());
    auto other_side = scene.begin(scene.client->accept_uni());
    CHECK_FALSE(uni.done());
    auto send = scene.now(scene.client->open_uni());
    scene.write(*send, "u");
    REQUIRE(uni.done());
    CHECK(scene.read(*uni.value()) == "u");
    CHECK_FALSE(bidi.done());
    auto both = scene.now(scene.client->open_bidi());
    scene.write(*both.send, "b");
    REQUIRE(bidi.done());
    CHECK(scene.read(*bidi.value().receive) == "b");
    CHECK_FALSE(other_side.done());
}

TEST_CASE("transport: streams are accepted in the order in which they came", "[transport]") {
    Scene scene;
    std::vector<SendPtr> unis;
    std::vector<BidiStream> bidis;
    for (char name = 'a'; name < 'f'; ++name) {
        unis.push_back(scene.now(scene.client->open_uni()));
        bidis.push_back(scene.now(scene.client->open_bidi()));
    }
    // They come in the order of their first bytes.
    for (const std::size_t i : {3u, 0u, 4u, 1u, 2u}) {
        scene.write(*unis[i], std::string(1, static_cast<char>('a' + i)));
        scene.write(*bidis[i].send, std::string(1, static_cast<char>('a' + i)));
        scene.run();
    }
    std::string uni_order, bidi_order;
    for (int i = 0; i < 5; ++i) {
        uni_order += scene.read(*scene.now(scene.server->accept_uni()));
        const auto stream = scene.now(scene.server->accept_bidi());
        bidi_order += scene.read(*stream.receive);
    }
    CHECK(uni_order == "daebc");
    CHECK(bidi_order == "daebc");
}

TEST_CASE("transport: of several who wait to accept, each gets one stream, the oldest first", "[transport]") {
    Scene scene;
    auto first = scene.begin(scene.server->accept_uni());
    auto second = scene.begin(scene.server->accept_uni());
    auto third = scene.begin(scene.server->accept_uni());
    auto a = scene.now(scene.client->open_uni());
    scene.write(*a, "a");
    scene.run();
    auto b = scene.now(scene.client->open_uni());
    scene.write(*b, "b");
    REQUIRE((first.done() && second.done()));
    CHECK_FALSE(third.done());
    CHECK(scene.read(*first.value()) == "a");
    CHECK(scene.read(*second.value()) == "b");
}

TEST_CASE("transport: a bidirectional stream comes to the peer, whatever its opener does with it first",
          "[transport]") {
    const int first = GENERATE(range(0, 6));
    // Chance decides which direction goes first.
    const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 9)));
    Scene scene(config_with([&](auto &config) { config.seed = seed; }));
    auto here = std::make_optional(scene.now(scene.client->open_bidi()));
    auto own = scene.begin(scene.client->accept_bidi());
    switch (first) {
    case 0:
        here->receive->stop(old);
        break;
    case 1:
        here->receive.reset();
        break;
    case 2:
        here->send->reset(lagged);
        break;
    case 3:
        here.reset();
        break;
    case 4:
        here->send->finish();
        break;
    default:
        here->receive.reset();
        here->send.reset();
    }
    scene.run();
    CHECK_FALSE(own.done());
    auto there = scene.now(scene.server->accept_bidi());
    auto another = scene.begin(scene.server->accept_bidi());
    CHECK_FALSE(another.done());
    if (first == 0) CHECK(scene.now(there.send->stopped()) == old);
    if (first == 1 || first == 3 || first == 5) CHECK(scene.now(there.send->stopped()) == cancelled);
    if (first == 2) CHECK(scene.code(there.receive->read()) == lagged);
    if (first == 3 || first == 5) CHECK(scene.code(there.receive->read()) == cancelled);
    if (first == 4) CHECK(scene.at_end(*there.receive));
    here.reset();
    there = BidiStream();
    scene.run();
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: opening waits until a stream of that kind and side is over", "[transport]") {
    Scene scene(config_with([](auto &config) { config.max_streams = 2; }));
    auto one = scene.now(scene.client->open_uni());
    auto two = scene.now(scene.client->open_uni());
    auto third = scene.begin(scene.client->open_uni());
    auto fourth = scene.begin(scene.client->open_uni());
    CHECK_FALSE(third.done());
    // The other kind and the other side have their own.
    auto both = scene.now(scene.client->open_bidi());
    auto theirs = scene.now(scene.server->open_uni());
    both.send->finish();
    scene.run();
    CHECK_FALSE(third.done());
    one->finish();
    CHECK(third.done());
    CHECK_FALSE(fourth.done());
    two->reset(old);
    CHECK(fourth.done());
}

TEST_CASE("transport: a bidirectional stream counts as open until both directions are over", "[transport]") {
    Scene scene(config_with([](auto &config) { config.max_streams = 1; }));
    auto [here, there] = scene.bidi();
    auto second = scene.begin(scene.client->open_bidi());
    const bool opener_first = GENERATE(true, false);
    (opener_first ? here : there).send->finish();
    scene.run();
    CHECK_FALSE(second.done());
    // The peer opens streams of its own.
    auto theirs = scene.now(scene.server->open_bidi());
    (opener_first ? there : here).send->finish();
    CHECK(second.done());
}

// The ways in which a stream is over

namespace {

/// What is done with a handle, in the end or before.
enum class Act { Nothing, Finish, Fail, Use };

/// Destroys the handles of a stream in some order, after having done something with each.
template <class Handle> void act(Scene &scene, Handle &handle, Act what) {
    if constexpr (std::is_same_v<Handle, SendPtr>) {
        if (what == Act::Use) scene.begin(handle->write(bytes("used"))).done();
        if (what == Act::Finish) handle->finish();
        if (what == Act::Fail) handle->reset(old);
    } else {
        if (what == Act::Finish || what == Act::Use) scene.begin(handle->read()).done();
        if (what == Act::Fail) handle->stop(lagged);
    }
}

}  // namespace

TEST_CASE("transport: no unidirectional stream stays open when its handles are gone, whatever was done with them",
          "[transport]") {
    const auto writes = GENERATE(Act::Nothing, Act::Finish, Act::Fail, Act::Use);
    const auto reads = GENERATE(Act::Nothing, Act::Fail, Act::Use);
    const bool writer_first = GENERATE(false, true);
    const bool between = GENERATE(false, true);
    const bool full = GENERATE(false, true);
    Scene scene(config_with([](auto &config) { config.max_streams = 1; }));
    auto [send, receive] = scene.uni();
    auto another = scene.begin(scene.client->open_uni());
    CHECK_FALSE(another.done());
    std::optional<Begun<void>> writing;
    // More than the window, so that some of it waits to be sent.
    if (full) writing.emplace(scene.begin(send->write(bytes(200'000))));
    const auto turn = [&] {
        if (between) scene.run();
    };
    act(scene, send, writes);
    turn();
    act(scene, receive, reads);
    turn();
    if (writer_first) send.reset();
    else receive.reset();
    turn();
    send.reset();
    receive.reset();
    scene.run();
    REQUIRE(another.done());
    another.value().reset();
    scene.run();
    CHECK(scene.link.open_streams() == 0);
    if (writing) CHECK(writing->done());
}

TEST_CASE("transport: no bidirectional stream stays open when its handles are gone, in any order", "[transport]") {
    std::array<int, 4> order{0, 1, 2, 3};
    const std::array<int, 4> first_order = order;
    const auto acts = GENERATE(range(0, 16));
    const bool between = GENERATE(false, true);
    const bool accepted = GENERATE(false, true);
    const auto seed = static_cast<std::uint64_t>(acts + 1);
    do {
        Scene scene(config_with([&](auto &config) {
            config.max_streams = 1;
            config.seed = seed;
        }));
        BidiStream here, there;
        if (accepted)
            std::tie(here, there) = scene.bidi();
        else
            here = scene.now(scene.client->open_bidi());
        auto another = scene.begin(scene.client->open_bidi());
        CHECK_FALSE(another.done());
        for (const int which : order) {
            const bool does = (acts >> which & 1) != 0;
            if (which < 2) {
                SendPtr &send = which == 0 ? here.send : there.send;
                if (send != nullptr && does) act(scene, send, Act::Finish);
                send.reset();
            } else {
                ReceivePtr &receive = which == 2 ? here.receive : there.receive;
                if (receive != nullptr && does) act(scene, receive, Act::Fail);
                receive.reset();
            }
            if (between) scene.run();
        }
        // Nobody ever takes the stream: that is no reason for it to stay.
        scene.run();
        REQUIRE(another.done());
        another.value() = BidiStream();
        scene.run();
        CHECK(scene.link.open_streams() == 0);
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(order == first_order);
}

TEST_CASE("transport: a reset fails what reads, drops what was not read, and travels as its code", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    const bool delivered = GENERATE(false, true);
    const bool waiting = GENERATE(false, true);
    std::optional<Begun<Bytes>> reading;
    if (waiting) reading.emplace(scene.begin(receive->read()));
    else scene.link.pause();
    if (!waiting) {
        auto writing = scene.begin(send->write(bytes("not read")));
        scene.link.resume();
        if (delivered) scene.run();
    }
    send->reset(make_error_code(Error::InvalidPath));
    scene.run();
    const auto code = make_error_code(Error::ProtocolViolation);
    if (reading) CHECK(reading->code() == code);
    CHECK(scene.code(receive->read()) == code);
    CHECK(scene.code(receive->read()) == code);
    CHECK(scene.link.open_streams() == 0);
    // Here it is what it was.
    CHECK(scene.code(send->write(bytes("more"))) == make_error_code(Error::InvalidPath));
}

TEST_CASE("transport: the first reset counts, and a false code is Cancelled", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    send->reset({});
    send->reset(old);
    send->finish();
    CHECK(scene.code(send->write(bytes("more"))) == cancelled);
    scene.run();
    send->reset(old);
    CHECK(scene.code(receive->read()) == cancelled);
}

TEST_CASE("transport: a reset after finish drops what was not sent", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    scene.link.pause();
    scene.write(*send, "not sent");
    send->finish();
    send->reset(old);
    scene.link.resume();
    scene.run();
    CHECK(scene.code(receive->read()) == old);
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: a reset after everything was sent is nothing", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    scene.write(*send, "sent");
    send->finish();
    scene.run();
    auto stopped = scene.begin(send->stopped());
    send->reset(old);
    CHECK_FALSE(stopped.done());
    CHECK(scene.read(*receive) == "sent");
    CHECK(scene.at_end(*receive));
}

TEST_CASE("transport: a handle that is destroyed before its end resets the stream with Cancelled", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    scene.write(*send, "not ended");
    auto writing = scene.begin(send->write(bytes(200'000)));
    CHECK_FALSE(writing.done());
    send.reset();
    CHECK(writing.code() == cancelled);
    CHECK(scene.code(receive->read()) == cancelled);
}

TEST_CASE("transport: a stop ends what is written, with its code as it travels, and what waits for it", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    const bool finished = GENERATE(false, true);
    auto stopped = scene.begin(send->stopped());
    auto writing = scene.begin(send->write(bytes(200'000)));
    CHECK_FALSE(writing.done());
    CHECK_FALSE(stopped.done());
    if (finished) {
        send->finish();
        // It may as well go on: there will be no more.
        CHECK(writing.done());
    }
    receive->stop(make_error_code(Error::LimitReached));
    const auto code = make_error_code(Error::Unauthorized);
    CHECK(stopped.value() == code);
    CHECK(writing.code() == (finished ? none : code));
    CHECK(scene.now(send->stopped()) == code);
    if (!finished) CHECK(scene.code(send->write(bytes("more"))) == code);
    CHECK(scene.link.open_streams() == 0);
    // What is done now is of no importance.
    send->finish();
    send->reset(old);
    CHECK(scene.now(send->stopped()) == code);
    CHECK(scene.code(receive->read()) == cancelled);
}

TEST_CASE("transport: a handle that is destroyed before its end was read stops the stream with Cancelled",
          "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    const bool waits = GENERATE(false, true);
    std::optional<Begun<Bytes>> reading;
    if (waits) reading.emplace(scene.begin(receive->read()));
    receive.reset();
    CHECK(scene.now(send->stopped()) == cancelled);
    CHECK(scene.code(send->write(bytes("more"))) == cancelled);
    if (reading) CHECK(reading->code() == cancelled);
}

TEST_CASE("transport: what comes after a stop is dropped, and the writer does not wait for a reader", "[transport]") {
    Scene scene(config_with([](auto &config) { config.delay = 10ms; }));
    auto send = scene.now(scene.client->open_uni());
    scene.write(*send, "!");
    scene.advance(10ms);
    auto receive = scene.now(scene.server->accept_uni());
    receive->stop(old);
    // The peer does not know yet.
    scene.now(send->write(bytes(enough - 1)));
    auto writing = scene.begin(send->write(bytes(10)));
    CHECK_FALSE(writing.done());
    scene.advance(9ms);
    CHECK_FALSE(writing.done());
    scene.advance(1ms);
    CHECK(writing.code() == old);
}

TEST_CASE("transport: stopping after the end came is nothing to the peer", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    auto stopped = scene.begin(send->stopped());
    scene.write(*send, "all");
    send->finish();
    scene.run();
    receive->stop(old);
    receive.reset();
    scene.run();
    CHECK_FALSE(stopped.done());
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: stop and reset that cross on their way end the stream once", "[transport]") {
    const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 6)));
    Scene scene(config_with([&](auto &config) {
        config.seed = seed;
        config.max_streams = 1;
    }));
    auto [send, receive] = scene.uni();
    send->reset(old);
    receive->stop(lagged);
    scene.run();
    CHECK(scene.link.open_streams() == 0);
    CHECK(scene.now(send->stopped()) == old);
    auto another = scene.now(scene.client->open_uni());
    CHECK_FALSE(scene.begin(scene.client->open_uni()).done());
}

// Back-pressure

TEST_CASE("transport: a writer waits when enough is pending and nobody reads, and goes on when somebody does",
          "[transport]") {
    const std::size_t window = 10'000;
    Scene scene(config_with([](auto &config) { config.window = window; }));
    auto [send, receive] = scene.uni();
    scene.now(send->write(numbered(0, window)));
    scene.run();
    scene.now(send->write(numbered(window, enough - 1)));
    auto writing = scene.begin(send->write(numbered(window + enough - 1, 1)));
    CHECK_FALSE(writing.done());
    auto next = scene.begin(send->write(numbered(window + enough, 5)));
    CHECK_FALSE(next.done());
    const Bytes first = scene.now(receive->read());
    CHECK(first.size() == window);
    CHECK(writing.done());
    CHECK(next.done());
    CHECK(std::string(first.view()) + scene.read(*receive) == numbered(0, window + enough + 5).view());
}

TEST_CASE("memory transport: no more than the window is delivered and not read", "[transport]") {
    const auto window = static_cast<std::size_t>(GENERATE(1, 10, 4096, 5000));
    Scene scene(config_with([&](auto &config) { config.window = window; }));
    auto [send, receive] = scene.uni();
    auto writing = scene.begin(send->write(numbered(0, 3 * window + 7)));
    send->finish();
    std::string all;
    for (int i = 0; i < 3; ++i) {
        scene.run();
        const Bytes next = scene.now(receive->read());
        CHECK(next.size() == window);
        all += next.view();
    }
    all += scene.read(*receive);
    CHECK(all == numbered(0, 3 * window + 7).view());
    CHECK(scene.at_end(*receive));
}

TEST_CASE("transport: a stream that nobody reads does not hold up another one", "[transport]") {
    Scene scene;
    auto [stuck, unread] = scene.uni();
    auto writing = scene.begin(stuck->write(bytes(500'000)));
    CHECK_FALSE(writing.done());
    auto [send, receive] = scene.uni();
    scene.write(*send, "passes");
    CHECK(scene.read(*receive) == "passes");
    CHECK_FALSE(writing.done());
    // Who stops it makes room as well.
    unread->stop(old);
    CHECK(writing.code() == old);
}

TEST_CASE("memory transport: who has stopped makes room, and the stop still arrives after its delay", "[transport]") {
    Scene scene(config_with([](auto &config) { config.delay = 10ms; }));
    auto send = scene.now(scene.client->open_uni());
    auto writing = scene.begin(send->write(bytes(500'000)));
    scene.advance(10ms);
    auto receive = scene.now(scene.server->accept_uni());
    auto stopped = scene.begin(send->stopped());
    CHECK_FALSE(writing.done());
    receive->stop(old);
    CHECK(writing.code() == none);
    scene.advance(10ms - 1ns);
    CHECK_FALSE(stopped.done());
    scene.advance(1ns);
    CHECK(stopped.value() == old);
    CHECK(scene.link.open_streams() == 0);
}

// Datagrams

TEST_CASE("transport: datagrams come, both ways, and whole", "[transport]") {
    Scene scene;
    auto waiting = scene.begin(scene.server->receive_datagram());
    CHECK_FALSE(waiting.done());
    for (const auto *text : {"a", "bc", "def"}) scene.client->send_datagram(bytes(text));
    scene.server->send_datagram(bytes("back"));
    CHECK(waiting.value().view() == "a");
    CHECK(scene.now(scene.server->receive_datagram()).view() == "bc");
    CHECK(scene.now(scene.server->receive_datagram()).view() == "def");
    CHECK(scene.now(scene.client->receive_datagram()).view() == "back");
    CHECK_FALSE(scene.begin(scene.server->receive_datagram()).done());
}

TEST_CASE("transport: a datagram that is too large is dropped, any where there are none", "[transport]") {
    const auto most = static_cast<std::size_t>(GENERATE(0, 1, 1250));
    Scene scene(config_with([&](auto &config) { config.max_datagram_size = most; }));
    CHECK(scene.client->max_datagram_size() == most);
    scene.client->send_datagram(bytes(most + 1));
    scene.client->send_datagram(bytes(most));
    scene.client->send_datagram(Bytes());
    scene.run();
    auto first = scene.begin(scene.server->receive_datagram());
    CHECK(first.done() == (most != 0));
    if (most == 0) return;
    CHECK(first.value().size() == most);
    CHECK(scene.now(scene.server->receive_datagram()).empty());
}

TEST_CASE("transport: of datagrams that nobody takes the oldest go", "[transport]") {
    Scene scene;
    const std::size_t sent = 5000;
    for (std::size_t i = 0; i < sent; ++i) {
        scene.client->send_datagram(bytes(std::to_string(i)));
    }
    scene.run();
    std::vector<std::string> came;
    for (;;) {
        auto next = scene.begin(scene.server->receive_datagram());
        if (!next.done()) break;
        came.emplace_back(next.value().view());
    }
    REQUIRE_FALSE(came.empty());
    CHECK(came.size() < sent);
    CHECK(came.back() == std::to_string(sent - 1));
    CHECK(came.front() == std::to_string(sent - came.size()));
}

TEST_CASE("memory transport: so many datagrams in a hundred are lost, the others come in order", "[transport]") {
    const unsigned loss = GENERATE(0u, 30u, 100u);
    Scene scene(config_with([&](auto &config) { config.datagram_loss = loss; }));
    std::vector<int> came;
    for (int i = 0; i < 1000; ++i) {
        scene.client->send_datagram(bytes(std::to_string(i)));
        auto next = scene.begin(scene.server->receive_datagram());
        if (next.done()) came.push_back(std::stoi(std::string(next.value().view())));
    }
    if (loss == 0) CHECK(came.size() == 1000);
    if (loss == 30) CHECK((came.size() > 600 && came.size() < 800));
    if (loss == 100) CHECK(came.empty());
    CHECK(std::is_sorted(came.begin(), came.end()));
}

// The end of a connection

namespace {

/// Everything that can wait at one end, waiting.
struct Waiters {
    Waiters(Scene &scene, Transport &end, SendStream &send, ReceiveStream &receive, SendStream &other)
        : open_uni(scene.begin(end.open_uni())), open_bidi(scene.begin(end.open_bidi())),
          accept_uni(scene.begin(end.accept_uni())), accept_bidi(scene.begin(end.accept_bidi())),
          datagram(scene.begin(end.receive_datagram())), closed(scene.begin(end.closed())),
          write(scene.begin(send.write(bytes(200'000)))), read(scene.begin(receive.read())),
          stopped(scene.begin(other.stopped())) {}

    bool any_done() {
        return open_uni.done() || open_bidi.done() || accept_uni.done() || accept_bidi.done() || datagram.done() ||
               closed.done() || write.done() || read.done() || stopped.done();
    }
    Codes codes() {
        return {open_uni.code(), open_bidi.code(), accept_uni.code(), accept_bidi.code(),
                datagram.code(), write.code(), read.code(), stopped.value()};
    }

    Begun<SendPtr> open_uni;
    Begun<BidiStream> open_bidi;
    Begun<ReceivePtr> accept_uni;
    Begun<BidiStream> accept_bidi;
    Begun<Bytes> datagram;
    Begun<std::error_code> closed;
    Begun<void> write;
    Begun<Bytes> read;
    Begun<std::error_code> stopped;
};

Codes eight_of(std::error_code code) { return Codes(8, code); }

/// What begins at one end that is over.
Codes codes_now(Scene &scene, Transport &end, SendStream &send, ReceiveStream &receive, SendStream &other) {
    return {scene.code(end.open_uni()), scene.code(end.open_bidi()), scene.code(end.accept_uni()),
            scene.code(end.accept_bidi()), scene.code(end.receive_datagram()), scene.code(send.write(bytes("late"))),
            scene.code(receive.read()), scene.now(other.stopped())};
}

/// Both ends with streams that are in use, and everybody waiting.
struct Busy : Scene {
    Busy() : Scene(config_with([](auto &config) { config.max_streams = 2; })) {
        std::tie(here, there) = bidi();
        std::tie(other_here, other_there) = bidi();
        own = now(server->open_bidi());
        own_too = now(server->open_bidi());
        for (const auto &end : {client, server}) {
            for (int i = 0; i < 2; ++i) unis.push_back(now(end->open_uni()));
        }
        at_client.emplace(*this, *client, *here.send, *other_here.receive, *other_here.send);
        at_server.emplace(*this, *server, *there.send, *other_there.receive, *other_there.send);
    }

    BidiStream here, there, other_here, other_there, own, own_too;
    std::vector<SendPtr> unis;
    std::optional<Waiters> at_client, at_server;
};

}  // namespace

TEST_CASE("transport: when one side closes, what waits at both fails, and what begins, with the code as it travels",
          "[transport]") {
    struct Case {
        std::error_code given, seen;
    };
    const auto codes = GENERATE(Case{old, old},
                                Case{make_error_code(Error::RoutingLoop), make_error_code(Error::Duplicate)},
                                Case{asio::error::broken_pipe, make_error_code(Error::Transport)},
                                Case{app_error(7), app_error(7)}, Case{cancelled, cancelled}, Case{none, none});
    const bool client_closes = GENERATE(true, false);
    Busy scene;
    CHECK_FALSE(scene.at_client->any_done());
    CHECK_FALSE(scene.at_server->any_done());
    (client_closes ? scene.client : scene.server)->close(codes.given, "because");
    const auto failure = [](std::error_code code) { return code ? code : closed_code; };
    const auto at_client = client_closes ? codes.given : codes.seen;
    const auto at_server = client_closes ? codes.seen : codes.given;
    CHECK(scene.at_client->codes() == eight_of(failure(at_client)));
    CHECK(scene.at_server->codes() == eight_of(failure(at_server)));
    CHECK(scene.at_client->closed.value() == at_client);
    CHECK(scene.at_server->closed.value() == at_server);
    CHECK(codes_now(scene, *scene.client, *scene.here.send, *scene.here.receive, *scene.here.send) ==
          eight_of(failure(at_client)));
    CHECK(codes_now(scene, *scene.server, *scene.there.send, *scene.there.receive, *scene.own.send) ==
          eight_of(failure(at_server)));
    CHECK(scene.now(scene.client->closed()) == at_client);
    CHECK(scene.now(scene.server->closed()) == at_server);
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("memory transport: when the connection is cut, both ends fail with the code", "[transport]") {
    Busy scene;
    const bool given = GENERATE(false, true);
    if (given) scene.link.cut(old);
    else scene.link.cut();
    const auto code = given ? old : make_error_code(Error::Transport);
    CHECK(scene.at_client->codes() == eight_of(code));
    CHECK(scene.at_server->codes() == eight_of(code));
    CHECK(scene.now(scene.client->closed()) == code);
    CHECK(scene.now(scene.server->closed()) == code);
    CHECK(codes_now(scene, *scene.client, *scene.here.send, *scene.here.receive, *scene.here.send) == eight_of(code));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: the first end counts", "[transport]") {
    Scene scene;
    const bool cut_first = GENERATE(false, true);
    if (cut_first) scene.link.cut(old);
    else scene.client->close(old, "");
    scene.server->close(lagged, "");
    scene.client->close({}, "");
    scene.link.cut(lagged);
    CHECK(scene.now(scene.client->closed()) == old);
    CHECK(scene.now(scene.server->closed()) == old);
}

TEST_CASE("transport: what came with its end can still be read after the close, what came without it cannot",
          "[transport]") {
    Scene scene;
    auto [ended, whole] = scene.uni();
    auto [open, partial] = scene.uni();
    auto [reset, broken] = scene.uni();
    scene.write(*ended, "all of it");
    ended->finish();
    scene.write(*open, "some of it");
    reset->reset(lagged);
    scene.run();
    const bool here = GENERATE(false, true);
    (here ? scene.server : scene.client)->close(old, "");
    CHECK(scene.read(*whole) == "all of it");
    CHECK(scene.at_end(*whole));
    CHECK(scene.code(partial->read()) == old);
    CHECK(scene.code(broken->read()) == lagged);
}

TEST_CASE("transport: streams that nobody accepted, and datagrams that nobody took, end with the connection",
          "[transport]") {
    Scene scene;
    auto uni = scene.now(scene.client->open_uni());
    auto bidi = scene.now(scene.client->open_bidi());
    scene.write(*uni, "u");
    scene.write(*bidi.send, "b");
    scene.client->send_datagram(bytes("d"));
    scene.run();
    scene.client->close(old, "");
    CHECK(scene.code(scene.server->accept_uni()) == old);
    CHECK(scene.code(scene.server->accept_bidi()) == old);
    CHECK(scene.code(scene.server->receive_datagram()) == old);
}

TEST_CASE("transport: after the close nothing that is done to a stream or the connection does harm", "[transport]") {
    Busy scene;
    scene.client->close(old, "");
    scene.run();
    scene.here.send->finish();
    scene.here.send->reset(lagged);
    scene.there.send->reset(lagged);
    scene.there.send->finish();
    scene.own.send->set_order({.priority = 3});
    scene.here.receive->stop(lagged);
    scene.there.receive.reset();
    scene.there.send.reset();
    scene.client->send_datagram(bytes("late"));
    scene.link.pause();
    scene.link.resume();
    scene.advance(1s);
    CHECK(scene.now(scene.here.send->stopped()) == old);
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: a connection is not closed by being let go, and its streams outlive it", "[transport]") {
    asio::io_context context;
    const auto make = [&] { return MemoryLink(context.get_executor(), context.get_executor()); };
    auto link = std::make_optional(make());
    auto client = link->client(), server = link->server();
    auto send = run_to_end(context, client->open_uni());
    run_to_end(context, send->write(bytes("a")));
    auto receive = run_to_end(context, server->accept_uni());
    link.reset();
    client.reset();
    server.reset();
    CHECK(run_to_end(context, receive->read()).view() == "a");
    run_to_end(context, send->write(bytes("b")));
    send->finish();
    CHECK(run_to_end(context, receive->read()).view() == "b");
    CHECK(run_to_end(context, receive->read()).empty());
}

TEST_CASE("transport: whose peer is gone waits until it closes", "[transport]") {
    asio::io_context context;
    auto link = std::make_unique<MemoryLink>(context.get_executor(), context.get_executor());
    const auto client = link->client();
    link.reset();
    auto send = run_to_end(context, client->open_uni());
    Begun<void> writing(context, send->write(bytes(200'000)));
    Begun<std::error_code> closed(context, client->closed());
    CHECK_FALSE(writing.done());
    client->send_datagram(bytes("nobody"));
    CHECK_FALSE(closed.done());
    client->close({}, "");
    CHECK(writing.code() == closed_code);
    CHECK(closed.value() == none);
}

// Time and chance

TEST_CASE("memory transport: nothing arrives before its delay, and all of it then", "[transport]") {
    Scene scene(config_with([](auto &config) {
        config.delay = 10ms;
        config.window = 1 << 20;
    }));
    auto send = scene.now(scene.client->open_uni());
    auto accepting = scene.begin(scene.server->accept_uni());
    // Many pieces, and the end.
    auto writing = scene.begin(send->write(numbered(0, 30'000)));
    send->finish();
    scene.client->send_datagram(bytes("d"));
    auto datagram = scene.begin(scene.server->receive_datagram());
    scene.advance(9'999'999ns);
    CHECK_FALSE(accepting.done());
    CHECK_FALSE(datagram.done());
    scene.advance(1ns);
    REQUIRE(accepting.done());
    CHECK(datagram.done());
    CHECK(scene.read(*accepting.value()) == numbered(0, 30'000).view());
    CHECK(scene.at_end(*accepting.value()));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("memory transport: what is written later arrives later, also while something is under way", "[transport]") {
    Scene scene(config_with([](auto &config) { config.delay = 10ms; }));
    auto send = scene.now(scene.client->open_uni());
    scene.write(*send, "a");
    scene.advance(4ms);
    scene.write(*send, "b");
    scene.write(*send, "c");
    scene.advance(2ms);
    send->finish();
    scene.advance(4ms);
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == "a");
    scene.advance(4ms - 1ns);
    CHECK(scene.nothing_to_read(*receive));
    scene.advance(1ns);
    CHECK(scene.now(receive->read()).view() == "bc");
    scene.advance(2ms - 1ns);
    CHECK(scene.nothing_to_read(*receive));
    scene.advance(1ns);
    CHECK(scene.at_end(*receive));
}

TEST_CASE("memory transport: resets and stops take their time too", "[transport]") {
    Scene scene(config_with([](auto &config) { config.delay = 10ms; }));
    auto here = scene.now(scene.client->open_bidi());
    scene.write(*here.send, "!");
    scene.advance(10ms);
    auto there = scene.now(scene.server->accept_bidi());
    CHECK(scene.read(*there.receive) == "!");
    auto stopped = scene.begin(there.send->stopped());
    auto reading = scene.begin(there.receive->read());
    here.send->reset(old);
    scene.advance(5ms);
    here.receive->stop(lagged);
    scene.advance(5ms - 1ns);
    CHECK_FALSE(reading.done());
    scene.advance(1ns);
    CHECK(reading.code() == old);
    CHECK_FALSE(stopped.done());
    scene.advance(5ms);
    CHECK(stopped.value() == lagged);
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("memory transport: jitter is added, differs, and keeps each stream in order", "[transport]") {
    Scene scene(config_with([](auto &config) {
        config.delay = 10ms;
        config.jitter = 8ms;
    }));
    std::vector<SendPtr> sends;
    for (int i = 0; i < 20; ++i) {
        sends.push_back(scene.now(scene.client->open_uni()));
        scene.write(*sends.back(), std::to_string(i));
    }
    std::vector<int> arrived;
    std::vector<ReceivePtr> receives;
    for (int time = 1; time <= 18; ++time) {
        scene.advance(1ms);
        for (;;) {
            auto next = scene.begin(scene.server->accept_uni());
            if (!next.done()) break;
            arrived.push_back(time);
            receives.push_back(std::move(next.value()));
        }
    }
    REQUIRE(arrived.size() == 20);
    CHECK(arrived.front() >= 10);
    CHECK(arrived.front() < arrived.back());
    // Each stream's bytes in order, however late each of them is.
    auto &send = *sends.front();
    const auto is_first = [&](const ReceivePtr &each) { return scene.read(*each) == "0"; };
    const auto at = std::find_if(receives.begin(), receives.end(), is_first);
    REQUIRE(at != receives.end());
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        scene.write(send, std::string(1, letter));
        scene.advance(1ms);
    }
    std::string all;
    for (int i = 0; i < 18; ++i) {
        all += scene.read(**at);
        scene.advance(1ms);
    }
    CHECK(all + scene.read(**at) == "abcdefghijklmnopqrstuvwxyz");
}

TEST_CASE("memory transport: streams do not wait for one another", "[transport]") {
    // Among many, some that was written later comes earlier.
    Scene scene(config_with([](auto &config) { config.jitter = 100ms; }));
    std::vector<SendPtr> sends;
    std::vector<int> order;
    std::vector<ReceivePtr> receives;
    const auto take = [&] {
        for (;;) {
            auto next = scene.begin(scene.server->accept_uni());
            if (!next.done()) return;
            order.push_back(std::stoi(scene.read(*next.value())));
            receives.push_back(std::move(next.value()));
        }
    };
    for (int i = 0; i < 20; ++i) {
        sends.push_back(scene.now(scene.client->open_uni()));
        scene.write(*sends.back(), std::to_string(i));
        scene.advance(1ms);
        take();
    }
    for (int i = 0; i < 100; ++i) {
        scene.advance(1ms);
        take();
    }
    CHECK(order.size() == 20);
    CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("memory transport: nothing is delivered while it is paused, and nothing is lost", "[transport]") {
    Scene scene(config_with([](auto &config) { config.delay = 1ms; }));
    auto send = scene.now(scene.client->open_uni());
    scene.link.pause();
    scene.write(*send, "abc");
    send->finish();
    scene.client->send_datagram(bytes("d"));
    auto accepting = scene.begin(scene.server->accept_uni());
    auto datagram = scene.begin(scene.server->receive_datagram());
    scene.advance(1s);
    CHECK_FALSE(accepting.done());
    CHECK_FALSE(datagram.done());
    scene.link.resume();
    REQUIRE(accepting.done());
    CHECK(scene.read(*accepting.value()) == "abc");
    CHECK(scene.at_end(*accepting.value()));
    CHECK(datagram.value().view() == "d");
}

TEST_CASE("memory transport: a pause also holds what was about to be delivered", "[transport]") {
    Scene scene;
    auto send = scene.now(scene.client->open_uni());
    auto writing = send->write(bytes("abc"));
    scene.link.pause();
    auto accepting = scene.begin(scene.server->accept_uni());
    CHECK_FALSE(accepting.done());
    scene.link.resume();
    CHECK(accepting.done());
}

namespace {

/// What arrives of streams that are written at once, and of datagrams.
struct Arrivals {
    std::vector<int> streams, datagrams;
    friend bool operator==(const Arrivals &, const Arrivals &) = default;
};
Arrivals arrivals_with(std::uint64_t seed, std::chrono::nanoseconds jitter) {
    Scene scene(config_with([&](auto &config) {
        config.seed = seed;
        config.jitter = jitter;
        config.datagram_loss = 50;
    }));
    std::vector<SendPtr> sends;
    for (int i = 0; i < 12; ++i) {
        sends.push_back(scene.now(scene.client->open_uni()));
    }
    scene.link.pause();
    for (int i = 0; i < 12; ++i) {
        scene.write(*sends[static_cast<std::size_t>(i)], std::to_string(i));
        scene.client->send_datagram(bytes(std::to_string(i)));
    }
    scene.link.resume();
    Arrivals all;
    for (int i = 0; i < 100; ++i) {
        scene.advance(1ms);
        for (;;) {
            auto next = scene.begin(scene.server->accept_uni());
            if (!next.done()) break;
            all.streams.push_back(std::stoi(scene.read(*next.value())));
        }
        for (;;) {
            auto next = scene.begin(scene.server->receive_datagram());
            if (!next.done()) break;
            all.datagrams.push_back(std::stoi(std::string(next.value().view())));
        }
    }
    return all;
}

}  // namespace

TEST_CASE("memory transport: the same seed gives the same order, another one another", "[transport]") {
    const std::chrono::nanoseconds jitter = GENERATE(0ms, 50ms);
    const auto first = arrivals_with(1, jitter);
    CHECK(first == arrivals_with(1, jitter));
    CHECK(first.streams.size() == 12);
    for (std::uint64_t seed = 2; seed < 8; ++seed) {
        const auto other = arrivals_with(seed, jitter);
        CHECK(other == arrivals_with(seed, jitter));
        CHECK(other.streams != first.streams);
        CHECK(other.datagrams != first.datagrams);
    }
}

// What goes first

namespace {

/// Streams that all have something to deliver, a byte at a time, and the order in which it comes.
class Race {
public:
    explicit Race(std::uint64_t seed)
        : scene_(config_with([&](auto &config) {
              config.by_priority = true;
              config.largest_piece = 1;
              config.seed = seed;
          })) {}

    void add(std::string text, const SendOrder &order) {
        auto [send, receive] = scene_.uni();
        send->set_order(order);
        runners_.push_back({std::move(text), std::move(send), std::move(receive)});
    }
    /// From here on everything waits to be sent.
    void line_up() {
        scene_.link.pause();
        for (auto &each : runners_) {
            scene_.write(*each.send, each.text);
            asio::co_spawn(scene_.context, note(*each.receive, order_), asio::detached);
        }
        scene_.run();
    }
    SendStream &stream(std::size_t which) { return *runners_[which].send; }
    std::string run() {
        scene_.link.resume();
        scene_.run();
        runners_.clear();
        scene_.run();
        return order_;
    }

private:
    static asio::awaitable<void> note(ReceiveStream &stream, std::string &order) {
        try {
            for (;;) {
                const Bytes next = co_await stream.read();
                order += next.view();
            }
        } catch (const std::system_error &) {
        }
    }

    struct Runner {
        std::string text;
        SendPtr send;
        ReceivePtr receive;
    };
    Scene scene_;
    std::vector<Runner> runners_;
    std::string order_;
};

}  // namespace

TEST_CASE("memory transport: by priority, the highest goes first, then the highest tie-break, then the lowest rank",
          "[transport]") {
    const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 4)));
    Race race(seed);
    race.add("aa", {.priority = 1, .rank = 0});
    race.add("bb", {.priority = 200, .tie_break = 0, .rank = 0});
    race.add("cc", {.priority = 7, .tie_break = 9, .rank = 9});
    race.add("dd", {.priority = 200, .tie_break = 1, .rank = 5});
    race.add("ee", {.priority = 7, .tie_break = 9, .rank = 8});
    race.add("ff", {.priority = 7, .tie_break = 3, .flow = 1});
    race.line_up();
    CHECK(race.run() == "ddbbeeccffaa");
}

TEST_CASE("memory transport: by priority, flows that are equal take turns, and each goes by its own ranks",
          "[transport]") {
    Race race(1);
    race.add("aa", {.flow = 7, .rank = 10});
    race.add("bb", {.flow = 7, .rank = 11});
    race.add("yyy", {.flow = 3, .rank = 21});
    race.add("xxx", {.flow = 3, .rank = 20});
    race.add("mm", {.flow = 9'000'000'000, .rank = 0});
    race.line_up();
    const auto order = race.run();
    REQUIRE(order.size() == 12);
    std::string of_seven, of_three;
    for (const char letter : order) {
        if (letter == 'a' || letter == 'b') of_seven += letter;
        if (letter == 'x' || letter == 'y') of_three += letter;
    }
    CHECK(of_seven == "aabb");
    CHECK(of_three == "xxxyyy");
    // None waits for another one to be done.
    for (std::size_t i = 0; i < 6; i += 3) {
        std::string turn = order.substr(i, 3);
        std::sort(turn.begin(), turn.end());
        CHECK(turn == "amx");
    }
}

TEST_CASE("memory transport: by priority, streams that are equal in everything take turns", "[transport]") {
    Race race(1);
    race.add("aaa", {});
    race.add("bbb", {});
    race.line_up();
    CHECK(race.run().substr(0, 4) == "abab");
}

TEST_CASE("transport: an order can change while something waits to be sent", "[transport]") {
    Race race(1);
    race.add("aa", {.priority = 9});
    race.add("bb", {.priority = 5});
    race.line_up();
    race.stream(0).set_order({.priority = 1});
    CHECK(race.run() == "bbaa");
}

// Cancellation

TEST_CASE("transport: a read that is cancelled takes nothing", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    auto reading = scene.begin(receive->read());
    reading.cancel();
    CHECK(reading.code() == aborted);
    scene.write(*send, "abc");
    scene.run();
    {
        auto dropped = receive->read();
    }
    CHECK(scene.read(*receive) == "abc");
}

TEST_CASE("transport: a write that is cancelled takes back nothing, and the stream goes on", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    auto writing = scene.begin(send->write(numbered(0, 200'000)));
    CHECK_FALSE(writing.done());
    writing.cancel();
    CHECK(writing.code() == aborted);
    auto next = scene.begin(send->write(numbered(200'000, 10)));
    send->finish();
    CHECK(scene.read(*receive) == numbered(0, 200'010).view());
    CHECK(scene.at_end(*receive));
}

TEST_CASE("transport: opening that is cancelled opens nothing", "[transport]") {
    Scene scene(config_with([](auto &config) { config.max_streams = 1; }));
    auto one = scene.now(scene.client->open_uni());
    auto two = scene.begin(scene.client->open_uni());
    auto three = scene.begin(scene.client->open_uni());
    two.cancel();
    CHECK(two.code() == aborted);
    {
        auto dropped = scene.client->open_bidi();
    }
    CHECK(scene.link.open_streams() == 1);
    one.reset();
    CHECK(three.done());
    CHECK(scene.link.open_streams() == 1);
}

TEST_CASE("transport: accepting that is cancelled leaves the stream to the next", "[transport]") {
    Scene scene;
    auto uni = scene.begin(scene.server->accept_uni());
    auto bidi = scene.begin(scene.server->accept_bidi());
    auto datagram = scene.begin(scene.server->receive_datagram());
    auto closed = scene.begin(scene.server->closed());
    uni.cancel();
    bidi.cancel();
    datagram.cancel();
    closed.cancel();
    CHECK(Codes{uni.code(), bidi.code(), datagram.code(), closed.code()} == Codes(4, aborted));
    auto send = scene.now(scene.client->open_uni());
    auto both = scene.now(scene.client->open_bidi());
    scene.write(*send, "u");
    scene.write(*both.send, "b");
    scene.client->send_datagram(bytes("d"));
    scene.run();
    CHECK(scene.read(*scene.now(scene.server->accept_uni())) == "u");
    CHECK(scene.read(*scene.now(scene.server->accept_bidi()).receive) == "b");
    CHECK(scene.now(scene.server->receive_datagram()).view() == "d");
}

TEST_CASE("transport: who stops waiting for stopped() does not stop the stream", "[transport]") {
    Scene scene;
    auto [send, receive] = scene.uni();
    auto stopped = scene.begin(send->stopped());
    stopped.cancel();
    CHECK(stopped.code() == aborted);
    scene.write(*send, "abc");
    CHECK(scene.read(*receive) == "abc");
}

// Lifetime

namespace {

asio::awaitable<void> hold_client(std::shared_ptr<Transport> end, bool write) {
    auto uni = co_await end->open_uni();
    auto bidi = co_await end->open_bidi();
    co_await bidi.send->write(bytes("b"));
    if (write) {
        co_await uni->write(bytes(500'000));
    } else {
        co_await uni->write(bytes("u"));
        co_await bidi.receive->read();
    }
}
asio::awaitable<void> hold_server(std::shared_ptr<Transport> end, int what) {
    auto uni = co_await end->accept_uni();
    auto bidi = co_await end->accept_bidi();
    const Bytes first = co_await uni->read();
    CHECK_FALSE(first.empty());
    switch (what) {
    case 0:
        co_await end->closed();
        break;
    case 1:
        co_await bidi.send->stopped();
        break;
    case 2:
        co_await end->receive_datagram();
        break;
    case 3:
        co_await end->accept_uni();
        break;
    default:
        co_await end->open_uni();
    }
}

}  // namespace

TEST_CASE("transport: coroutines that wait when their context is destroyed are destroyed with it, and leave nothing",
          "[transport]") {
    const int what = GENERATE(range(0, 5));
    const bool write = GENERATE(false, true);
    std::weak_ptr<Transport> client_left, server_left;
    {
        auto context = std::make_unique<asio::io_context>();
        const auto config = config_with([](auto &each) { each.max_streams = 1; });
        auto link = std::make_optional<MemoryLink>(context->get_executor(), context->get_executor(), config);
        client_left = link->client();
        server_left = link->server();
        auto server_streams = run_to_end(*context, link->server()->open_uni());
        asio::co_spawn(*context, hold_client(link->client(), write), asio::detached);
        asio::co_spawn(*context, hold_server(link->server(), what), asio::detached);
        CHECK(settle_down(*context));
        link.reset();
        server_streams.reset();
        CHECK_FALSE(client_left.expired());
        // Before or after what its streams have to say about it was delivered.
        context.reset();
    }
    CHECK(client_left.expired());
    CHECK(server_left.expired());
}

TEST_CASE("transport: nothing stays when links, ends and streams are gone, whatever was under way", "[transport]") {
    const bool ran = GENERATE(false, true);
    const bool closed = GENERATE(false, true);
    std::weak_ptr<Transport> client_left, server_left;
    auto owner = std::make_shared<const std::string>("payload");
    const std::weak_ptr<const std::string> payload_left = owner;
    asio::io_context context;
    {
        MemoryLink link(context.get_executor(), context.get_executor());
        client_left = link.client();
        server_left = link.server();
        auto uni = run_to_end(context, link.client()->open_uni());
        auto bidi = run_to_end(context, link.server()->open_bidi());
        link.pause();
        run_to_end(context, uni->write(Bytes(owner, head(*owner))));
        run_to_end(context, bidi.send->write(Bytes(owner, head(*owner))));
        link.client()->send_datagram(Bytes(owner, head(*owner)));
        link.resume();
        if (ran) settle_down(context);
        if (closed) link.client()->close({}, "");
    }
    owner.reset();
    settle_down(context);
    CHECK(client_left.expired());
    CHECK(server_left.expired());
    CHECK(payload_left.expired());
}

TEST_CASE("memory transport: streams may outlive the context of a connection that was closed", "[transport]") {
    auto context = std::make_unique<asio::io_context>();
    MemoryLink link(context->get_executor(), context->get_executor());
    auto sent = run_to_end(*context, link.client()->open_uni());
    auto unsent = run_to_end(*context, link.client()->open_bidi());
    run_to_end(*context, sent->write(bytes("a")));
    auto receive = run_to_end(*context, link.server()->accept_uni());
    auto dropped = unsent.send->write(bytes("b"));
    link.client()->close({}, "");
    context.reset();
    sent->finish();
    receive->stop(old);
    CHECK(link.open_streams() == 0);
}

// Two threads

namespace {

asio::awaitable<void> echo_one(BidiStream stream) {
    for (;;) {
        Bytes next = co_await stream.receive->read();
        if (next.empty()) break;
        co_await stream.send->write(std::move(next));
    }
    stream.send->finish();
}
asio::awaitable<void> echo(std::shared_ptr<Transport> end) {
    const auto executor = end->executor();
    for (;;) {
        std::optional<BidiStream> stream;
        try {
            stream = co_await end->accept_bidi();
        } catch (const std::system_error &) {
            co_return;
        }
        asio::co_spawn(executor, echo_one(std::move(*stream)), asio::detached);
    }
}
asio::awaitable<void> ask(std::shared_ptr<Transport> end, int rounds, std::size_t &right) {
    for (int i = 0; i < rounds; ++i) {
        auto stream = co_await end->open_bidi();
        const auto size = static_cast<std::size_t>(1 + i * 37);
        co_await stream.send->write(numbered(0, size));
        stream.send->finish();
        std::string all;
        for (;;) {
            const Bytes next = co_await stream.receive->read();
            if (next.empty()) break;
            all += next.view();
        }
        if (all == numbered(0, size).view()) ++right;
    }
    end->close({}, "");
}

}  // namespace

TEST_CASE("memory transport: each end can have an executor and a thread of its own", "[transport]") {
    asio::io_context here, there;
    const auto config = config_with([](auto &each) { each.max_streams = 2; });
    MemoryLink link(here.get_executor(), there.get_executor(), config);
    CHECK(link.server()->executor() == asio::any_io_executor(there.get_executor()));
    const auto guard = asio::make_work_guard(here);
    std::size_t right = 0;
    asio::co_spawn(there, echo(link.server()), asio::detached);
    std::thread other([&] { there.run(); });
    asio::co_spawn(here, ask(link.client(), 200, right), [&](std::exception_ptr) { here.stop(); });
    here.run();
    other.join();
    CHECK(right == 200);
    CHECK(link.open_streams() == 0);
}

// All together

namespace {

char letter(std::uint32_t id, std::size_t place) {
    return static_cast<char>((id * 131 + place * 7 + place / 251) & 0xff);
}

/// What became of one direction of one stream.
struct Fate {
    std::size_t written = 0, received = 0;
    bool finished = false, writer_gone = false, reader_gone = false, ended = false, wrong = false;
    bool reset = false, stopped = false;
    std::error_code reset_code, stop_code, write_failure, read_failure;
};

struct Party {
    Fate &of(std::uint32_t id) { return fates[id]; }
    std::size_t chance(std::size_t below) { return static_cast<std::size_t>(random() % below); }

    std::mt19937_64 random;
    std::map<std::uint32_t, Fate> fates;
    std::uint32_t next_id = 1;
    int running = 0;
};

/// A direction tells its number first.
constexpr std::size_t id_size = 4;
std::string id_bytes(std::uint32_t id) {
    std::string text;
    for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>(id >> shift & 0xff);
    return text;
}

asio::awaitable<void> write_all(Party &party, SendPtr stream, std::uint32_t id) {
    Fate &fate = party.of(id);
    ++party.running;
    // Some say little, some more than any window holds.
    const std::size_t size = party.chance(4) == 0 ? party.chance(200'000) : party.chance(3000);
    const bool resets = party.chance(5) == 0;
    const std::size_t until = resets ? party.chance(size + 1) : size;
    const bool by_drop = party.chance(2) == 0;
    try {
        const std::string name = id_bytes(id);
        co_await stream->write(head(name), Bytes());
        while (fate.written < until) {
            const std::size_t largest = party.chance(8) == 0 ? 60'000 : 700;
            const std::size_t count = std::min(until - fate.written, party.chance(largest));
            const std::size_t in_head = std::min(count, party.chance(SendStream::max_head + 1));
            std::string text(count, '\0');
            for (std::size_t i = 0; i < count; ++i) text[i] = letter(id, fate.written + i);
            fate.written += count;
            const auto before = head(std::string_view(text).substr(0, in_head));
            Bytes after = bytes(std::string_view(text).substr(in_head));
            co_await stream->write(before, std::move(after));
            SendOrder order;
            order.priority = static_cast<std::uint8_t>(party.chance(4));
            order.flow = id % 3;
            if (party.chance(3) == 0) stream->set_order(order);
        }
        if (!resets || party.chance(3) == 0) {
            stream->finish();
            fate.finished = true;
        }
    } catch (const std::system_error &failure) {
        fate.write_failure = failure.code();
    }
    if (resets) {
        fate.reset = true;
        fate.reset_code = by_drop ? cancelled : app_error(id);
        if (!by_drop) stream->reset(fate.reset_code);
    }
    stream.reset();
    fate.writer_gone = true;
    --party.running;
}

asio::awaitable<void> read_all(Party &party, ReceivePtr stream) {
    ++party.running;
    std::string name;
    Fate *fate = nullptr;
    std::uint32_t id = 0;
    const bool stops = party.chance(5) == 0;
    const std::size_t until = party.chance(4000);
    std::error_code failure;
    bool ended = false;
    while (!ended && !(stops && fate != nullptr && fate->received >= until)) {
        Bytes next;
        try {
            next = co_await stream->read();
        } catch (const std::system_error &error) {
            failure = error.code();
            break;
        }
        ended = next.empty();
        std::string_view text = next.view();
        if (fate == nullptr) {
            const std::size_t rest = std::min(id_size - name.size(), text.size());
            name += text.substr(0, rest);
            text.remove_prefix(rest);
            if (name.size() < id_size) continue;
            for (std::size_t i = id_size; i-- != 0;) id = id << 8 | static_cast<unsigned char>(name[i]);
            fate = &party.of(id);
        }
        for (const char each : text) {
            if (each != letter(id, fate->received++)) fate->wrong = true;
        }
    }
    if (fate != nullptr) {
        fate->ended = ended;
        fate->read_failure = failure;
        fate->reader_gone = true;
        if (!ended && !failure) {
            fate->stopped = true;
            fate->stop_code = cancelled;
            if (party.chance(2) == 0) {
                fate->stop_code = app_error(1'000'000 + id);
                stream->stop(fate->stop_code);
            }
        }
    }
    stream.reset();
    --party.running;
}

asio::awaitable<void> open_some(Party &party, std::shared_ptr<Transport> end, int count) {
    ++party.running;
    for (int i = 0; i < count; ++i) {
        const auto executor = end->executor();
        if (party.chance(2) == 0) {
            auto stream = co_await end->open_uni();
            asio::co_spawn(executor, write_all(party, std::move(stream), party.next_id++), asio::detached);
        } else {
            auto stream = co_await end->open_bidi();
            asio::co_spawn(executor, write_all(party, std::move(stream.send), party.next_id++), asio::detached);
            asio::co_spawn(executor, read_all(party, std::move(stream.receive)), asio::detached);
        }
    }
    --party.running;
}
asio::awaitable<void> accept_unis(Party &party, std::shared_ptr<Transport> end) {
    try {
        for (;;) {
            auto stream = co_await end->accept_uni();
            asio::co_spawn(end->executor(), read_all(party, std::move(stream)), asio::detached);
        }
    } catch (const std::system_error &) {
    }
}
asio::awaitable<void> accept_bidis(Party &party, std::shared_ptr<Transport> end) {
    try {
        for (;;) {
            auto stream = co_await end->accept_bidi();
            asio::co_spawn(end->executor(), write_all(party, std::move(stream.send), party.next_id++), asio::detached);
            asio::co_spawn(end->executor(), read_all(party, std::move(stream.receive)), asio::detached);
        }
    } catch (const std::system_error &) {
    }
}

void check(const Fate &fate) {
    CHECK(fate.writer_gone);
    CHECK_FALSE(fate.wrong);
    CHECK(fate.received <= fate.written);
    if (fate.ended) {
        CHECK(fate.finished);
        CHECK(fate.received == fate.written);
    }
    if (fate.finished && !fate.reset && !fate.stopped) {
        CHECK(fate.ended);
    }
    if (fate.read_failure) {
        CHECK(fate.reset);
        CHECK(fate.read_failure == fate.reset_code);
    }
    // Nobody reads it any more: its reader stopped, or never came to know whom he heard.
    if (fate.write_failure) {
        CHECK(fate.stopped);
        CHECK(fate.write_failure == fate.stop_code);
    }
}

}  // namespace

TEST_CASE("transport: many streams at once, written and read as it happens, arrive byte for byte or not at all",
          "[transport][random]") {
    const auto seed_given = seed("many streams over a memory link");
    for (std::uint64_t round = 0; round < 6; ++round) {
        CAPTURE(round);
        Party party;
        party.random.seed(seed_given + round);
        MemoryLinkConfig config;
        config.seed = party.random();
        config.delay = std::chrono::milliseconds(party.chance(3) * 5);
        config.jitter = std::chrono::milliseconds(party.chance(3) * 7);
        config.by_priority = party.chance(2) == 0;
        config.largest_piece = 1 + party.chance(9000);
        config.window = 200 + party.chance(70'000);
        config.max_streams = 1 + party.chance(9);
        Scene scene(config);
        for (const auto &end : {scene.client, scene.server}) {
            asio::co_spawn(scene.context, accept_unis(party, end), asio::detached);
            asio::co_spawn(scene.context, accept_bidis(party, end), asio::detached);
            asio::co_spawn(scene.context, open_some(party, end, 30), asio::detached);
        }
        scene.run();
        int turns = 0;
        while ((party.running != 0 || scene.link.open_streams() != 0) && ++turns < 100'000) {
            if (party.chance(9) == 0) {
                scene.link.pause();
                scene.advance(3ms);
                scene.link.resume();
            }
            scene.advance(std::chrono::milliseconds(party.chance(6)));
        }
        CHECK(party.running == 0);
        CHECK(scene.link.open_streams() == 0);
        CHECK(party.fates.size() >= 60);
        for (const auto &[id, fate] : party.fates) {
            CAPTURE(id);
            check(fate);
        }
        scene.client->close({}, "");
        scene.run();
    }
}
