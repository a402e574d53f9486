// SPDX-License-Identifier: MIT
// What QUIC and WebTransport allocate once warm, for each packet and for each delivered frame: of ours. ngtcp2 and GnuTLS take
// their memory from malloc, which is not counted.
#include <comoq/quic/connection.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>

#include "quic/scene.hpp"
#include "quic/web_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace quic_allocations_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Allocations and what they are to be compared with.
struct Made {
    std::size_t packets_out = 0, packets_in = 0;
    /// At the sender: when a packet is made, and when one comes. The same at the receiver.
    std::size_t sender_out = 0, sender_in = 0, receiver_in = 0, receiver_out = 0;
    /// By the calls of the application at both ends.
    std::size_t writer = 0, reader = 0;
};

template <class Call> void count(std::size_t &sum, Call &&call) {
    const AllocationCount made;
    call();
    sum += made.made();
}

/// Both ends of a connection in a handler of their context, as an endpoint has them: what asio keeps for the next handler, it
/// keeps there.
class Exchange {
public:
    explicit Exchange(QuicScene &scene) : scene_(scene) {}

    Made made;

    void packets() {
        // From ngtcp2 1.0 on, packets keep a distance: what it holds back comes with the next tick.
        for (int i = 0; i < 2; ++i) {
            for (bool more = true; more;) more = some(*scene_.client, *scene_.server, made.sender_out, made.receiver_in, made.packets_out) ||
                                                 some(*scene_.server, *scene_.client, made.receiver_out, made.sender_in, made.packets_in);
            scene_.clock.advance(std::chrono::milliseconds(5));
            for (auto *each : {scene_.client.get(), scene_.server.get()})
                if (const auto due = each->deadline(); due && *due <= scene_.now()) each->tick();
        }
    }

private:
    bool some(quic::Connection &from, quic::Connection &to, std::size_t &out, std::size_t &in, std::size_t &packets) {
        bool any = false, has = true;
        while (has) {
            count(out, [&] { has = from.output(packet_); });
            if (!has) break;
            any = true;
            ++packets;
            count(in, [&] { to.input(packet_.bytes(), QuicScene::path(&to == scene_.client.get())); });
        }
        return any;
    }

    QuicScene &scene_;
    quic::Packet packet_;
};

constexpr int cold = 300, warm = 600;

asio::awaitable<void> one_stream(Exchange &exchange, Transport &from, Transport &to, std::size_t size) {
    const Bytes payload = bytes(size);
    auto opening = from.open_uni();
    const auto out = co_await std::move(opening);
    ReceivePtr in;
    for (int i = 0; i < cold + warm; ++i) {
        if (i == cold) exchange.made = {};
        const AllocationCount writing_made;
        auto writing = out->write(Bytes(payload));
        co_await std::move(writing);
        exchange.made.writer += writing_made.made();
        exchange.packets();
        if (in == nullptr) {
            auto accepting = to.accept_uni();
            in = co_await std::move(accepting);
        }
        for (std::size_t got = 0; got < size;) {
            const AllocationCount reading_made;
            auto reading = in->read();
            const Bytes some = co_await std::move(reading);
            exchange.made.reader += reading_made.made();
            got += some.size();
        }
    }
}
asio::awaitable<void> stream_each(Exchange &exchange, Transport &from, Transport &to, std::size_t size) {
    const Bytes payload = bytes(size);
    for (int i = 0; i < cold + warm; ++i) {
        if (i == cold) exchange.made = {};
        const AllocationCount writing_made;
        auto opening = from.open_uni();
        const auto out = co_await std::move(opening);
        auto writing = out->write(Bytes(payload));
        co_await std::move(writing);
        out->finish();
        exchange.made.writer += writing_made.made();
        exchange.packets();
        const AllocationCount reading_made;
        auto accepting = to.accept_uni();
        const auto in = co_await std::move(accepting);
        for (bool more = true; more;) {
            auto reading = in->read();
            const Bytes some = co_await std::move(reading);
            more = !some.empty();
        }
        exchange.made.reader += reading_made.made();
    }
}
asio::awaitable<void> datagrams(Exchange &exchange, Transport &from, Transport &to, std::size_t size) {
    const Bytes payload = bytes(size);
    for (int i = 0; i < cold + warm; ++i) {
        if (i == cold) exchange.made = {};
        count(exchange.made.writer, [&] { from.send_datagram(Bytes(payload)); });
        exchange.packets();
        const AllocationCount reading_made;
        auto reading = to.receive_datagram();
        const Bytes some = co_await std::move(reading);
        exchange.made.reader += reading_made.made();
    }
}

using Load = asio::awaitable<void> (*)(Exchange &, Transport &, Transport &, std::size_t);

Made measure(QuicScene &scene, Load load, Transport &from, Transport &to, std::size_t size) {
    Exchange exchange(scene);
    scene.TransportScene::now(load(exchange, from, to, size));
    return exchange.made;
}
/// Of both: over a connection, and over a session of WebTransport.
std::vector<Made> measure_both(Load load, std::size_t size) {
    QuicScene scene;
    scene.connect();
    WebScene web;
    web.begin_session();
    return {measure(scene, load, *scene.client, *scene.server, size), measure(web, load, *web.here, *web.there, size)};
}
void check_no_packet_allocates(const Made &made) {
    CHECK(made.packets_out >= warm);
    CHECK(made.packets_in != 0);
    CHECK(made.sender_out == 0);
    CHECK(made.sender_in == 0);
    CHECK(made.receiver_out == 0);
    CHECK(made.writer == 0);
}

}  // namespace

TEST_CASE("on a warm stream of QUIC or WebTransport no packet allocates but for the bytes that are read", "[quic][webtransport]") {
    // Thread sanitizer's hooks count ngtcp2's memory, too.
    if (!allocations_can_fail()) return;
    for (const Made &made : measure_both(one_stream, 200)) {
        check_no_packet_allocates(made);
        // The bytes, and a read's handle on them.
        CHECK(made.receiver_in == warm);
        CHECK(made.reader == warm);
    }
    for (const Made &made : measure_both(one_stream, 5'000)) {
        check_no_packet_allocates(made);
        // Five packets, for which the memory grows to twice its size as often as it has to.
        CHECK(made.receiver_in <= 3 * warm);
        CHECK(made.reader <= 2 * warm);
    }
}

TEST_CASE("a datagram of QUIC or WebTransport allocates its bytes at the receiver, and nothing else", "[quic][webtransport]") {
    if (!allocations_can_fail()) return;
    for (const Made &made : measure_both(datagrams, 200)) {
        check_no_packet_allocates(made);
        CHECK(made.receiver_in == warm);
        CHECK(made.reader == 0);
    }
}

TEST_CASE("a stream for each frame costs QUIC and WebTransport the stream at both ends, and nothing for its packets", "[quic][webtransport]") {
    if (!allocations_can_fail()) return;
    for (const Made &made : measure_both(stream_each, 200)) {
        // What the packet has, until it is acknowledged.
        CHECK(made.sender_out == warm);
        CHECK(made.sender_in == 0);
        CHECK(made.receiver_out == 0);
        // At the sender the stream, its half and handle, what waits, and its place in the schedule; at the receiver the stream,
        // its half, the bytes and two handles.
        CHECK(made.writer <= 7 * warm);
        CHECK(made.receiver_in <= 5 * warm);
        CHECK(made.reader <= 2 * warm);
    }
}

}  // namespace quic_allocations_tests
