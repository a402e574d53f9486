// Operations that stop waiting, and objects that are gone: what ends with them, and what does not.
#include <comoq/memory_transport.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/memory_scene.hpp"
#include "support/numbered.hpp"
#include "support/run.hpp"

namespace memory_transport_lifetime_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Codes = std::vector<std::error_code>;

const std::error_code aborted = asio::error::operation_aborted;

}  // namespace

TEST_CASE("transport: a read that is cancelled takes nothing", "[transport]") {
    MemoryScene scene;
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
    MemoryScene scene;
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

TEST_CASE("transport: a stream whose opening is cancelled is not opened", "[transport]") {
    MemoryScene scene(config_with([](auto &config) { config.max_streams = 1; }));
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

TEST_CASE("transport: an accept that is cancelled leaves the stream to the next one", "[transport]") {
    MemoryScene scene;
    auto uni = scene.begin(scene.server->accept_uni());
    auto bidi = scene.begin(scene.server->accept_bidi());
    auto datagram = scene.begin(scene.server->receive_datagram());
    auto closed = scene.begin(scene.server->closed());
    uni.cancel();
    bidi.cancel();
    datagram.cancel();
    closed.cancel();
    CHECK(Codes{uni.code(), bidi.code(), datagram.code(), closed.code()} == Codes(4, aborted));
    const auto sent = scene.send_one_of_each();
    CHECK(scene.read(*scene.now(scene.server->accept_uni())) == "u");
    CHECK(scene.read(*scene.now(scene.server->accept_bidi()).receive) == "b");
    CHECK(scene.now(scene.server->receive_datagram()).view() == "d");
}

TEST_CASE("transport: the end of a wait for stopped() does not stop the stream", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    auto stopped = scene.begin(send->stopped());
    stopped.cancel();
    CHECK(stopped.code() == aborted);
    scene.write(*send, "abc");
    CHECK(scene.read(*receive) == "abc");
}

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
        // Before or after the messages of its streams about it were delivered.
        context.reset();
    }
    CHECK(client_left.expired());
    CHECK(server_left.expired());
}

TEST_CASE("transport: nothing stays when links, ends and streams are gone, whatever operations were under way", "[transport]") {
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
        run_to_end(context, uni->write(Bytes(owner, as_span(*owner))));
        run_to_end(context, bidi.send->write(Bytes(owner, as_span(*owner))));
        link.client()->send_datagram(Bytes(owner, as_span(*owner)));
        link.resume();
        if (ran) settle_down(context);
        if (closed) link.client()->close(0, "");
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
    link.client()->close(0, "");
    context.reset();
    sent->finish();
    receive->stop(end_number);
    CHECK(link.open_streams() == 0);
}

}
