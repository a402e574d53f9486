// SPDX-License-Identifier: MIT
// Relays that are each other's peers in a ring, by MoQ Transport: hops end what would go round.
#include <comoq/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/mirror.hpp>
#include <comoq/proxy.hpp>

#include "ietf/hop_relays.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"

namespace hop_rings_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// Each tells both of its neighbours what is announced to it. The protocols of their sessions take turns.
struct Gossip : RelayWorld {
    Gossip(std::size_t size, const std::vector<std::string> &protocols) {
        for (std::size_t i = 0; i < size; ++i) origins.push_back(origin_with_id(i + 1));
        for (std::size_t i = 0; i < size; ++i) {
            const Origin &one = origins[i], &next = origins[(i + 1) % size];
            connections.emplace_back(*this, protocols[i % protocols.size()], one, next);
        }
        run();
    }
    std::vector<Origin> origins;
    std::list<Linked> connections;
};

/// Each asks the next one for what it does not have, and the last one asks the first.
struct Ring : RelayWorld {
    struct Relay {
        explicit Relay(std::uint64_t id) : main(origin_with_id(id)), upstream(origin_with_id(id)) {}
        Origin main, upstream;
        std::optional<Linked> up;
        Disturbed proxying, mirroring;
    };
    Ring(std::size_t size, const std::string &protocol) {
        for (std::size_t i = 0; i < size; ++i) relays.push_back(std::make_unique<Relay>(i + 1));
        for (std::size_t i = 0; i < size; ++i) connect(*relays[i], *relays[(i + 1) % size], protocol);
        run();
    }
    ~Ring() {
        for (auto &relay : relays) {
            relay->proxying.cancel();
            relay->mirroring.cancel();
        }
        run();
    }
    void connect(Relay &relay, Relay &next, const std::string &protocol) {
        auto of_client = both_ways(relay.main, time);
        of_client.subscribe = relay.upstream.producer();
        relay.up.emplace(*this, protocol, std::move(of_client), both_ways(next.main, time));
        ProxyConfig how;
        how.sleep = time;
        auto work = proxy(relay.upstream.consumer(), relay.main.producer(), relay.main.producer().dynamic(), how);
        relay.proxying.start(context, std::move(work));
        relay.mirroring.start(context, mirror(relay.upstream.consumer(), relay.main.producer(), how));
    }
    std::vector<std::unique_ptr<Relay>> relays;
};

/// A viewer of one track over a session of its own.
struct Viewer {
    Viewer(RelayWorld &world, const std::string &protocol, const Origin &relay)
        : origin(origin_with_id(0)), connected(world, protocol, origin, relay) {}
    void subscribe(std::string_view path) {
        subscribing.emplace(wait(connected.client.broadcast(path).track("video").subscribe()));
    }
    Origin origin;
    Linked connected;
    std::optional<Waiting<TrackSubscriber>> subscribing;
};

}  // namespace

TEST_CASE("MoQ Transport: what is announced in a ring is announced once everywhere, and nowhere when it has ended",
          "[ietf][session][hops][ring]") {
    for (const auto &protocols : std::vector<std::vector<std::string>>{
             {"moqt-18"}, {"moqt-20"}, {"moqt-22"}, {"moqt-18", "moq-lite-06"}, {"moqt-20", "moq-lite-05", "moqt-18"}}) {
        for (const std::size_t size : {2u, 3u, 4u, 5u}) {
            INFO(protocols.front() << " and " << protocols.size() - 1 << " others, " << size << " relays");
            Gossip ring(size, protocols);
            const bool is_priced = std::find(protocols.begin(), protocols.end(), "moq-lite-05") == protocols.end();
            for (int round = 0; round < 2; ++round) {
                std::optional<BroadcastPublish> published(ring.origins[0].producer().create_broadcast("a"));
                auto track = published->create_track("video");
                track.write_frame(payload("first"));
                std::uint64_t newest = 0;
                ring.run();
                for (std::size_t i = 1; i < size; ++i) {
                    INFO("at " << i);
                    const auto found = test::now(ring.origins[i].consumer().announced_broadcast("a"));
                    // By the shorter way round.
                    const auto &hops = found.info().hops;
                    // Without costs the longer way may be as good.
                    if (is_priced) CHECK(hops.size() == std::min(i, size - i));
                    CHECK(hops.front() == 1);
                    {
                        auto subscribing = wait(found.track("video").subscribe());
                        ring.run();
                        track.write_frame(payload("next"));
                        ring.run();
                        const auto groups = nexts(subscribing.value());
                        REQUIRE_FALSE(groups.empty());
                        CHECK(groups.back() == ++newest);
                    }
                    // The relays between have left it, too.
                    ring.run();
                }
                published.reset();
                ring.run();
                for (const auto &origin : ring.origins) CHECK(origin.stats().announced == 0);
            }
        }
    }
}

TEST_CASE("MoQ Transport: a broadcast that no relay of a ring has is NotFound, and nothing is left behind",
          "[ietf][session][hops][ring]") {
    for (const std::string protocol : {"moqt-18", "moqt-20"}) {
        for (const std::size_t size : {2u, 3u}) {
            INFO(protocol << ", " << size << " relays");
            Ring ring(size, protocol);
            const auto sleepers = ring.time.sleepers();
            {
                std::list<Viewer> viewers;
                for (auto &relay : ring.relays) viewers.emplace_back(ring, protocol, relay->main);
                ring.run();
                for (auto &viewer : viewers) viewer.subscribe("nobody/has/this");
                ring.pass(900ms);
                for (auto &viewer : viewers) CHECK(viewer.subscribing->code() == Error::NotFound);
            }
            ring.pass(7s);
            for (auto &relay : ring.relays) {
                for (const Origin *origin : {&relay->main, &relay->upstream}) {
                    CHECK(origin->stats().pending == 0);
                    CHECK(origin->stats().served == 0);
                }
            }
            CHECK(ring.time.sleepers() <= sleepers);
        }
    }
}

TEST_CASE("MoQ Transport: a broadcast that one relay of a ring has is found from all of them", "[ietf][session][hops][ring]") {
    for (const std::string protocol : {"moqt-18", "moqt-20"}) {
        INFO(protocol);
        Ring ring(2, protocol);
        auto published = ring.relays[1]->main.producer().create_broadcast("here");
        auto track = published.create_track("video");
        track.write_frame(payload("0"));
        std::list<Viewer> viewers;
        for (auto &relay : ring.relays) viewers.emplace_back(ring, protocol, relay->main);
        ring.run();
        for (auto &viewer : viewers) viewer.subscribe("here");
        ring.pass(1s);
        for (auto &viewer : viewers) {
            REQUIRE(viewer.subscribing->done());
            CHECK(nexts(viewer.subscribing->value()) == Numbers{0});
        }
    }
}

}  // namespace hop_rings_tests
