/// \file
/// Two QUIC connections with a simulated link between them, on a clock that the test moves: hours take seconds. All that
/// goes wrong on the link comes from a seed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <queue>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/ip/udp.hpp>

#include <comoq/detail/quic/routes.hpp>
#include <comoq/quic/connection.hpp>

#include "quic/identity.hpp"
#include "quic/link_faults.hpp"
#include "support/allocations.hpp"
#include "support/manual_clock.hpp"
#include "support/transport_scene.hpp"

namespace comoq::test {

using namespace std::chrono_literals;

/// Numbers that nobody has to guess.
inline quic::RandomSource random_from(std::uint64_t seed) {
    return [source = std::make_shared<std::mt19937_64>(seed)](std::span<std::byte> octets) {
        for (auto &each : octets) each = static_cast<std::byte>((*source)() & 0xff);
    };
}

/// Memory is wanting once in the calls by which packets come and go.
struct Shortage {
    /// How many allocations there succeed before that.
    std::size_t after = 0;
    bool has_come = false;
};

class QuicScene : public TransportScene {
public:
    using Time = quic::Connection::Time;

    explicit QuicScene(LinkFaults faults_ = {}, std::uint64_t seed = 1, quic::ConnectionConfig of_client = {},
                       quic::ConnectionConfig of_server = {}, quic::ClientCredentials trust = pinned())
        : faults(faults_), random_(seed), server_config_(std::move(of_server)) {
        of_client.clock = server_config_.clock = clock.clock();
        of_client.random = random_from(seed + 1);
        server_config_.random = random_from(seed + 2);
        client = std::make_shared<quic::Connection>(context.get_executor(), std::move(of_client), trust, "test", path(true));
    }
    ~QuicScene() {
        for (auto *each : all()) each->lost(make_error_code(Error::Closed));
        run();
    }
    static quic::ClientCredentials pinned() { return quic::ClientCredentials::pinned({test_identity().fingerprint()}); }

    static quic::Path path(bool of_client) {
        const auto at = [](unsigned short port) { return asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), port); };
        return of_client ? quic::Path{at(1), at(2)} : quic::Path{at(2), at(1)};
    }

    /// One thing happens: a packet arrives, or a connection's time has come. False if nothing will.
    bool step() {
        send_all();
        const auto next = next_time();
        if (!next) return false;
        advance(*next);
        while (!on_the_way_.empty() && on_the_way_.top().due <= now()) {
            Flight flight = on_the_way_.top();
            on_the_way_.pop();
            deliver(flight);
        }
        for (auto *each : all()) {
            const auto due = each->deadline();
            if (due && *due <= now()) {
                on_wire(each, [&] { each->tick(); });
                note(3, each == client.get(), 0);
            }
        }
        return true;
    }
    /// Everything that happens until then.
    void pass(std::chrono::nanoseconds time) {
        const Time end = now() + time;
        for (;;) {
            send_all();
            const auto next = next_time();
            if (!next || *next > end) break;
            step();
        }
        advance(end);
        send_all();
    }
    /// Passes time until it is true. False if it does not become true within `limit`.
    template <class Condition> bool passes_until(Condition &&condition, std::chrono::nanoseconds limit = 60s) {
        const Time end = now() + limit;
        for (;;) {
            send_all();
            if (condition()) return true;
            const auto next = next_time();
            if (!next || *next > end || !step()) return condition();
        }
    }
    /// The result of a coroutine that waits for the link, within a minute.
    template <class T> T finish(asio::awaitable<T> coroutine, std::chrono::nanoseconds limit = 60s) {
        auto begun = begin(std::move(coroutine));
        if (!passes_until([&] { return begun.done(); }, limit)) throw std::logic_error("it takes too long");
        if constexpr (std::is_void_v<T>)
            begun.value();
        else
            return std::move(begun.value());
    }
    void connect() {
        if (!passes_until([&] { return server != nullptr && !server->protocol().empty() && !client->protocol().empty(); }, 10s))
            throw std::logic_error("no connection");
        // Until the client's end of the handshake has arrived.
        passes_until([&] { return server->max_datagram_size() != 0; }, 10s);
    }
    Time now() const { return clock_now_(); }

    std::optional<Shortage> shortage;

    ManualClock clock;
    LinkFaults faults;
    /// The server's is null until a greeting has come.
    std::shared_ptr<quic::Connection> client, server;
    /// Every event until now, as one number.
    std::uint64_t history = 14695981039346656037u;
    std::size_t packets = 0;

private:
    struct Flight {
        Time due;
        std::uint64_t order;
        bool to_client;
        std::vector<std::byte> bytes;
        bool operator<(const Flight &other) const { return std::pair(due, order) > std::pair(other.due, other.order); }
    };

    /// A server's connection, and the ids of its packets. A greeting whose ids are spoiled makes one that nobody continues.
    struct Candidate {
        std::unique_ptr<quic::detail::Routes::Entry> entry;
        std::shared_ptr<quic::Connection> connection;
    };
    std::vector<quic::Connection *> all() const {
        std::vector<quic::Connection *> connections = {client.get()};
        for (const auto &each : candidates_) connections.push_back(each.connection.get());
        return connections;
    }

    /// A call of the wire's side. As with an endpoint, it costs the connection, if there is one, when it throws.
    template <class Call> void on_wire(quic::Connection *connection, Call &&call) {
        if (!shortage || shortage->has_come) return call();
        const AllocationCount made;
        FailingAllocation failing(shortage->after);
        try {
            call();
        } catch (const std::bad_alloc &) {
            failing.stop();
            shortage->has_come = true;
            if (connection != nullptr) connection->lost(make_error_code(Error::Transport));
            return;
        }
        shortage->has_come = failing.stop();
        shortage->after -= std::min(shortage->after, made.made());
    }
    bool happens(unsigned share) { return share != 0 && random_() % 1000 < share; }
    void note(unsigned what, bool side, std::size_t size) {
        const auto add = [this](std::uint64_t value) { history = (history ^ value) * 1099511628211u; };
        add(static_cast<std::uint64_t>(now().time_since_epoch().count()));
        add(what * 2 + (side ? 1 : 0));
        add(size);
    }
    void advance(Time to) {
        if (to > now()) clock.advance(to - now());
    }
    std::optional<Time> next_time() {
        std::optional<Time> next;
        const auto consider = [&](std::optional<Time> time) {
            if (time && (!next || *time < *next)) next = time;
        };
        if (!on_the_way_.empty()) consider(on_the_way_.top().due);
        for (const auto *each : all()) consider(each->deadline());
        return next;
    }
    void send_all() {
        for (bool more = true; more;) {
            run();
            more = false;
            for (auto *each : all()) {
                quic::Packet packet;
                const auto has_packet = [&] {
                    bool has = false;
                    on_wire(each, [&] { has = each->output(packet); });
                    return has;
                };
                while (has_packet()) {
                    more = true;
                    leave(each == client.get(), packet);
                }
            }
        }
    }
    void leave(bool from_client, const quic::Packet &packet) {
        ++packets;
        note(1, from_client, packet.size);
        if (packet.size > faults.largest || happens(faults.lost)) return note(2, from_client, packet.size);
        Time due = now() + faults.delay;
        if (faults.rate != 0) {
            Time &free = free_[from_client];
            free = std::max(free, now());
            const auto waiting = std::chrono::duration<double>(free - now()).count() * static_cast<double>(faults.rate);
            if (waiting > static_cast<double>(faults.queue)) return note(2, from_client, packet.size);
            free += std::chrono::nanoseconds(packet.size * 1'000'000'000 / faults.rate);
            due = free + faults.delay;
        }
        if (happens(faults.late)) due += std::chrono::nanoseconds(random_() % static_cast<std::uint64_t>(faults.most_late.count()));
        const auto all = packet.bytes();
        std::vector<std::byte> bytes(all.begin(), all.end());
        // Not the version of a long header: a checksum would have found that, and no key protects it.
        if (happens(faults.spoiled)) bytes[5 + random_() % (bytes.size() - 5)] ^= static_cast<std::byte>(1u << random_() % 8);
        for (int copies = happens(faults.doubled) ? 2 : 1; copies != 0; --copies)
            on_the_way_.push({due + (copies - 1) * 1ms, ++orders_, !from_client, bytes});
    }
    void deliver(const Flight &flight) {
        note(4, flight.to_client, flight.bytes.size());
        if (flight.to_client) return on_wire(client.get(), [&] { client->input(flight.bytes, path(true)); });
        const auto ids = quic::detail::ids_in(flight.bytes);
        if (!ids) return;
        auto known = routes_->find(ids->to);
        if (known != nullptr && known->is_silent()) {
            // As one that was greeted by a spoiled packet, which no key fits.
            std::erase_if(candidates_, [&](const Candidate &each) { return each.connection == known; });
            known = nullptr;
        }
        if (known == nullptr) on_wire(nullptr, [&] { known = make_server(flight.bytes); });
        if (known == nullptr) return;
        on_wire(known.get(), [&] { known->input(flight.bytes, path(false)); });
        if (!known->protocol().empty()) server = known;
    }
    std::shared_ptr<quic::Connection> make_server(std::span<const std::byte> datagram) {
        const auto greeting = quic::greeting_in(datagram);
        if (!greeting) return nullptr;
        Candidate made;
        made.entry = std::make_unique<quic::detail::Routes::Entry>(routes_);
        made.connection = std::make_shared<quic::Connection>(context.get_executor(), server_config_, test_identity(), *greeting,
                                                             path(false), made.entry.get());
        made.entry->belongs_to(made.connection);
        if (server == nullptr || server->protocol().empty()) server = made.connection;
        candidates_.push_back(std::move(made));
        return candidates_.back().connection;
    }

    std::mt19937_64 random_;
    quic::ConnectionConfig server_config_;
    std::shared_ptr<quic::detail::Routes> routes_ = std::make_shared<quic::detail::Routes>(quic::detail::Routes::ResetKey());
    std::vector<Candidate> candidates_;
    std::priority_queue<Flight> on_the_way_;
    std::uint64_t orders_ = 0;
    Time free_[2]{};
    std::function<Time()> clock_now_ = clock.clock();
};

}  // namespace comoq::test
