// A relay that asks other origins: which ones it asks, and what it keeps.
#include <comoq/proxy.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace proxy_origins_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// An origin that serves one path on demand, with the given tracks.
struct Upstream {
    void serve(asio::io_context &context) { asio::co_spawn(context, answer(*this, origin.producer().dynamic()), asio::detached); }
    static asio::awaitable<void> answer(Upstream &self, OriginDynamic handler) {
        while (auto request = co_await handler.requested_broadcast()) {
            ++self.requests;
            if (self.refusal)
                request->reject(*self.refusal);
            else
                request->accept(self.broadcast->consume());
        }
    }
    void publish_video() { video = broadcast->create_track("video"); }

    int requests = 0;
    std::optional<Error> refusal;
    Origin origin;
    std::optional<BroadcastProducer> broadcast = BroadcastProducer();
    /// Without a handler, requests for tracks do not wait.
    std::optional<TrackProducer> video;
};

struct Scene {
    explicit Scene(std::size_t count, OriginConfig config = {}) : upstreams(count), relay(std::move(config)) {
        std::vector<OriginConsumer> from;
        for (auto &upstream : upstreams) {
            from.push_back(upstream.origin.consumer());
            upstream.serve(context);
        }
        asio::co_spawn(context, proxy(std::move(from), relay.producer(), relay.producer().dynamic()), asio::detached);
        run();
    }
    void run() { settle_down(context); }
    BroadcastConsumer request() {
        auto asked = wait(relay.consumer().request_broadcast("x"));
        run();
        return asked.value();
    }
    auto subscribe(const BroadcastConsumer &to, const std::string &name = "video") {
        auto waiting = wait(to.track(name).subscribe());
        run();
        return waiting;
    }
    TrackSubscriber reader() { return std::move(subscribe(request()).value()); }

    asio::io_context context;
    std::vector<Upstream> upstreams;
    Origin relay;
};

/// One origin, with the track that is read.
struct VideoScene : Scene {
    explicit VideoScene(OriginConfig config = {}) : Scene(1, std::move(config)) { upstream.publish_video(); }

    Upstream &upstream = upstreams.front();
};

}  // namespace

TEST_CASE("proxy: a broadcast that nobody has any more is released on both sides", "[proxy]") {
    Scene scene(1);
    auto &upstream = scene.upstreams.front();
    const auto live = std::weak_ptr(upstream.broadcast->state(detail::Passkey()));
    for (int i = 1; i <= 3; ++i) {
        auto broadcast = scene.request();
        CHECK(scene.relay.stats().served == 1);
        broadcast = {};
        scene.run();
        CHECK(scene.relay.stats().served == 0);
        CHECK(upstream.requests == 1);
    }
    // Upstream's broadcast is its own again: nothing else keeps it.
    upstream.broadcast.reset();
    scene.run();
    CHECK(live.expired());
}

TEST_CASE("proxy: beyond the pool it keeps a track's newest group of at most 32 MiB, until the last reader leaves", "[proxy][memory]") {
    constexpr std::size_t kibibyte = 1024;
    OriginConfig small;
    small.max_cached_bytes = 1;
    VideoScene scene(small);
    auto reader = std::make_unique<TrackSubscriber>(scene.reader());
    for (int i = 1; i <= 3; ++i) {
        auto group = scene.upstream.video->append_group();
        for (int j = 0; j < 20; ++j) group.write_frame(payload(100 * kibibyte));
        scene.run();
        // One group, however many come.
        const auto held = scene.relay.stats().cached_bytes;
        CHECK(held > 2'000 * kibibyte);
        CHECK(held < 2'010 * kibibyte);
    }
    auto group = scene.upstream.video->append_group();
    for (int j = 0; j < 400; ++j) {
        group.write_frame(payload(100 * kibibyte));
        if (j % 20 == 0) scene.run();
    }
    scene.run();
    CHECK(scene.relay.stats().cached_bytes <= std::size_t{33} << 20);
    reader.reset();
    scene.run();
    CHECK(scene.relay.stats().cached_bytes == 0);
}

TEST_CASE("proxy: a broadcast with a track that is read is kept, and the next requester shares it", "[proxy]") {
    VideoScene scene;
    auto &upstream = scene.upstream;
    auto first = std::make_unique<TrackSubscriber>(scene.reader());
    scene.run();
    CHECK(scene.relay.stats().served == 1);
    auto second = std::make_unique<TrackSubscriber>(scene.reader());
    CHECK(upstream.video->stats().subscribers == 1);
    upstream.video->write_frame(payload("both"));
    scene.run();
    CHECK(nexts(*first) == Numbers{0});
    CHECK(nexts(*second) == Numbers{0});
    first.reset();
    second.reset();
    scene.run();
    CHECK(upstream.video->stats().subscribers == 0);
    CHECK(scene.relay.stats().served == 0);
}

TEST_CASE("proxy: of several origins the first that has the broadcast serves it", "[proxy]") {
    Scene scene(3);
    scene.upstreams[0].refusal = Error::Unroutable;
    scene.upstreams[1].publish_video();
    auto subscriber = scene.subscribe(scene.request());
    CHECK(subscriber.done());
    CHECK(scene.upstreams[1].video->stats().subscribers == 1);
    CHECK(scene.upstreams[2].requests == 0);
}

TEST_CASE("proxy: if an origin does not know a track, the next origin is asked", "[proxy]") {
    Scene scene(3);
    scene.upstreams[2].publish_video();
    auto audio = scene.upstreams[2].broadcast->create_track("audio");
    const auto broadcast = scene.request();
    auto subscriber = scene.subscribe(broadcast);
    REQUIRE(subscriber.done());
    scene.upstreams[2].video->write_frame(payload("here"));
    scene.run();
    CHECK(nexts(subscriber.value()) == Numbers{0});
    // From now on the broadcast belongs to that one: no other is asked for tracks that it does not have.
    scene.upstreams[0].video = scene.upstreams[0].broadcast->create_track("text");
    CHECK(scene.subscribe(broadcast, "text").code() == Error::NotFound);
    CHECK(scene.subscribe(broadcast, "audio").done());
    scene.run();
    CHECK(audio.stats().subscribers == 0);
}

TEST_CASE("proxy: a track that no origin knows is refused after each was asked, and may be known later", "[proxy]") {
    Scene scene(3);
    const auto broadcast = scene.request();
    CHECK(scene.subscribe(broadcast).code() == Error::NotFound);
    for (auto &upstream : scene.upstreams) {
        CHECK(upstream.requests == 1);
        upstream.publish_video();
        CHECK(scene.subscribe(broadcast).done());
        upstream.video.reset();
    }
    for (auto &upstream : scene.upstreams) {
        upstream.refusal = Error::Unauthorized;
        upstream.broadcast.reset();
    }
    auto refused = wait(scene.relay.consumer().request_broadcast("y"));
    scene.run();
    CHECK(refused.code() == Error::Unauthorized);
}

TEST_CASE("proxy: when one origin's broadcast is lost and it has no other, another origin is asked", "[proxy]") {
    Scene scene(2);
    scene.upstreams[0].publish_video();
    scene.upstreams[1].publish_video();
    auto subscriber = scene.reader();
    scene.upstreams[0].video->write_frame(payload("0"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{0});
    scene.upstreams[0].refusal = Error::Unroutable;
    scene.upstreams[0].broadcast->abort(Error::Transport);
    scene.upstreams[0].video->abort(Error::Transport);
    scene.run();
    scene.upstreams[1].video->create_group(1).finish();
    scene.run();
    CHECK(nexts(subscriber) == Numbers{1});
}

TEST_CASE("proxy: a requester that releases a broadcast while it waits for a track still gets the track", "[proxy]") {
    Scene scene(1);
    auto &upstream = scene.upstreams.front();
    auto tracks = upstream.broadcast->dynamic();
    auto broadcast = scene.request();
    auto waiting = wait(broadcast.track("video").subscribe());
    broadcast = {};
    scene.run();
    CHECK_FALSE(waiting.done());
    auto request = now(tracks.requested_track());
    REQUIRE(request);
    auto video = request->accept();
    scene.run();
    REQUIRE(waiting.done());
    video.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(waiting.value()) == Numbers{0});
}

TEST_CASE("proxy: a loss counts once, however many tracks are read", "[proxy]") {
    Scene scene(1);
    auto &upstream = scene.upstreams.front();
    const std::vector<std::string> names = {"a", "b", "c"};
    std::vector<TrackProducer> tracks;
    const auto make = [&] {
        upstream.broadcast = BroadcastProducer();
        tracks.clear();
        for (const auto &name : names) {
            tracks.push_back(upstream.broadcast->create_track(name));
        }
    };
    const auto lose = [&] {
        upstream.broadcast->abort(Error::Transport);
        for (auto &track : tracks) {
            track.abort(Error::Transport);
        }
    };
    make();
    const auto broadcast = scene.request();
    std::vector<std::unique_ptr<TrackSubscriber>> readers;
    for (const auto &name : names) {
        readers.push_back(std::make_unique<TrackSubscriber>(std::move(scene.subscribe(broadcast, name).value())));
    }
    // Three in a row without a group are the end, and these are two.
    for (int i = 0; i < 2; ++i) {
        lose();
        make();
        scene.run();
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        tracks[i].write_frame(payload("0"));
        scene.run();
        CHECK(nexts(*readers[i]) == Numbers{0});
    }
}

TEST_CASE("proxy: the end of a broadcast at an origin that is not asked any more ends nothing", "[proxy]") {
    Scene scene(2);
    scene.upstreams[1].publish_video();
    auto audio = scene.upstreams[1].broadcast->create_track("audio");
    const auto broadcast = scene.request();
    auto video = scene.subscribe(broadcast);
    REQUIRE(video.done());
    scene.upstreams[0].broadcast->finish();
    scene.run();
    CHECK_FALSE(broadcast.is_closed());
    CHECK(scene.subscribe(broadcast, "audio").done());
    scene.upstreams[1].broadcast->finish();
    scene.run();
    CHECK(broadcast.is_closed());
}

TEST_CASE("proxy: a track goes on when its publisher is announced, though an origin without it was asked in the meantime",
          "[proxy]") {
    VideoScene scene;
    auto &upstream = scene.upstream;
    auto subscriber = scene.reader();
    upstream.video->write_frame(payload("0"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{0});

    auto lost = *upstream.broadcast;
    upstream.broadcast = BroadcastProducer();
    auto nobody = upstream.broadcast->dynamic();
    lost.abort(Error::Transport);
    upstream.video->abort(Error::Transport);
    scene.run();
    // The handler that answers knows nothing of the track yet.
    now(nobody.requested_track())->reject(Error::NotFound);
    auto next = wait(subscriber.next_group());
    scene.run();
    CHECK_FALSE(next.done());

    auto published = upstream.origin.producer().create_broadcast("x");
    auto again = published.producer().create_track("video");
    again.create_group(1).finish();
    scene.run();
    REQUIRE(next.done());
    CHECK(next.value()->sequence() == 1);
}

TEST_CASE("proxy: a broadcast has the route that it has upstream, also when that changes, and that of its next source", "[proxy]") {
    Scene scene(1);
    auto &upstream = scene.upstreams.front();
    const auto route = [](std::uint64_t hop, std::uint64_t cost) {
        BroadcastInfo info({hop});
        info.cost.warm = cost;
        return info;
    };
    auto published = upstream.origin.producer().create_broadcast("x", route(7, 3));
    const auto held = scene.request();
    CHECK(held.info() == route(7, 3));
    for (std::uint64_t cost = 4; cost < 6; ++cost) {
        published.update(route(7, cost));
        scene.run();
        CHECK(scene.request() == held);
        CHECK(scene.request().info() == route(7, cost));
    }
    // What was given out keeps what it said.
    CHECK(held.info() == route(7, 3));
    upstream.broadcast.emplace(upstream.origin.producer().make_broadcast(route(9, 1)));
    published.producer().abort(Error::Transport);
    scene.run();
    CHECK(upstream.requests == 1);
    CHECK(scene.request() == held);
    CHECK(scene.request().info() == route(9, 1));
}

TEST_CASE("proxy: when a source is about to go, new tracks come from another one, and those that are read go on", "[proxy]") {
    VideoScene scene;
    auto &upstream = scene.upstream;
    const auto held = scene.request();
    auto reader = std::move(scene.subscribe(held).value());
    auto leaving = std::exchange(upstream.broadcast, BroadcastProducer());
    auto sound = upstream.broadcast->create_track("sound");
    sound.write_frame(payload("0"));
    SECTION("a track") {
        leaving->state(detail::Passkey())->route().leave();
        auto waiting = scene.subscribe(held, "sound");
        scene.run();
        CHECK(nexts(waiting.value()) == Numbers{0});
    }
    SECTION("a group") {
        leaving->state(detail::Passkey())->route().leave();
        auto fetching = wait(held.track("sound").fetch_group(0));
        scene.run();
        CHECK(fetching.value().sequence() == 0);
    }
    CHECK(upstream.requests == 2);
    upstream.video->write_frame(payload("0"));
    scene.run();
    CHECK(nexts(reader) == Numbers{0});
    CHECK(scene.request() == held);
}

TEST_CASE("proxy: an origin that would ask itself is left out, and refused with RoutingLoop where no other is left", "[proxy]") {
    asio::io_context context;
    Origin upstream, edge;
    const auto both = [&] { return std::vector<OriginConsumer>{edge.consumer(), upstream.consumer()}; };
    const auto ask = [&](std::vector<OriginConsumer> from, const char *path, ProxyConfig config = {}) {
        auto handler = edge.producer().dynamic();
        auto asked = wait(edge.consumer().request_broadcast(path));
        asio::co_spawn(context, proxy(std::move(from), edge.producer(), now(handler.requested_broadcast()).value(), config),
                       asio::detached);
        settle_down(context);
        return asked.done() ? asked.code() : make_error_code(Error::Timeout);
    };
    const auto guard = upstream.producer().create_broadcast("x");
    CHECK(ask({edge.consumer()}, "x") == Error::RoutingLoop);
    CHECK(ask({edge.consumer().with_root("room").value()}, "room/x") == Error::RoutingLoop);
    CHECK(ask(both(), "x") == std::error_code());
    CHECK(ask(both(), "y") == Error::NotFound);
    ProxyConfig same_path;
    same_path.source_path = [](const Path &path) { return path; };
    CHECK(ask({edge.consumer()}, "z", same_path) == Error::RoutingLoop);
    CHECK(edge.stats().pending == 0);
}

}
