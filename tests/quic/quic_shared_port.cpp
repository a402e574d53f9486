// Listeners that share a port, each on a thread of its own, and clients whose addresses change.
#include <comoq/detail/quic/handover.hpp>
#include <comoq/detail/quic/own_ids.hpp>
#include <comoq/detail/quic/steering.hpp>
#include <comoq/quic/listener.hpp>
#include <comoq/quic/shared_port.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include "quic/identity.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace quic_shared_port_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using asio::ip::udp;

namespace {

udp::endpoint loopback(unsigned short port = 0) { return {asio::ip::address_v4::loopback(), port}; }

asio::awaitable<std::string> all_of(ReceiveStream &stream) {
    std::string all;
    for (;;) {
        auto reading = stream.read();
        const Bytes next = co_await std::move(reading);
        if (next.empty()) co_return all;
        all += next.view();
    }
}
asio::awaitable<void> answer(std::shared_ptr<quic::Connection> connection, std::string name) {
    try {
        for (;;) {
            auto coming = connection->accept_bidi();
            auto stream = co_await std::move(coming);
            auto reading = all_of(*stream.receive);
            const std::string asked = co_await std::move(reading);
            auto writing = stream.send->write(Bytes::copy(name + " has " + asked));
            co_await std::move(writing);
            stream.send->finish();
            auto sent = stream.send->sent();
            co_await std::move(sent);
        }
    } catch (const std::system_error &) {
        // The client has gone.
    }
}
asio::awaitable<std::string> ask(quic::Connection &connection, std::string text) {
    auto opening = connection.open_bidi();
    auto stream = co_await std::move(opening);
    auto writing = stream.send->write(Bytes::copy(text));
    co_await std::move(writing);
    stream.send->finish();
    auto reading = all_of(*stream.receive);
    co_return co_await std::move(reading);
}

/// Whether it takes the program.
bool system_steers() {
#if defined(COMOQ_QUIC_SHARES_PORTS)
    asio::io_context context;
    udp::socket one(context, loopback()), two(context, udp::v4());
    quic::detail::let_share(one);
    quic::detail::let_share(two);
    two.bind(one.local_endpoint());
    return quic::detail::steer(one, 2);
#else
    return false;
#endif
}

/// Listeners at a port. Each answers with its name, on a thread of its own.
class Servers {
public:
    Servers(std::size_t count, quic::Steering steering, std::size_t retry_above = 256) {
        std::vector<quic::ListenerPlace> places(count);
        for (auto &place : places) {
            place.executor = threads_.emplace_back().context.get_executor();
            place.config.retry_above = retry_above;
        }
        auto listeners = quic::listen_together(std::move(places), loopback(), test_identity(), steering);
        at = listeners.front().endpoint();
        for (std::size_t i = 0; i < count; ++i) {
            auto &each = threads_[i];
            each.listener.emplace(std::move(listeners[i]));
            asio::co_spawn(each.context, accept_all(each, std::to_string(i)), asio::detached);
        }
        for (auto &each : threads_) each.thread = std::thread([&each] { each.context.run(); });
    }
    ~Servers() { end(); }
    /// After the clients have gone.
    void end() {
        for (auto &each : threads_) asio::post(each.context, [&each] {
            if (!each.listener) return;
            each.counts = each.listener->counts();
            each.listener->close();
            each.listener.reset();
        });
        for (auto &each : threads_)
            if (each.thread.joinable()) each.thread.join();
    }
    /// When it is over.
    std::uint64_t passed_on() const {
        std::uint64_t sum = 0;
        for (const auto &each : threads_) sum += each.counts.passed_on;
        return sum;
    }
    bool all_have_accepted() const {
        return std::ranges::all_of(threads_, [](const Thread &each) { return each.accepted != 0; });
    }
    std::size_t accepted(std::size_t i) const { return threads_[i].accepted; }

    udp::endpoint at;

private:
    struct Thread {
        asio::io_context context{1};
        std::optional<quic::Listener> listener;
        std::thread thread;
        std::atomic<std::size_t> accepted{0};
        quic::SocketCounts counts;
    };
    static asio::awaitable<void> accept_all(Thread &thread, std::string name) {
        try {
            for (;;) {
                auto accepting = thread.listener->accept();
                auto connection = co_await std::move(accepting);
                ++thread.accepted;
                asio::co_spawn(thread.context, answer(std::move(connection), name), asio::detached);
            }
        } catch (const std::system_error &) {
            // It is closed.
        }
    }

    std::deque<Thread> threads_;
};

/// Between a client and the servers. The servers see its address, which changes.
class Way {
public:
    Way(asio::io_context &context, const udp::endpoint &to) : context_(context), to_(to), front_(context, loopback()) {
        front_.non_blocking(true);
        move();
    }
    udp::endpoint at() const { return front_.local_endpoint(); }
    void move() {
        back_.emplace(context_, loopback());
        back_->non_blocking(true);
    }
    void carry() {
        std::error_code failure;
        udp::endpoint from;
        while (const auto size = front_.receive_from(asio::buffer(buffer_), from, 0, failure)) {
            client_ = from;
            back_->send_to(asio::buffer(buffer_, size), to_, 0, failure);
        }
        while (const auto size = back_->receive_from(asio::buffer(buffer_), from, 0, failure))
            front_.send_to(asio::buffer(buffer_, size), client_, 0, failure);
    }

private:
    asio::io_context &context_;
    const udp::endpoint to_;
    udp::endpoint client_;
    udp::socket front_;
    std::optional<udp::socket> back_;
    std::array<std::byte, 65'536> buffer_;
};

/// Clients, each with its way, on this thread.
struct Clients {
    explicit Clients(const udp::endpoint &to) : to_(to) {}
    ~Clients() {
        for (auto &each : connections) each->close(0, {});
        until([&] {
            for (auto &each : connections)
                if (!each->is_silent()) return false;
            return true;
        });
    }
    template <class Condition> bool until(Condition &&condition) {
        const auto end = std::chrono::steady_clock::now() + 60s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            context.restart();
            context.run_one_for(1ms);
            for (auto &way : ways) way->carry();
        }
        return true;
    }
    template <class T> T finish(asio::awaitable<T> coroutine) {
        Begun<T> begun(context, std::move(coroutine));
        if (!until([&] { return begun.done(); })) throw std::runtime_error("it takes too long");
        return std::move(begun.value());
    }

    void add() {
        auto &way = ways.emplace_back(std::make_unique<Way>(context, to_));
        auto trust = quic::ClientCredentials::pinned({test_identity().fingerprint()});
        connections.push_back(finish(quic::connect(way->at(), "localhost", std::move(trust), {})));
    }

    asio::io_context context;
    std::vector<std::unique_ptr<Way>> ways;
    std::vector<std::shared_ptr<quic::Connection>> connections;

private:
    const udp::endpoint to_;
};

}  // namespace

TEST_CASE("connections go to all listeners at a port, and stay at theirs wherever their clients go", "[quic][sockets][stress]") {
    if (!quic::ports_can_be_shared) return;
    const auto steering = GENERATE(quic::Steering::System, quic::Steering::Forwarding);
    Servers servers(2, steering);
    std::size_t count = 0;
    {
        Clients clients(servers.at);
        // Chance gives each to one of them.
        for (; count < 12 || !servers.all_have_accepted(); ++count) clients.add();
        std::vector<std::string> first;
        for (auto &each : clients.connections) first.push_back(clients.finish(ask(*each, "this")));
        for (int round = 0; round < 3; ++round) {
            for (auto &way : clients.ways) way->move();
            for (std::size_t i = 0; i < count; ++i) {
                CHECK(clients.finish(ask(*clients.connections[i], "this")) == first[i]);
                CHECK(!clients.connections[i]->is_closed());
            }
        }
        CHECK(servers.accepted(0) + servers.accepted(1) == count);
    }
    servers.end();
    if (steering == quic::Steering::Forwarding)
        CHECK(servers.passed_on() != 0);
    else if (system_steers())
        CHECK(servers.passed_on() == 0);
    else
        WARN("this system does not steer: what it gives to the wrong listener was passed on");
}

TEST_CASE("clients that have to prove their addresses reach listeners that share a port", "[quic][sockets]") {
    if (!quic::ports_can_be_shared) return;
    const auto steering = GENERATE(quic::Steering::System, quic::Steering::Forwarding);
    Servers servers(2, steering, 0);
    {
        Clients clients(servers.at);
        for (int i = 0; i < 8; ++i) clients.add();
        for (auto &each : clients.connections) CHECK(clients.finish(ask(*each, "this")).ends_with(" has this"));
        CHECK(servers.accepted(0) + servers.accepted(1) == 8);
    }
    servers.end();
}

TEST_CASE("what comes to the wrong listener is passed on, up to a bound, and what is lost is counted", "[quic][sockets]") {
    if (!quic::ports_can_be_shared) return;
    asio::io_context first, second;
    std::vector<quic::ListenerPlace> places(2);
    places[0].executor = first.get_executor();
    places[1].executor = second.get_executor();
    auto listeners = quic::listen_together(std::move(places), loopback(), test_identity(), quic::Steering::Forwarding);
    first.poll();
    second.poll();
    // Only the first one works. It gets what comes from one of the addresses.
    std::optional<udp::socket> client;
    std::vector<std::byte> packet(1 + quic::detail::own_id_size, std::byte{0x41});
    std::uint64_t sent = 0;
    const auto send = [&] {
        client->send_to(asio::buffer(packet), listeners[0].endpoint());
        first.poll();
        return listeners[0].counts().received != sent && ++sent;
    };
    do
        client.emplace(first, loopback());
    while (!send());
    constexpr std::uint64_t most = quic::detail::Handover::most_datagrams;
    const auto is = [&](std::uint64_t passed_on, std::uint64_t dropped) {
        const auto counts = listeners[0].counts();
        return counts.passed_on == passed_on && counts.dropped == dropped;
    };
    CHECK(is(1, 0));
    for (std::uint64_t i = 1; i < most + 5; ++i) REQUIRE(send());
    CHECK(is(most, 5));
    // Then it is the second one's turn, and there is room again.
    second.poll();
    REQUIRE(send());
    CHECK(is(most + 1, 5));
    // What is its own it keeps, and what nobody can own.
    packet[1] = std::byte{0x40};
    REQUIRE(send());
    packet.pop_back();
    REQUIRE(send());
    CHECK(is(most + 1, 5));
    // Whoever has ended takes nothing.
    listeners[1].close();
    second.poll();
    packet.assign(1 + quic::detail::own_id_size, std::byte{0x41});
    while (!send()) client.emplace(first, loopback());
    CHECK(is(most + 1, 6));
    listeners[0].close();
    first.poll();
}

TEST_CASE("a port of several listeners is theirs alone, and has at least one", "[quic][sockets]") {
    if (!quic::ports_can_be_shared) return;
    asio::io_context context;
    const auto listen = [&](std::size_t count, const udp::endpoint &at) {
        std::vector<quic::ListenerPlace> places(count);
        for (auto &place : places) place.executor = context.get_executor();
        return quic::listen_together(std::move(places), at, test_identity());
    };
    CHECK(error_of([&] { return listen(0, loopback()); }) == std::errc::invalid_argument);
    CHECK(error_of([&] { return listen(257, loopback()); }) == std::errc::invalid_argument);
    auto all = listen(2, loopback());
    REQUIRE(all.size() == 2);
    CHECK(all[0].endpoint() == all[1].endpoint());
    CHECK(error_of([&] { return listen(2, all[0].endpoint()); }) == asio::error::address_in_use);
    CHECK(error_of([&] { return listen(1, all[0].endpoint()); }) == asio::error::address_in_use);
    for (auto &each : all) each.close();
    context.run();
    all.clear();
}

}  // namespace quic_shared_port_tests
