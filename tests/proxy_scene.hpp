// What the tests of proxies share.
#pragma once

#include <comoq/proxy.hpp>

#include <optional>
#include <string>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/origin.hpp>

#include "support/media.hpp"
#include "support/run.hpp"

namespace proxy_tests {

using namespace comoq;
using namespace comoq::test;

/// `to` is served from `from`.
struct Scene {
    Scene() { asio::co_spawn(context, proxy(from->consume(), to), asio::detached); }

    void run() { settle_down(context); }
    auto subscribe(const std::string &name = "video", Subscription wishes = {}) {
        auto waiting = wait(to.consume().track(name).subscribe(wishes));
        run();
        return waiting;
    }
    /// A subscriber of a track that exists upstream.
    TrackSubscriber subscriber(Subscription wishes = {}) {
        auto waiting = subscribe("video", wishes);
        return std::move(waiting.value());
    }
    /// The numbers that come in order, each after every coroutine had its turn.
    Numbers next_groups(TrackSubscriber &of) {
        run();
        return nexts(of);
    }

    asio::io_context context;
    std::optional<BroadcastProducer> from = BroadcastProducer();
    BroadcastProducer to;
    std::optional<TrackProducer> video = from->create_track("video");
};

/// A broadcast upstream with a track.
struct Source {
    explicit Source(BroadcastProducer made) : broadcast(std::move(made)) {}
    BroadcastProducer broadcast;
    TrackProducer video = broadcast.create_track("video");
};

/// `edge` has nothing itself, and fetches from `upstream`.
struct Relay {
    Relay() {
        asio::co_spawn(context, proxy(upstream.consumer(), edge->producer(), edge->producer().dynamic()),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
    }
    ~Relay() {
        stop.emit(asio::cancellation_type::terminal);
        run();
    }

    void run() { settle_down(context); }
    /// Takes upstream's request, and answers it with a new broadcast.
    Source answer(OriginDynamic &handler) {
        Source source(upstream.producer().make_broadcast());
        now(handler.requested_broadcast())->accept(source.broadcast.consume());
        run();
        return source;
    }
    auto ask() {
        auto waiting = wait(edge->consumer().request_broadcast("room/alice"));
        run();
        return waiting;
    }

    asio::io_context context;
    asio::cancellation_signal stop;
    Origin upstream;
    std::optional<Origin> edge = Origin();
};

}  // namespace proxy_tests
