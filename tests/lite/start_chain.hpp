/// \file
/// A publisher and a viewer with relays in between, for subscriptions that begin somewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <comoq/lite/session.hpp>

#include "lite/bounds_scene.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"
#include "support/origin_fixture.hpp"
#include "support/run.hpp"

namespace comoq::test {

inline Subscription from(std::optional<std::uint64_t> start, std::chrono::milliseconds max_latency = std::chrono::milliseconds(0)) {
    Subscription wishes;
    wishes.start = start;
    wishes.max_latency = max_latency;
    return wishes;
}

/// A publisher, some relays in a row, and the last of them as the viewer, with sessions of one version between them.
struct Chain {
    Chain(lite::Version version, std::size_t relays) {
        for (std::size_t i = 0; i < relays + 2; ++i) {
            OriginConfig config;
            config.id = i + 1;
            config.clock = clock.clock();
            origins.emplace_back(std::move(config));
        }
        TrackInfo info;
        info.max_latency = std::chrono::seconds(5);
        broadcast = origins.front().producer().create_broadcast("a");
        video = broadcast.producer().create_track("video", info);
        for (std::size_t i = 0; i + 1 < origins.size(); ++i) {
            auto &link = links.emplace_back(
                std::make_unique<MemoryLink>(context.get_executor(), context.get_executor(), speaking(version)));
            sessions.push_back(std::make_unique<lite::Session>(link->server(), both_ways(origins[i], time)));
            sessions.push_back(std::make_unique<lite::Session>(link->client(), both_ways(origins[i + 1], time)));
            asio::co_spawn(context, serve_from(*sessions.back(), origins[i + 1].producer().dynamic()), asio::detached);
        }
        run();
    }
    void run() { settle_down(context); }
    /// Groups a minute apart: nothing that is limited by media time, or by what the track says that it keeps, has two.
    void write(int count) {
        for (; count != 0; --count) {
            video.write_frame(payload("x"), Timestamp(60 * written++, Timescale(1)));
        }
        run();
    }
    TrackSubscriber subscribe(const Subscription &wishes, std::size_t at) {
        auto waiting = ask(wishes, at);
        run();
        return std::move(waiting.value());
    }
    /// Not told to anybody yet, if somebody subscribes already.
    Waiting<TrackSubscriber> ask(const Subscription &wishes, std::size_t at) {
        auto found = wait(origins[at].consumer().request_broadcast("a"));
        run();
        return wait(found.value().track("video").subscribe(wishes));
    }
    Waiting<TrackSubscriber> ask(const Subscription &wishes) { return ask(wishes, origins.size() - 1); }
    static asio::awaitable<void> serve_from(const lite::Session &upstream, OriginDynamic handler) {
        while (auto request = co_await handler.requested_broadcast()) {
            request->accept(upstream.broadcast(request->path().view()));
        }
    }
    TrackSubscriber subscribe(const Subscription &wishes) { return subscribe(wishes, origins.size() - 1); }

    asio::io_context context;
    ManualSleep time;
    ManualClock clock;
    std::vector<Origin> origins;
    BroadcastPublish broadcast;
    TrackProducer video;
    std::uint64_t written = 0;
    std::vector<std::unique_ptr<MemoryLink>> links;
    std::vector<std::unique_ptr<lite::Session>> sessions;
};

}  // namespace comoq::test
