// Relays that are each other's upstreams in a ring.
#include <comoq/lite/keep_connected.hpp>
#include <comoq/mirror.hpp>
#include <comoq/proxy.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include "lite/relay_scene.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"

namespace relay_ring_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// Each asks the next one for broadcasts that it does not have, and the last one asks the first.
struct Ring : RelayScene {
    struct Relay {
        explicit Relay(std::uint64_t id) : main(origin_with_id(id)), upstream(origin_with_id(id)) {}
        Origin main, upstream;
        std::optional<MemoryLink> link;
        std::optional<lite::Session> server;
        Disturbed keeping, proxying, mirroring;
    };

    explicit Ring(std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) relays.push_back(std::make_unique<Relay>(i + 1));
        for (std::size_t i = 0; i < size; ++i) connect(*relays[i], *relays[(i + 1) % size]);
        run();
    }
    ~Ring() {
        for (auto &relay : relays) {
            relay->keeping.cancel();
            relay->proxying.cancel();
            relay->mirroring.cancel();
        }
        run();
    }
    void connect(Relay &relay, Relay &next) {
        lite::ReconnectConfig config;
        config.session = config_of(relay.main);
        config.session.subscribe = relay.upstream.producer();
        relay.link.emplace(context.get_executor(), context.get_executor());
        relay.server.emplace(relay.link->server(), config_of(next.main));
        auto dial = [transport = relay.link->client()]() -> asio::awaitable<std::shared_ptr<Transport>> {
            co_return transport;
        };
        relay.keeping.start(context, lite::keep_connected(dial, std::move(config)));
        ProxyConfig how;
        how.sleep = time;
        relay.proxying.start(context, proxy(relay.upstream.consumer(), relay.main.producer(),
                                            relay.main.producer().dynamic(), how));
        relay.mirroring.start(context, mirror(relay.upstream.consumer(), relay.main.producer(), how));
    }
    void pass(std::chrono::milliseconds how_long) {
        for (auto passed = 0ms; passed < how_long; passed += 10ms) {
            time.advance(10ms);
            run();
        }
    }
    /// No request is left.
    void check_empty() {
        for (auto &relay : relays) {
            CHECK(relay->main.stats().pending == 0);
            CHECK(relay->main.stats().served == 0);
            CHECK(relay->upstream.stats().pending == 0);
            CHECK(relay->upstream.stats().served == 0);
        }
    }

    std::vector<std::unique_ptr<Relay>> relays;
};

}  // namespace

TEST_CASE("a ring of relays: a broadcast that nobody has is NotFound within a second, and nothing is left behind",
          "[lite][relay][ring]") {
    for (const std::size_t size : std::vector<std::size_t>{2, 3, 5}) {
        INFO("relays: " << size);
        Ring ring(size);
        const auto sleepers = ring.time.sleepers();
        {
            // At one of them, and at all of them at the same time.
            std::list<Viewer> viewers;
            viewers.emplace_back(ring, ring.relays[0]->main);
            for (auto &relay : ring.relays) viewers.emplace_back(ring, relay->main);
            ring.run();
            viewers.front().subscribe("nobody/has/this");
            ring.pass(900ms);
            CHECK(viewers.front().subscribing->code() == Error::NotFound);
            for (auto &viewer : viewers) viewer.subscribe("nor/this");
            ring.pass(900ms);
            for (auto &viewer : viewers) CHECK(viewer.subscribing->code() == Error::NotFound);
            auto fetching = wait(viewers.back().connection.client.broadcast("nor/that").track("video").fetch_group(3));
            ring.pass(900ms);
            CHECK(fetching.code() == Error::NotFound);
        }
        ring.pass(7s);
        ring.check_empty();
        CHECK(ring.time.sleepers() <= sleepers);
    }
}

TEST_CASE("a ring of relays: a broadcast that one of them has is found from all of them", "[lite][relay][ring]") {
    Ring ring(3);
    auto published = ring.relays[1]->main.producer().create_broadcast("here");
    auto track = published.producer().create_track("video");
    track.write_frame(payload("0"));
    std::list<Viewer> viewers;
    for (auto &relay : ring.relays) viewers.emplace_back(ring, relay->main);
    ring.run();
    for (auto &viewer : viewers) viewer.subscribe("here");
    ring.pass(1s);
    for (auto &viewer : viewers) {
        REQUIRE(viewer.subscribing->done());
        CHECK(nexts(viewer.subscriber()) == Numbers{0});
    }
}

TEST_CASE("a ring of relays: a slow answer is not taken for a ring", "[lite][relay][ring]") {
    Ring chain(0);
    // The upstream is not a relay.
    RelayScene &scene = chain;
    Origin source = origin_with_id(9);
    auto handler = source.producer().dynamic();
    Ring::Relay edge(7);
    lite::ReconnectConfig config;
    config.session = scene.config_of(edge.main);
    config.session.subscribe = edge.upstream.producer();
    MemoryLink link(scene.context.get_executor(), scene.context.get_executor(), spoken_link());
    lite::Session server(link.server(), scene.config_of(source));
    auto dial = [transport = link.client()]() -> asio::awaitable<std::shared_ptr<Transport>> { co_return transport; };
    edge.keeping.start(scene.context, lite::keep_connected(dial, std::move(config)));
    ProxyConfig how;
    how.sleep = scene.time;
    edge.proxying.start(scene.context,
                        proxy(edge.upstream.consumer(), edge.main.producer(), edge.main.producer().dynamic(), how));
    scene.run();
    Viewer viewer(scene, edge.main);
    viewer.subscribe("slow");
    scene.run();
    auto request = now(handler.requested_broadcast()).value();
    chain.pass(3s);
    CHECK_FALSE(viewer.subscribing->done());
    auto made = source.producer().make_broadcast();
    auto track = made.create_track("video");
    request.accept(made.consume());
    chain.pass(1s);
    CHECK(viewer.subscribing->code() == std::error_code());
    edge.keeping.cancel();
    edge.proxying.cancel();
    scene.run();
}

}
