// The two ends in memory, and the bytes that streams carry between them. In test names "transport" marks a promise of
// every transport, and "memory transport" one of this transport only.
#include <comoq/memory_transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/memory_scene.hpp"
#include "support/numbered.hpp"

namespace memory_transport_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("memory transport: each end knows its side, its executor, the protocol and the measurements", "[transport]") {
    MemoryScene scene(config_with([](auto &config) {
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
    end->close(0, "");
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

TEST_CASE("transport: bytes of a unidirectional stream come in order and whole, from either side", "[transport]") {
    const bool from_client = GENERATE(true, false);
    MemoryScene scene(config_with([](auto &config) { config.largest_piece = 3; }));
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
    MemoryScene scene;
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
    MemoryScene scene;
    auto send = scene.now(scene.client->open_uni());
    std::string before = "0123456789abcdef";
    static_assert(SendStream::max_head == 16);
    auto first = scene.begin(send->write(as_span(before), bytes("-payload-")));
    std::fill(before.begin(), before.end(), 'x');
    CHECK(first.done());
    scene.now(send->write(as_span("head only"), Bytes()));
    scene.now(send->write(bytes("-payload only")));
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == "0123456789abcdef-payload-head only-payload only");
}

TEST_CASE("transport: a write takes its bytes in the call, whether or not it is awaited", "[transport]") {
    MemoryScene scene;
    auto send = scene.now(scene.client->open_uni());
    {
        auto dropped = send->write(bytes("taken"));
    }
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == "taken");
}

TEST_CASE("transport: a payload is shared until it has been sent, and not longer", "[transport]") {
    MemoryScene scene;
    auto owner = std::make_shared<const std::string>("payload");
    const std::weak_ptr<const std::string> left = owner;
    auto send = scene.now(scene.client->open_uni());
    scene.link.pause();
    scene.now(send->write(Bytes(owner, as_span(*owner))));
    owner.reset();
    CHECK_FALSE(left.expired());
    scene.link.resume();
    scene.run();
    CHECK(left.expired());
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == "payload");
}

TEST_CASE("transport: a read gives all bytes that came together", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    scene.write(*send, "a");
    scene.write(*send, "b");
    scene.run();
    CHECK(scene.now(receive->read()).view() == "ab");
}

TEST_CASE("transport: empty writes do no harm, and an empty stream has its end", "[transport]") {
    MemoryScene scene;
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
    MemoryScene scene;
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

TEST_CASE("transport: nothing is written after the end, and a second finish changes nothing", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    scene.write(*send, "a");
    send->finish();
    CHECK(scene.code(send->write(bytes("b"))) == make_error_code(Error::Closed));
    send->finish();
    scene.run();
    CHECK(scene.code(send->write(bytes("c"))) == make_error_code(Error::Closed));
    send->finish();
    CHECK(scene.read(*receive) == "a");
    CHECK(scene.at_end(*receive));
}

TEST_CASE("transport: written bytes are sent after their handle is gone, if the stream was finished", "[transport]") {
    MemoryScene scene;
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
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    auto early = scene.begin(send->sent());
    scene.write(*send, "abc");
    // More may come.
    CHECK_FALSE(early.done());
    scene.link.pause();
    send->finish();
    CHECK_FALSE(early.done());
    auto late = scene.begin(send->sent());
    CHECK_FALSE(late.done());
    scene.link.resume();
    CHECK(early.code() == none);
    CHECK(late.code() == none);
    scene.client->close(end_number, "");
    CHECK(scene.code(send->sent()) == none);
}

TEST_CASE("transport: sent() waits for a reader that has no room, and fails when the bytes can never be sent", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    auto writing = scene.begin(send->write(bytes(300'000)));
    send->finish();
    auto sent = scene.begin(send->sent());
    CHECK_FALSE(sent.done());
    const int end = GENERATE(range(0, 5));
    if (end == 0) CHECK(scene.read(*receive).size() == 300'000);
    if (end == 1) send->reset(end_number);
    if (end == 2) receive->stop(end_number);
    if (end == 3) scene.client->close(end_number, "");
    if (end == 4) scene.link.cut(old);
    const std::error_code codes[] = {none, stream_ended(end_number), stream_ended(end_number), connection_ended(end_number), old};
    CHECK(sent.code() == codes[end]);
    CHECK(scene.code(send->sent()) == codes[end]);
}

}
