// Relays in a row: what one has is had from the other, asked for once, and goes on when a connection does not.
#include <comoq/lite/keep_connected.hpp>
#include <comoq/proxy.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "lite/scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A session in memory, with its two ends.
struct Connection {
    Connection(asio::io_context &context, lite::SessionConfig of_client, lite::SessionConfig of_server)
        : link(context.get_executor(), context.get_executor()), client(link.client(), std::move(of_client)),
          server(link.server(), std::move(of_server)) {}
    MemoryLink link;
    lite::Session client;
    lite::Session server;
};

/// Serves what `handler` is asked for from the peer of a session.
asio::awaitable<void> serve_from(const lite::Session &upstream, OriginDynamic handler) {
    while (auto request = co_await handler.requested_broadcast()) {
        request->accept(upstream.broadcast(request->path().view()));
    }
}

struct RelayScene {
    lite::SessionConfig config_of(const Origin &origin) const { return both_ways(origin, time); }
    void run() { settle_down(context); }

    asio::io_context context;
    ManualSleep time;
};

/// Somebody who views one track over a session of his own.
struct Viewer {
    Viewer(RelayScene &scene, const Origin &relay)
        : origin(origin_with_id(0)), connection(scene.context, scene.config_of(origin), scene.config_of(relay)) {}
    void subscribe(std::string_view path) {
        subscribing.emplace(wait(connection.client.broadcast(path).track("video").subscribe()));
    }
    TrackSubscriber &subscriber() { return subscribing->value(); }

    Origin origin;
    Connection connection;
    std::optional<Waiting<TrackSubscriber>> subscribing;
};

}  // namespace

TEST_CASE("a relay: a hundred viewers who ask at once for what only the next relay has are one request there",
          "[lite][relay]") {
    RelayScene scene;
    const auto a = origin_with_id(1);
    const auto b = origin_with_id(2);
    // A has it on demand, too, so that how often it is asked can be counted.
    auto handler = a.producer().dynamic();
    Connection upstream(scene.context, scene.config_of(b), scene.config_of(a));
    asio::co_spawn(scene.context, serve_from(upstream.client, b.producer().dynamic()), asio::detached);
    std::vector<std::unique_ptr<Viewer>> viewers;
    for (int i = 0; i < 100; ++i) {
        viewers.push_back(std::make_unique<Viewer>(scene, b));
    }
    scene.run();
    for (auto &viewer : viewers) {
        viewer->subscribe("nobody/announced/it");
    }
    scene.run();
    auto request = now(handler.requested_broadcast());
    REQUIRE(request);
    CHECK(request->path() == Path("nobody/announced/it"));
    auto broadcast = a.producer().make_broadcast();
    auto tracks = broadcast.dynamic();
    request->accept(broadcast.consume());
    scene.run();
    CHECK_FALSE(handler.requested_broadcast().ready());
    auto asked = now(tracks.requested_track());
    REQUIRE(asked);
    auto track = asked->accept();
    scene.run();
    CHECK_FALSE(tracks.requested_track().ready());
    CHECK(track.stats().subscribers == 1);
    std::string text(50'000, 'x');
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>('a' + i * i % 23);
    }
    auto group = track.append_group();
    group.write_frame(payload("first"));
    group.write_frame(payload(text));
    group.finish();
    scene.run();
    for (auto &viewer : viewers) {
        auto received = wait(viewer->subscriber().next_group());
        scene.run();
        REQUIRE(received.value());
        CHECK(texts(*received.value()) == Words{"first", text});
    }
    CHECK(a.stats().announced == 0);
    CHECK(b.stats().announced == 0);
    viewers.clear();
    scene.run();
    CHECK(track.stats().subscribers == 0);
}

TEST_CASE("a relay: what it announces has come through it, and no announcement goes round in a ring", "[lite][relay]") {
    RelayScene scene;
    const auto a = origin_with_id(1);
    const auto b = origin_with_id(2);
    const auto c = origin_with_id(3);
    auto published = a.producer().create_broadcast("x");
    Connection first(scene.context, scene.config_of(a), scene.config_of(b));
    Connection second(scene.context, scene.config_of(b), scene.config_of(c));
    scene.run();
    CHECK(now(c.consumer().announced_broadcast("x")).info().hops == std::vector<std::uint64_t>{1, 2});
    Connection third(scene.context, scene.config_of(c), scene.config_of(a));
    scene.run();
    // The shorter way.
    CHECK(now(c.consumer().announced_broadcast("x")).info().hops == std::vector<std::uint64_t>{1});
    CHECK(now(b.consumer().announced_broadcast("x")).info().hops == std::vector<std::uint64_t>{1});
    third.link.cut();
    scene.run();
    CHECK(now(c.consumer().announced_broadcast("x")).info().hops == std::vector<std::uint64_t>{1, 2});
    published.unannounce();
    scene.run();
    CHECK(a.stats().announced + b.stats().announced + c.stats().announced == 0);
}

namespace {

/// Relay B with A as its upstream, which comes and goes.
struct RestartScene : RelayScene {
    RestartScene() {
        lite::ReconnectConfig config;
        config.session.subscribe = upstream.producer();
        config.session.sleep = time;
        auto connect = [this]() -> asio::awaitable<std::shared_ptr<Transport>> { return connect_now(*this); };
        asio::co_spawn(context, lite::keep_connected(std::move(connect), std::move(config)),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
        asio::co_spawn(context, proxy(upstream.consumer(), b.producer(), b.producer().dynamic()), asio::detached);
        run();
    }
    static asio::awaitable<std::shared_ptr<Transport>> connect_now(RestartScene &scene) {
        ++scene.attempts;
        if (!scene.a) {
            throw std::system_error(make_error_code(Error::Transport));
        }
        scene.link.emplace(scene.context.get_executor(), scene.context.get_executor());
        scene.a_session.emplace(scene.link->server(), scene.config_of(*scene.a));
        co_return scene.link->client();
    }
    void kill_a() {
        if (link) {
            link->cut();
        }
        a_session.reset();
        track.reset();
        published.reset();
        a.reset();
        run();
    }
    void start_a() {
        a = origin_with_id(1);
        published.emplace(a->producer().create_broadcast("x"));
        track.emplace(published->producer().create_track("video"));
    }
    void pass(std::chrono::milliseconds how_long) {
        time.advance(how_long);
        run();
    }

    Origin upstream = origin_with_id(4);
    Origin b = origin_with_id(2);
    std::optional<Origin> a;
    std::optional<BroadcastPublish> published;
    std::optional<TrackProducer> track;
    std::optional<MemoryLink> link;
    std::optional<lite::Session> a_session;
    int attempts = 0;
    asio::cancellation_signal stop;
};

}  // namespace

TEST_CASE("a relay: when its upstream comes back, readers go on where they were", "[lite][relay]") {
    RestartScene scene;
    scene.start_a();
    scene.pass(1s);
    auto waiting = wait(scene.b.consumer().request_broadcast("x"));
    scene.run();
    auto subscribing = wait(waiting.value().track("video").subscribe());
    scene.run();
    auto &subscriber = subscribing.value();
    scene.track->write_frame(payload("0"));
    scene.track->write_frame(payload("1"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{0, 1});
    auto next = wait(subscriber.next_group());

    scene.kill_a();
    CHECK_FALSE(next.done());
    scene.pass(1s);
    CHECK_FALSE(next.done());

    scene.start_a();
    scene.track->create_group(2).finish();
    scene.pass(5s);
    scene.pass(5s);
    REQUIRE(next.done());
    REQUIRE(next.value());
    CHECK(next.value()->sequence() == 2);
    scene.track->write_frame(payload("3"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{3});
    CHECK(scene.track->stats().subscribers == 1);
}

TEST_CASE("a relay: who waits too long for an upstream gets one clear error", "[lite][relay]") {
    RestartScene scene;
    auto waiting = wait(scene.b.consumer().request_broadcast("x"));
    scene.run();
    CHECK_FALSE(waiting.done());
    for (int i = 0; i < 11; ++i) {
        scene.pass(1s);
    }
    CHECK(waiting.code() == Error::Unroutable);
}

TEST_CASE("a relay: attempts to connect come at ever longer intervals, and at short ones again once it has worked",
          "[lite][relay]") {
    RestartScene scene;
    CHECK(scene.attempts == 1);
    for (int i = 0; i < 600; ++i) {
        scene.pass(100ms);
    }
    // At 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s and so on at the latest, in half of the time at the earliest.
    CHECK(scene.attempts >= 7);
    CHECK(scene.attempts <= 9);
    scene.start_a();
    for (int i = 0; i < 300; ++i) {
        scene.pass(100ms);
    }
    const int before = scene.attempts;
    scene.kill_a();
    scene.pass(500ms);
    CHECK(scene.attempts == before + 1);
    scene.stop.emit(asio::cancellation_type::terminal);
    scene.run();
    CHECK(scene.time.sleepers() == 0);
}
