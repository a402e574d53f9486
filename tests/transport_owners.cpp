// Payloads whose owners use the connection when they end.
#include <comoq/transport.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <comoq/detail/qmux/connection.hpp>
#include <comoq/error.hpp>
#include <comoq/memory_transport.hpp>

#include "detail/qmux/connection_scene.hpp"
#include "support/catch.hpp"
#include "support/memory_scene.hpp"

namespace transport_owners_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Its owner calls the connection in many ways when it ends; each call takes the connection's lock.
Bytes asking_payload(std::shared_ptr<Transport> connection, std::size_t size, int &ended) {
    const auto ask = [connection = std::move(connection), &ended](const std::vector<std::byte> *all) {
        static_cast<void>(connection->stats());
        connection->measure();
        connection->send_datagram(bytes("from an owner"));
        connection->close(0, "by an owner");
        ++ended;
        delete all;
    };
    const std::shared_ptr<const std::vector<std::byte>> owner(new std::vector<std::byte>(size), ask);
    return Bytes(owner, std::span(*owner));
}

}  // namespace

TEST_CASE("transport: the owner of a payload is destroyed without the connection's lock, however the payload goes",
          "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    scene.link.pause();
    int ended = 0;
    const std::size_t size = GENERATE(std::size_t{1}, std::size_t{1000});
    const auto payload = [&] { return asking_payload(scene.client, size, ended); };
    SECTION("it is delivered") {
        scene.now(send->write(payload()));
        scene.link.resume();
    }
    SECTION("its stream is reset") {
        scene.now(send->write(payload()));
        send->reset(end_number);
    }
    SECTION("its stream is given up") {
        scene.now(send->write(payload()));
        send.reset();
    }
    SECTION("its stream is stopped") {
        scene.now(send->write(payload()));
        receive->stop(end_number);
        scene.link.resume();
    }
    SECTION("the connection is closed") {
        scene.now(send->write(payload()));
        scene.server->close(end_number, "");
    }
    SECTION("the connection is cut") {
        scene.now(send->write(payload()));
        scene.link.cut();
    }
    SECTION("its stream has ended") {
        send->finish();
        CHECK(scene.code(send->write(payload())) == make_error_code(Error::Closed));
    }
    SECTION("its stream has failed") {
        send->reset(end_number);
        CHECK(scene.code(send->write(payload())) == stream_ended(end_number));
    }
    SECTION("a datagram that nobody takes") {
        scene.client->send_datagram(payload());
        scene.link.resume();
        scene.run();
        CHECK(ended == 0);
        scene.server->close(end_number, "");
    }
    SECTION("a datagram on its way") {
        scene.client->send_datagram(payload());
        scene.link.cut();
    }
    SECTION("a datagram for which newer ones came") {
        scene.client->send_datagram(payload());
        for (int i = 0; i < 300; ++i) scene.client->send_datagram(bytes("newer"));
        scene.link.resume();
    }
    SECTION("a datagram that is too late") {
        scene.client->close(end_number, "");
        scene.client->send_datagram(payload());
    }
    scene.run();
    CHECK(ended == 1);
}

TEST_CASE("qmux connection: the owner of a payload is destroyed without the connection's lock, however the payload goes",
          "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    int ended = 0;
    const std::size_t size = GENERATE(std::size_t{1}, std::size_t{1000});
    const auto payload = [&] { return asking_payload(solo.own, size, ended); };
    SECTION("it is sent") {
        solo.now(stream->write(payload()));
        solo.frames();
    }
    SECTION("it is sent, and a head with it") {
        solo.now(stream->write(as_span("head"), payload()));
        stream->finish();
        solo.frames();
    }
    SECTION("its stream is reset") {
        solo.now(stream->write(payload()));
        stream->reset(end_number);
    }
    SECTION("its stream is stopped") {
        solo.now(stream->write(payload()));
        solo.send(qmux::StopSending{client_uni(0), 0});
    }
    SECTION("the connection is closed by the peer") {
        solo.now(stream->write(payload()));
        solo.send(qmux::ApplicationClose{0, ""});
    }
    SECTION("the connection is lost") {
        solo.now(stream->write(payload()));
        solo.own->lost(old);
    }
    SECTION("the peer breaks a rule") {
        solo.now(stream->write(payload()));
        solo.own->malformed();
    }
    SECTION("its stream has ended") {
        stream->finish();
        CHECK(solo.code(stream->write(payload())) == make_error_code(Error::Closed));
    }
    SECTION("a datagram that is sent") {
        solo.own->send_datagram(payload());
        solo.frames();
    }
    SECTION("a datagram for which newer ones came") {
        solo.own->send_datagram(payload());
        for (int i = 0; i < 300; ++i) solo.own->send_datagram(bytes("newer"));
    }
    SECTION("a datagram when the connection is lost") {
        solo.own->send_datagram(payload());
        solo.own->lost(old);
    }
    CHECK(ended == 1);
}

}
