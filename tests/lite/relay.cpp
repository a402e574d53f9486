// Relays in a row: each broadcast of one is available from the other, and is asked for once.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "lite/relay_scene.hpp"
#include "support/catch.hpp"

namespace relay_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Answers requests to `handler` from the peer of a session.
asio::awaitable<void> serve_from(const lite::Session &upstream, OriginDynamic handler) {
    while (auto request = co_await handler.requested_broadcast()) {
        request->accept(upstream.broadcast(request->path().view()));
    }
}

}  // namespace

TEST_CASE("a relay: a hundred viewers that ask at once for a broadcast of the next relay make one request there",
          "[lite][relay]") {
    RelayScene scene;
    const auto a = origin_with_id(1);
    const auto b = origin_with_id(2);
    // A serves it on demand, too, so that the requests can be counted.
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

TEST_CASE("a relay: its announcements carry its hop, and no announcement goes round in a ring", "[lite][relay]") {
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

}
