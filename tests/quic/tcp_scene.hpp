/// \file
/// Two connections of qmux over a simulated TCP, on a clock that the test moves: the same link as QuicScene's, for those who
/// cannot use UDP.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <comoq/detail/qmux/connection.hpp>

#include "quic/link_faults.hpp"
#include "quic/tcp_link.hpp"
#include "support/manual_clock.hpp"
#include "support/transport_scene.hpp"

namespace comoq::test {

class TcpScene : public TransportScene {
public:
    using Time = TcpPipe::Time;

    TcpScene(const LinkFaults &faults_, std::uint64_t seed, const std::string &protocol)
        : faults(faults_), client(make(true, protocol)), server(make(false, protocol)),
          to_server_{*client, *server, TcpPipe(faults, seed)}, to_client_{*server, *client, TcpPipe(faults, seed + 1)} {}
    ~TcpScene() {
        client->lost(make_error_code(Error::Closed));
        server->lost(make_error_code(Error::Closed));
        run();
    }

    Time now() const { return now_(); }
    /// Everything that happens until then.
    void pass(std::chrono::nanoseconds time) {
        const Time end = now() + time;
        for (;;) {
            move();
            std::optional<Time> next;
            const auto consider = [&](std::optional<Time> at) {
                if (at && (!next || *at < *next)) next = at;
            };
            for (auto *way : {&to_server_, &to_client_}) consider(way->pipe.next());
            for (auto *each : {client.get(), server.get()}) consider(each->deadline());
            if (!next || *next > end) break;
            if (*next > now()) clock.advance(*next - now());
            for (auto *way : {&to_server_, &to_client_}) way->pipe.advance(now());
            for (auto *each : {client.get(), server.get()})
                if (const auto due = each->deadline(); due && *due <= now()) each->tick();
        }
        clock.advance(end - now());
        move();
    }

    ManualClock clock;
    const LinkFaults faults;
    const std::shared_ptr<qmux::Connection> client, server;

private:
    /// One direction: records with their sizes before them.
    struct Way {
        qmux::Connection &from, &to;
        TcpPipe pipe;
        /// What the system has not taken yet, and what is not a whole record yet.
        std::vector<std::byte> going = {}, coming = {};
    };
    static constexpr std::size_t head_size = 4;

    std::shared_ptr<qmux::Connection> make(bool is_client, const std::string &protocol) {
        qmux::ConnectionConfig config;
        config.protocol = protocol;
        config.clock = clock.clock();
        return std::make_shared<qmux::Connection>(context.get_executor(), is_client, std::move(config));
    }
    void move() {
        for (bool more = true; more;) {
            run();
            more = false;
            for (auto *way : {&to_server_, &to_client_}) more = leave(*way) || arrive(*way) || more;
        }
    }
    bool leave(Way &way) {
        bool has_moved = false;
        while (const std::size_t room = way.pipe.room(way.from.queue_goal())) {
            if (way.going.empty()) {
                qmux::OutgoingRecord record;
                if (!way.from.output(record)) break;
                for (std::size_t i = 0; i < head_size; ++i) way.going.push_back(static_cast<std::byte>(record.size() >> (8 * i) & 0xff));
                for (const auto &each : record.buffers()) {
                    const auto *begin = static_cast<const std::byte *>(each.data());
                    way.going.insert(way.going.end(), begin, begin + each.size());
                }
            }
            const std::size_t size = std::min(room, way.going.size());
            way.pipe.write(std::span(way.going).first(size), now());
            way.going.erase(way.going.begin(), way.going.begin() + static_cast<std::ptrdiff_t>(size));
            has_moved = true;
        }
        return has_moved;
    }
    bool arrive(Way &way) {
        const auto got = way.pipe.read();
        if (got.empty()) return false;
        way.coming.insert(way.coming.end(), got.begin(), got.end());
        std::span<const std::byte> rest = way.coming;
        while (rest.size() >= head_size) {
            std::size_t size = 0;
            for (std::size_t i = 0; i < head_size; ++i) size |= std::to_integer<std::size_t>(rest[i]) << (8 * i);
            if (rest.size() < head_size + size) break;
            way.to.input(rest.subspan(head_size, size));
            rest = rest.subspan(head_size + size);
        }
        way.coming.erase(way.coming.begin(), way.coming.end() - static_cast<std::ptrdiff_t>(rest.size()));
        return true;
    }

    const std::function<Time()> now_ = clock.clock();
    Way to_server_, to_client_;
};

}  // namespace comoq::test
