/// \file Relays that are origins, with sessions between them and viewers that have sessions of their own.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <asio/io_context.hpp>

#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>
#include <comoq/origin.hpp>

#include "lite/scene.hpp"
#include "support/manual_sleep.hpp"
#include "support/settle.hpp"

namespace comoq::test {

/// A session in memory, with its two ends.
struct Connection {
    Connection(asio::io_context &context, lite::SessionConfig of_client, lite::SessionConfig of_server)
        : link(context.get_executor(), context.get_executor(), spoken_link()), client(link.client(), std::move(of_client)),
          server(link.server(), std::move(of_server)) {}
    MemoryLink link;
    lite::Session client;
    lite::Session server;
};

struct RelayScene {
    lite::SessionConfig config_of(const Origin &origin) const { return both_ways(origin, time); }
    void run() { settle_down(context); }

    asio::io_context context;
    ManualSleep time;
};

/// A viewer of one track over a session of its own.
struct Viewer {
    Viewer(RelayScene &scene, const Origin &relay)
        : origin(origin_with_id(0)), connection(scene.context, scene.config_of(origin), scene.config_of(relay)) {}
    void subscribe(std::string_view path, Subscription wishes = {}) {
        subscribing.emplace(wait(connection.client.broadcast(path).track("video").subscribe(wishes)));
    }
    TrackSubscriber &subscriber() { return subscribing->value(); }

    Origin origin;
    Connection connection;
    std::optional<Waiting<TrackSubscriber>> subscribing;
};

}  // namespace comoq::test
