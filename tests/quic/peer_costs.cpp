// SPDX-License-Identifier: MIT
// The memory that a peer over QUIC can make this side hold, ngtcp2's and GnuTLS's with it: for the table of tests/README.md.
#include <comoq/quic/connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <comoq/quic/listener.hpp>

#include "quic/scene.hpp"
#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/heap.hpp"
#include "support/manual_clock.hpp"
#include "support/transport_scene.hpp"

namespace quic_peer_costs_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A client and its server, whose packets arrive at once. The client can go without a word: what is left is the server's.
struct Pair : TransportScene {
    explicit Pair(quic::ConnectionConfig of_server = {}) {
        quic::ConnectionConfig of_client;
        of_client.clock = of_server.clock = clock.clock();
        of_client.random = random_from(1);
        of_server.random = random_from(2);
        client = std::make_shared<quic::Connection>(context.get_executor(), std::move(of_client), QuicScene::pinned(), "test",
                                                    QuicScene::path(true));
        run();
        quic::Packet packet;
        if (!client->output(packet)) throw std::logic_error("no greeting");
        const auto greeting = quic::greeting_in(packet.bytes());
        server = std::make_shared<quic::Connection>(context.get_executor(), std::move(of_server), test_identity(), greeting.value(),
                                                    QuicScene::path(false));
        receive(packet);
    }
    ~Pair() {
        streams.clear();
        for (auto *each : {client.get(), server.get()})
            if (each != nullptr) each->lost(make_error_code(Error::Closed));
        run();
    }
    /// Everything that happens in that time.
    void pass(std::chrono::milliseconds time = 200ms) {
        for (const auto end = clock.clock()() + time; clock.clock()() < end; clock.advance(1ms)) exchange();
    }
    void connect() {
        pass();
        if (client->protocol().empty() || server->protocol().empty()) throw std::logic_error("no connection");
    }
    /// The client's packets until now, of which none has an answer. They arrive if `reach`.
    void send(bool reach = true) {
        run();
        quic::Packet packet;
        while (client->output(packet)) {
            sent += packet.size;
            if (reach) receive(packet);
        }
    }
    void forget_client() {
        streams.clear();
        client->lost(make_error_code(Error::Closed));
        run();
        client.reset();
    }

    ManualClock clock;
    std::shared_ptr<quic::Connection> client, server;
    std::vector<SendPtr> streams;
    std::size_t sent = 0;

private:
    void receive(const quic::Packet &packet) { server->input(packet.bytes(), QuicScene::path(false)); }
    void exchange() {
        for (bool more = true; more;) {
            send();
            more = false;
            quic::Packet packet;
            while (server->output(packet)) {
                more = true;
                client->input(packet.bytes(), QuicScene::path(true));
            }
        }
        for (auto *each : {client.get(), server.get()}) {
            const auto due = each->deadline();
            if (due && *due <= clock.clock()()) each->tick();
        }
    }
};

/// For `check_cost`: what is held at the server for `count` of what `act(pair, i)` sends.
template <class Act> auto each_of(Act act) {
    return [=](std::size_t count) {
        const auto before = heap_in_use();
        Pair pair;
        pair.connect();
        const auto sent = pair.sent;
        for (std::size_t i = 0; i < count; ++i) act(pair, i);
        const auto size = pair.sent - sent;
        pair.forget_client();
        return Taken{static_cast<double>(size), static_cast<double>(heap_in_use()) - static_cast<double>(before)};
    };
}

void begin_stream(Pair &pair) {
    pair.streams.push_back(pair.now(pair.client->open_uni()));
    pair.write(*pair.streams.back(), "x");
}

}  // namespace

TEST_CASE("peer costs of QUIC: a connection, and one whose handshake is half done", "[quic][peer_costs]") {
    const quic::ListenerConfig listener;
    const auto with = [](bool is_whole) {
        return [=](std::size_t count) {
            const auto before = heap_in_use();
            std::deque<Pair> pairs;
            double sent = 0;
            for (std::size_t i = 0; i < count; ++i) {
                auto &pair = pairs.emplace_back();
                if (is_whole) pair.connect();
                sent += is_whole ? static_cast<double>(pair.sent) : 1'200.0;
                pair.forget_client();
            }
            return Taken{sent, static_cast<double>(heap_in_use()) - static_cast<double>(before)};
        };
    };
    with(true)(2);
    check_cost("QUIC connection", listener.max_connections, 10, with(true));
    check_cost("QUIC handshake that is half done", listener.max_handshakes, 10, with(false));
}

TEST_CASE("peer costs of QUIC: a stream, a stream with a gap, and a byte that is not read", "[quic][peer_costs]") {
    const quic::ConnectionConfig config;
    check_cost("QUIC stream", config.max_streams_uni, 100, each_of([](Pair &pair, std::size_t) {
                   begin_stream(pair);
                   pair.send();
               }));
    check_cost("QUIC stream with a gap", config.max_streams_uni, 50, each_of([](Pair &pair, std::size_t) {
                   begin_stream(pair);
                   pair.send(false);
                   pair.write(*pair.streams.back(), "y");
                   pair.send();
               }));
    // On one stream, within its window: as large as packets are.
    constexpr std::size_t piece = 1'000;
    check_cost("byte that is not read over QUIC", config.max_data, 60 * piece, [](std::size_t count) {
        const auto before = heap_in_use();
        Pair pair;
        pair.connect();
        begin_stream(pair);
        pair.pass();
        const auto sent = pair.sent;
        for (std::size_t i = 0; i < count / piece; ++i) {
            auto writing = pair.begin(pair.streams.back()->write(bytes(std::size_t{piece})));
            pair.pass(20ms);
        }
        const auto size = pair.sent - sent;
        pair.forget_client();
        return Taken{static_cast<double>(size), static_cast<double>(heap_in_use()) - static_cast<double>(before)};
    });
}

TEST_CASE("peer costs of QUIC: datagrams that nobody takes are as many as have a place", "[quic][peer_costs]") {
    const auto held_with = [](std::size_t count) {
        return each_of([](Pair &pair, std::size_t) {
                   pair.client->send_datagram(bytes(std::size_t{1'000}));
                   pair.pass(2ms);
               })(count)
            .held;
    };
    const auto full = held_with(600);
    check_flat("datagrams over QUIC", full, held_with(1'200) - full);
}

TEST_CASE("peer costs of QUIC: streams that were reset before anybody took them leave little", "[quic][peer_costs]") {
    const auto held_with = [](std::size_t count) {
        return each_of([](Pair &pair, std::size_t) {
                   auto opening = pair.begin(pair.client->open_uni());
                   pair.pass(3ms);
                   if (!opening.done()) return;
                   pair.streams.push_back(std::move(opening.value()));
                   pair.write(*pair.streams.back(), "x");
                   pair.streams.back()->reset(1);
                   pair.pass(3ms);
                   pair.streams.clear();
               })(count)
            .held;
    };
    // They are not accepted here. From ngtcp2 1.0 on they wait for that, and the peer opens as many as it may.
    const auto full = held_with(1'100);
    check_flat("streams that were reset over QUIC", full, held_with(2'200) - full);
}

}  // namespace quic_peer_costs_tests
