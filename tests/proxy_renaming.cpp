// A broadcast that is served under a path of its own.
#include <comoq/proxy.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <comoq/origin.hpp>

#include "proxy_transform_scene.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace proxy_renaming_tests {

using namespace comoq;
using namespace comoq::test;
using namespace proxy_transform_tests;

namespace {

/// Serves "NAME/small" of an origin from NAME of the same origin; "bad" and "worse" fail.
struct Renamed {
    Renamed() {
        ProxyConfig config;
        config.source_path = [](const Path &requested) -> std::optional<Path> {
            const std::string path(requested.view());
            if (path == "bad") throw std::system_error(app_error(3));
            if (path == "worse") throw std::logic_error("a defect");
            if (path.empty()) return Path("live/camera");
            const auto end = path.rfind("/small");
            if (end == std::string::npos || end + 6 != path.size()) return std::nullopt;
            return Path(path.substr(0, end));
        };
        config.transform = [this](const ProxiedFrame &place, Frame frame) -> asio::awaitable<Made> {
            paths.emplace_back(place.path);
            co_return twice(frame);
        };
        served.start(context, proxy(origin.consumer(), origin.producer(), origin.producer().dynamic(), config));
        settle_down(context);
    }
    ~Renamed() {
        served.cancel();
        settle_down(context);
    }
    auto ask(const std::string &path) {
        auto waiting = wait(origin.consumer().request_broadcast(path));
        settle_down(context);
        return waiting;
    }

    asio::io_context context;
    Words paths;
    Origin origin;
    BroadcastPublish camera = origin.producer().create_broadcast("live/camera", BroadcastInfo({1, 2}));
    TrackProducer video = camera.producer().create_track("video");
    Disturbed served;
};

}  // namespace

TEST_CASE("proxy transform: a broadcast is served under a path of its own, also from the same origin", "[proxy]") {
    Renamed scene;
    auto asked = scene.ask("live/camera/small");
    auto subscribing = wait(asked.value().track("video").subscribe());
    settle_down(scene.context);
    scene.video.write_frame(payload("a"));
    settle_down(scene.context);
    CHECK(whole(now(subscribing.value().next_group()).value()) == Words{"aa"});
    CHECK(scene.paths == Words{"live/camera/small"});
    // It may go to where the source came from.
    CHECK(asked.value().info().hops.empty());
    CHECK(scene.origin.stats().served == 1);
    {
        const auto left = std::move(asked);
        const auto also_left = std::move(subscribing);
    }
    settle_down(scene.context);
    CHECK(scene.origin.stats().served == 0);
    CHECK(scene.video.stats().subscribers == 0);
}

TEST_CASE("proxy transform: the root may be the path of its own of a broadcast", "[proxy]") {
    Renamed scene;
    auto asked = scene.ask("");
    auto subscribing = wait(asked.value().track("video").subscribe());
    settle_down(scene.context);
    scene.video.write_frame(payload("a"));
    settle_down(scene.context);
    CHECK(whole(now(subscribing.value().next_group()).value()) == Words{"aa"});
    CHECK(scene.paths == Words{""});
    CHECK(asked.value().info().hops.empty());
}

TEST_CASE("proxy transform: a request without a source is refused with NotFound or the failure's code", "[proxy]") {
    Renamed scene;
    CHECK(scene.ask("live/nobody").code() == Error::NotFound);
    CHECK(scene.ask("live/nobody/small").code() == Error::NotFound);
    CHECK(scene.ask("bad").code() == app_error(3));
    CHECK(scene.ask("worse").code() == Error::Internal);
    CHECK(scene.ask("live/camera/small").code() == std::error_code());
    CHECK(scene.origin.stats().pending == 0);
}

TEST_CASE("proxy transform: a single request without a source is refused, and the proxy of it returns", "[proxy]") {
    asio::io_context context;
    Origin upstream, edge;
    auto handler = edge.producer().dynamic();
    auto asked = wait(edge.consumer().request_broadcast("x"));
    auto request = now(handler.requested_broadcast()).value();
    ProxyConfig config;
    config.source_path = [](const Path &) { return std::nullopt; };
    run_to_end(context, proxy(upstream.consumer(), edge.producer(), std::move(request), config));
    CHECK(asked.code() == Error::NotFound);
}

}
