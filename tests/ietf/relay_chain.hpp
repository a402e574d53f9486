// SPDX-License-Identifier: MIT
/// \file
/// Relays with sessions between them, in a time that stands still.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <asio/io_context.hpp>

#include <comoq/session.hpp>

#include "ietf/scene.hpp"
#include "support/media.hpp"

namespace comoq::test {

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

/// A publisher, a relay and a viewer, with a session from each to the next.
struct RelayChain : RelayWorld {
    RelayChain(const std::string &first, const std::string &second)
        : up(*this, first, source, relay), down(*this, second, viewer, relay), published(source.producer().create_broadcast("a")) {
        run();
    }
    /// The track "video" as the relay has it, or the viewer.
    TrackConsumer seen_by(const Origin &origin) {
        run();
        return now(origin.consumer().announced_broadcast("a")).track("video");
    }
    TrackConsumer seen() { return seen_by(viewer); }
    template <class T> auto get(Operation<T> operation) {
        auto waiting = wait(std::move(operation));
        run();
        return std::move(waiting.value());
    }

    Origin source = origin_with_id(1), relay = origin_with_id(2), viewer = origin_with_id(3);
    Linked up, down;
    BroadcastPublish published;
};

}  // namespace comoq::test
