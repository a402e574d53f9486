/// \file
/// Two origins with a session of any protocol between them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>
#include <comoq/origin.hpp>
#include <comoq/session.hpp>

#include "support/manual_sleep.hpp"
#include "support/media.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace comoq::test {

/// The protocols for which the tests of all sessions run.
inline const std::vector<std::string> every_protocol{"moq-lite-05", "moqt-18", "moqt-20", "moqt-22"};

inline Origin numbered_origin(std::uint64_t id) {
    OriginConfig config;
    config.id = id;
    return Origin(std::move(config));
}
inline MemoryLinkConfig link_of(std::string protocol) {
    MemoryLinkConfig config;
    config.protocol = std::move(protocol);
    return config;
}

/// Broadcasts published `there`, on the server's side, are seen `here`, on the client's, and the other way round.
struct SessionScene {
    explicit SessionScene(std::string protocol)
        : link(context.get_executor(), context.get_executor(), link_of(std::move(protocol))) {}

    SessionConfig config_of(const Origin &origin) const {
        SessionConfig config;
        config.publish = origin.consumer();
        config.subscribe = origin.producer();
        config.sleep = time;
        return config;
    }
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
    Origin there = numbered_origin(1);
    Origin here = numbered_origin(2);
    std::vector<BroadcastPublish> broadcasts;
    std::optional<Session> server;
    std::optional<Session> client;
};

}  // namespace comoq::test
