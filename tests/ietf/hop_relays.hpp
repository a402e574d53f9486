// SPDX-License-Identifier: MIT
/// \file
/// Relays with sessions between them, in a time that stands still.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/session.hpp>

#include "ietf/scene.hpp"
#include "support/media.hpp"

namespace comoq::test {

/// The drafts in which hops can be told.
inline const std::vector<std::string> hop_drafts{"moqt-18", "moqt-20", "moqt-22"};
using Hops = std::vector<std::uint64_t>;

inline BroadcastInfo came_by(Hops hops, std::uint64_t cost = 0) {
    BroadcastInfo info(std::move(hops));
    info.cost.warm = cost;
    return info;
}

struct RelayWorld {
    void run() { settle_down(context); }
    void pass(std::chrono::milliseconds how_long) {
        using namespace std::chrono_literals;
        for (auto passed = 0ms; passed < how_long; passed += 10ms) {
            time.advance(10ms);
            run();
        }
    }
    asio::io_context context;
    ManualSleep time;
};

/// A session between two origins.
struct Linked {
    Linked(RelayWorld &world, const std::string &protocol, SessionConfig of_client, SessionConfig of_server)
        : link(world.context.get_executor(), world.context.get_executor(), link_of(protocol)),
          client(link.client(), std::move(of_client)), server(link.server(), std::move(of_server)) {}
    Linked(RelayWorld &world, const std::string &protocol, const Origin &dials, const Origin &listens)
        : Linked(world, protocol, both_ways(dials, world.time), both_ways(listens, world.time)) {}
    MemoryLink link;
    Session client, server;
};

}  // namespace comoq::test
