// The end of a connection, and what is left of its streams.
#include <comoq/memory_transport.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <tuple>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/error.hpp>

#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/memory_scene.hpp"
#include "support/run.hpp"

namespace memory_transport_close_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using Codes = std::vector<std::error_code>;

const std::error_code closed_code = make_error_code(Error::Closed);

/// Everything that can wait at one end, waiting.
struct Waiters {
    Waiters(MemoryScene &scene, Transport &end, SendStream &send, ReceiveStream &receive, SendStream &other)
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

/// The results of operations that begin at an end that is over.
Codes codes_now(MemoryScene &scene, Transport &end, SendStream &send, ReceiveStream &receive, SendStream &other) {
    return {scene.code(end.open_uni()), scene.code(end.open_bidi()), scene.code(end.accept_uni()),
            scene.code(end.accept_bidi()), scene.code(end.receive_datagram()), scene.code(send.write(bytes("late"))),
            scene.code(receive.read()), scene.now(other.stopped())};
}

/// Both ends with streams in use, and every operation waiting.
struct Busy : MemoryScene {
    Busy() : MemoryScene(config_with([](auto &config) { config.max_streams = 2; })) {
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

TEST_CASE("transport: when one side closes, waiting and new operations fail at both, with its number, and with Closed for 0",
          "[transport]") {
    const std::uint64_t told = GENERATE(0u, 1u, 13u, 64u + 7u, 0xffff'ffffu);
    const bool client_closes = GENERATE(true, false);
    Busy scene;
    CHECK_FALSE(scene.at_client->any_done());
    CHECK_FALSE(scene.at_server->any_done());
    (client_closes ? scene.client : scene.server)->close(told, "because");
    const auto end = connection_ended(told);
    const auto failure = told != 0 ? end : closed_code;
    CHECK(scene.at_client->codes() == eight_of(failure));
    CHECK(scene.at_server->codes() == eight_of(failure));
    CHECK(scene.at_client->closed.value() == end);
    CHECK(scene.at_server->closed.value() == end);
    CHECK(codes_now(scene, *scene.client, *scene.here.send, *scene.here.receive, *scene.here.send) == eight_of(failure));
    CHECK(codes_now(scene, *scene.server, *scene.there.send, *scene.there.receive, *scene.own.send) == eight_of(failure));
    CHECK(scene.now(scene.client->closed()) == end);
    CHECK(scene.now(scene.server->closed()) == end);
    CHECK(bool(end) == (told != 0));
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
    MemoryScene scene;
    const bool cut_first = GENERATE(false, true);
    if (cut_first) scene.link.cut(old);
    else scene.client->close(end_number, "");
    scene.server->close(other_end_number, "");
    scene.client->close(0, "");
    scene.link.cut(make_error_code(Error::Lagged));
    const auto code = cut_first ? old : connection_ended(end_number);
    CHECK(scene.now(scene.client->closed()) == code);
    CHECK(scene.now(scene.server->closed()) == code);
}

TEST_CASE("transport: a stream whose end has come can still be read after the close, and another cannot", "[transport]") {
    MemoryScene scene;
    auto [ended, whole] = scene.uni();
    auto [open, partial] = scene.uni();
    auto [reset, broken] = scene.uni();
    scene.write(*ended, "all of it");
    ended->finish();
    scene.write(*open, "some of it");
    reset->reset(other_end_number);
    scene.run();
    const bool here = GENERATE(false, true);
    (here ? scene.server : scene.client)->close(end_number, "");
    CHECK(scene.read(*whole) == "all of it");
    CHECK(scene.at_end(*whole));
    CHECK(scene.code(partial->read()) == connection_ended(end_number));
    CHECK(scene.code(broken->read()) == stream_ended(other_end_number));
}

TEST_CASE("transport: streams that nobody accepted, and datagrams that nobody took, end with the connection",
          "[transport]") {
    MemoryScene scene;
    const auto sent = scene.send_one_of_each();
    scene.client->close(end_number, "");
    CHECK(scene.code(scene.server->accept_uni()) == connection_ended(end_number));
    CHECK(scene.code(scene.server->accept_bidi()) == connection_ended(end_number));
    CHECK(scene.code(scene.server->receive_datagram()) == connection_ended(end_number));
}

TEST_CASE("transport: calls on a stream or the connection after the close do no harm", "[transport]") {
    Busy scene;
    scene.client->close(end_number, "");
    scene.run();
    scene.here.send->finish();
    scene.here.send->reset(other_end_number);
    scene.there.send->reset(other_end_number);
    scene.there.send->finish();
    scene.own.send->set_order({.priority = 3});
    scene.here.receive->stop(other_end_number);
    scene.there.receive.reset();
    scene.there.send.reset();
    scene.client->send_datagram(bytes("late"));
    scene.link.pause();
    scene.link.resume();
    scene.advance(1s);
    CHECK(scene.now(scene.here.send->stopped()) == connection_ended(end_number));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: releasing a connection does not close it, and its streams outlive it", "[transport]") {
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

TEST_CASE("transport: an end whose peer is gone waits until it closes itself", "[transport]") {
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
    client->close(0, "");
    CHECK(writing.code() == closed_code);
    CHECK(closed.value() == none);
}

}
