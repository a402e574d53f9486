/// \file
/// Two origins with a session between them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/lite/session_config.hpp>
#include <comoq/memory_transport.hpp>
#include <comoq/origin.hpp>

#include "support/manual_sleep.hpp"
#include "support/media.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace comoq::test {

inline Origin origin_with_id(std::uint64_t id) {
    OriginConfig config;
    config.id = id;
    return Origin(std::move(config));
}

/// The config of a session that shows all of an origin and announces there, with a time of its own.
inline lite::SessionConfig both_ways(const Origin &origin, const ManualSleep &time) {
    lite::SessionConfig config;
    config.publish = origin.consumer();
    config.subscribe = origin.producer();
    config.sleep = time;
    return config;
}

/// Broadcasts published `there`, on the server's side, are seen `here`, on the client's, and the other way round.
template <class Session> struct SceneOf {
    explicit SceneOf(MemoryLinkConfig config)
        : link(context.get_executor(), context.get_executor(), std::move(config)) {}

    lite::SessionConfig config_of(const Origin &origin) const { return both_ways(origin, time); }
    void connect() {
        server.emplace(link.server(), config_of(there));
        client.emplace(link.client(), config_of(here));
        run();
    }
    void run() { settle_down(context); }
    void pass(std::chrono::milliseconds how_long) {
        time.advance(how_long);
        run();
    }

    /// A broadcast that is announced `there`, with one track.
    TrackProducer publish(std::string_view path, std::string_view name = "video", TrackInfo info = {}) {
        auto &published = broadcasts.emplace_back(there.producer().create_broadcast(path));
        return published.producer().create_track(name, info);
    }
    /// The broadcast as it is announced `here`. Throws if it is not.
    BroadcastConsumer announced(std::string_view path) {
        run();
        return now(here.consumer().announced_broadcast(path));
    }
    TrackSubscriber subscribe(std::string_view path, std::string_view name = "video", Subscription wishes = {}) {
        auto waiting = wait(announced(path).track(name).subscribe(wishes));
        run();
        return std::move(waiting.value());
    }
    /// The value of an operation after every coroutine had its turn. Throws if it waits.
    template <class T> auto get(Operation<T> operation) {
        auto waiting = wait(std::move(operation));
        run();
        return std::move(waiting.value());
    }
    template <class T> std::error_code code(Operation<T> operation) {
        auto waiting = wait(std::move(operation));
        run();
        return waiting.code();
    }
    /// All texts of a group.
    Words words(GroupConsumer group) {
        run();
        return texts(group);
    }

    asio::io_context context;
    MemoryLink link;
    ManualSleep time;
    Origin there = origin_with_id(1);
    Origin here = origin_with_id(2);
    std::vector<BroadcastPublish> broadcasts;
    std::optional<Session> server;
    std::optional<Session> client;
};

}  // namespace comoq::test
